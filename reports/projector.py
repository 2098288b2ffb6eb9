"""The codes of the test images for TensorBoard's projector, with their labels and pictures."""

import math

import numpy as np
import PIL.Image

from vae_flows.image_data.grid import tile
from vae_flows.reports.images import in_colour, to_bytes
from vae_flows.run_folder.atomic import replacing

__all__ = ["write_projector"]

_SIDE = 8192  # pixels of the largest sheet of pictures that TensorBoard takes
_NUMBERS = 2**22  # of all codes together, which the browser has to load


def write_projector(folder, codes, images, labels=None, classes=None):
    """Writes the codes, labels and pictures into TensorBoard's folder, of as many images as it can show.

    Args:
        folder: TensorBoard's folder.
        codes: [N, D].
        images: [N, H, W, C], uint8 or in [0, 1].
        labels: Integers [N], or None.
        classes: Names of the labels, or None.
    """
    from tensorboard.plugins import projector

    height, width = images.shape[1:3]
    most = min(_SIDE // max(height, width), math.isqrt(_NUMBERS // codes.shape[1]))
    side = max(1, min(most, math.ceil(math.sqrt(len(codes)))))
    count = min(side**2, len(codes))
    sheet = np.zeros([side**2, height, width, 3], np.uint8)  # TensorBoard takes it for a square
    sheet[:count] = [in_colour(each) for each in to_bytes(images[:count])]
    with replacing(folder / "codes.png") as partial:
        PIL.Image.fromarray(tile(sheet, columns=side, gap=0)).save(partial, format="png")
    with replacing(folder / "codes.bytes") as partial:
        partial.write_bytes(np.ascontiguousarray(codes[:count], "float32").tobytes())
    with replacing(folder / "codes.tsv") as partial:
        rows = range(count) if labels is None else [classes[each] if classes else each for each in labels[:count]]
        partial.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    config = projector.ProjectorConfig()
    shown = config.embeddings.add(tensor_name="test codes", tensor_path="codes.bytes", metadata_path="codes.tsv")
    shown.tensor_shape.extend([count, codes.shape[1]])
    shown.sprite.image_path = "codes.png"
    shown.sprite.single_image_dim.extend([width, height])
    projector.visualize_embeddings(str(folder), config)
