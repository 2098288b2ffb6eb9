"""The bottom-up tower: what the posterior of each group of latents sees of the image."""

import keras
import tensorflow as tf

from vae_flows.blocks.configured import Configured
from vae_flows.nvae_tf.cells import EncoderCell, run
from vae_flows.nvae_tf.convolutions import Convolution

__all__ = ["BottomUp"]


class BottomUp(Configured, keras.layers.Layer):
    """Residual cells from the image up to the smallest feature maps, with a feature for each group of latents.

    A 3x3 convolution; `blocks` blocks of `block_cells` cells, the last of which halves the size and doubles the channels;
    then, scale by scale, `cells` cells for each group, after which the maps are that group's feature, and a cell that
    halves. The last feature, that of the top-down tower's first group, is elu(conv_1x1(elu(maps))).

    Args:
        image_channels: Channels of the image.
        groups: Latent groups of each scale, from the smallest feature maps to the largest.
        channels: Channels after the first convolution.
        blocks: How often the size is halved before the first scale.
        block_cells: Cells of each of these blocks.
        cells: Cells before each feature.
        recompute: Whether cells are computed again for the gradient, to save memory.

    Call:
        x [B, H, W, image_channels] in [0, 1] -> features, one tensor [B, h, w, C] for each group, in top-down order
    """

    def __init__(self, image_channels, *, groups, channels, blocks, block_cells, cells, recompute=False, **kwargs):
        super().__init__(**kwargs)
        self.image_channels, self.groups, self.channels = image_channels, tuple(groups), channels
        self.blocks, self.block_cells, self.cells, self.recompute = blocks, block_cells, cells, recompute
        policy = {"dtype": self.dtype_policy}
        self.stem = Convolution(image_channels, filters=channels, kernel_size=3, **policy)
        self.steps = []  # cells up to each feature, in bottom-up order
        pending, wide = [], channels
        for _ in range(blocks):
            pending += [EncoderCell(wide, halves=k == block_cells - 1, **policy) for k in range(block_cells)]
            wide *= 2
        for scale, count in enumerate(reversed(self.groups)):
            if scale:
                pending += [EncoderCell(wide, halves=True, **policy)]
                wide *= 2
            for _ in range(count):
                self.steps.append(pending + [EncoderCell(wide, **policy) for _ in range(cells)])
                pending = []
        self.top = Convolution(wide, filters=wide, **policy)
        self.built = True

    def call(self, x, training=False):
        h, features = self.stem(2.0 * x - 1.0), []
        for cells in self.steps:
            h = run(cells, h, training=training, recompute=self.recompute)
            features.append(h)
        features[-1] = tf.nn.elu(self.top(tf.nn.elu(h)))
        return tuple(reversed(features))
