"""The codes of the test images for TensorBoard's projector, with their labels and pictures."""

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
    side = min(_SIDE // max(height, width), int(np.sqrt(_NUMBERS // codes.shape[1])), int(np.ceil(np.sqrt(len(codes)))))
    count = min(max(side, 1) ** 2, len(codes))
    sheet = tile(np.stack([in_colour(each) for each in to_bytes(images[:count])]), columns=max(side, 1), gap=0)
    with replacing(folder / "codes.png") as partial:
        PIL.Image.fromarray(sheet).save(partial, format="png")
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
