"""The top-down tower, walked in one place for training, sampling, reconstruction and everything between."""

import keras
import tensorflow as tf

from vae_flows.blocks.configured import Configured
from vae_flows.nvae_tf.cells import DecoderCell, run
from vae_flows.nvae_tf.convolutions import Convolution
from vae_flows.nvae_tf.group import Group

__all__ = ["TopDown"]


class TopDown(Configured, keras.layers.Layer):
    """From a learned start through the groups of latents to the parameters of the pixels.

    Whoever walks it chooses each group's latent: drawn from the posterior, from the prior at a temperature, or given.

    Args:
        size: (height, width) of the padded image.
        outputs: Channels of the parameters of the pixels.
        groups: Latent groups of each scale, from the smallest feature maps to the largest.
        latent: Channels of the latent of each group.
        channels: Channels at the image's size; twice as many at each halving.
        blocks: How often the size is doubled after the last scale.
        block_cells: Cells of each of these blocks, the first of which doubles the size.
        cells: Cells before each group but the first.
        flows, flows_see_feature: Of the posteriors, see `Group`.
        recompute: Whether cells are computed again for the gradient, to save memory.

    Reference: Vahdat, Kautz. NVAE: A Deep Hierarchical Variational Autoencoder. 2020. arXiv:2007.03898
    """

    def __init__(
        self,
        size,
        *,
        outputs,
        groups,
        latent,
        channels,
        blocks,
        block_cells,
        cells,
        flows=0,
        flows_see_feature=False,
        recompute=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.size, self.outputs, self.groups, self.latent = tuple(size), outputs, tuple(groups), latent
        self.channels, self.blocks, self.block_cells, self.cells = channels, blocks, block_cells, cells
        self.flows, self.flows_see_feature, self.recompute = flows, flows_see_feature, recompute
        halvings = blocks + len(self.groups) - 1
        shape = (*(side >> halvings for side in self.size), channels << halvings)
        uniform = keras.initializers.RandomUniform(0.0, 1.0)
        self.start = self.add_weight(shape=shape, initializer=uniform, name="start", autocast=False)
        self.latents = [self._group(scale, k) for scale, count in enumerate(self.groups) for k in range(count)]
        self.post_process = [self._post_cell(block, k) for block in range(blocks) for k in range(block_cells)]
        self.head = Convolution(channels, filters=outputs, kernel_size=3, dtype=self.dtype_policy)
        self.built = True

    def descend(self, choose, *, images, training=False):
        """Parameters of the pixels, [images, H, W, outputs], in the precision of the weights.

        Args:
            choose: (group, state [images, h, w, C]) -> the group's latent [images, h, w, L], called group after group.
            images: How many images, a number or a scalar tensor.
            training: Whether the networks are in training.
        """
        state = tf.cast(tf.convert_to_tensor(self.start), self.compute_dtype)
        state = tf.tile(state[None], tf.stack([images, 1, 1, 1]))
        for group in self.latents:
            state = group.approach(state, training=training)
            state = group.enter(state, choose(group, state))
        state = run(self.post_process, state, training=training, recompute=self.recompute)
        return tf.cast(self.head(tf.nn.elu(state)), self.variable_dtype)

    def split(self, flat):
        """Latents or noise of all groups as one vector, [N, F] -> a list of [N, h, w, L]."""
        parts = tf.split(flat, [group.features for group in self.latents], axis=-1)
        shapes = [(group.height, group.width, group.latent) for group in self.latents]
        return [tf.reshape(part, [-1, *shape]) for part, shape in zip(parts, shapes, strict=True)]

    def joined(self, parts):
        """The inverse of `split`."""
        return tf.concat([tf.reshape(part, [-1, g.features]) for part, g in zip(parts, self.latents, strict=True)], -1)

    def _group(self, scale, k):
        halvings = self.blocks + len(self.groups) - 1 - scale
        height, width = (side >> halvings for side in self.size)
        return Group(
            self.channels << halvings,
            latent=self.latent,
            height=height,
            width=width,
            first=scale == k == 0,
            doubles=scale > 0 and k == 0,
            cells=self.cells,
            flows=self.flows,
            flows_see_feature=self.flows_see_feature,
            recompute=self.recompute,
            dtype=self.dtype_policy,
        )

    def _post_cell(self, block, k):
        wide = self.channels << (self.blocks - block)
        return DecoderCell(wide >> (k > 0), expansion=3, doubles=k == 0, dtype=self.dtype_policy)
