"""One group of latents in the top-down tower."""

import keras
import tensorflow as tf

from vae_flows.blocks.configured import Configured
from vae_flows.nvae_tf.autoregressive import AutoregressivePair
from vae_flows.nvae_tf.cells import DecoderCell, run
from vae_flows.nvae_tf.convolutions import Convolution
from vae_flows.nvae_tf.laws import GroupNormal

__all__ = ["Group"]


class Group(Configured, keras.layers.Layer):
    """The cells before a group of latents, the heads of its prior and posterior, and where it enters the state.

    prior      N(c(m), (exp(c(s)) + 0.01)^2),            (m, s) = conv_1x1(elu(state)), c(v) = 5 tanh(v / 5)
    posterior  N(c(m + dm), (exp(c(s + ds)) + 0.01)^2),  (dm, ds) = conv_3x3(feature + conv_1x1(state))
    state <- conv_1x1([state, z])

    The posterior is *residual*: its network gives the difference to the prior. Of the first group the prior is N(0, I), and
    the posterior sees the feature alone. With flows, z is what `flows` pairs of autoregressive cells make of a sample.

    Args:
        channels: Channels of the state.
        latent: Channels L of the latent.
        height, width: Of state and latent.
        first: Whether it is the first group.
        doubles: Whether the state arrives at half the size and with twice the channels.
        cells: Cells before the group (none before the first).
        flows: Number of `AutoregressivePair`s in the posterior.
        flows_see_feature: Whether these see what the posterior sees.
        recompute: Whether cells are computed again for the gradient, to save memory.

    Reference: Vahdat, Kautz. NVAE: A Deep Hierarchical Variational Autoencoder. 2020. arXiv:2007.03898
    """

    def __init__(
        self,
        channels,
        *,
        latent,
        height,
        width,
        first=False,
        doubles=False,
        cells=2,
        flows=0,
        flows_see_feature=False,
        recompute=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.channels, self.latent, self.height, self.width = channels, latent, height, width
        self.first, self.doubles, self.cells, self.recompute = first, doubles, cells, recompute
        self.flows, self.flows_see_feature = flows, flows_see_feature
        policy, moments = {"dtype": self.dtype_policy}, 2 * latent
        self.cells_before = [DecoderCell(2 * channels, doubles=True, **policy)] if doubles else []
        if not first:
            self.cells_before += [DecoderCell(channels, **policy) for _ in range(cells)]
            self.prior_head = Convolution(channels, filters=moments, **policy)
            self.state_map = Convolution(channels, filters=channels, **policy)
        self.posterior_head = Convolution(channels, filters=moments, kernel_size=3, **policy)
        seen = channels if flows_see_feature else 0
        self.pairs = [AutoregressivePair(latent, context=seen, **policy) for _ in range(flows)]
        self.entrance = Convolution(channels + latent, filters=channels, **policy)
        self.built = True

    @property
    def features(self):
        """Number of latents: height * width * latent."""
        return self.height * self.width * self.latent

    def approach(self, state, *, training):
        """The state in front of the group: [N, ...] -> [N, h, w, C]."""
        return run(self.cells_before, state, training=training, recompute=self.recompute)

    def prior_parameters(self, state):
        """(m, s) as the networks give them: [N, h, w, 2 L]; nothing for the first group."""
        return None if self.first else self._of_a_density(self.prior_head(tf.nn.elu(state)))

    def prior(self, parameters, *, images):
        """p(z | state) of so many images, `GroupNormal`."""
        if self.first:
            shape = tf.stack([images, self.height, self.width, self.latent])
            return GroupNormal.standard(shape, dtype=self.variable_dtype)
        return GroupNormal.of(parameters)

    def posterior(self, parameters, state, feature):
        """q before its flows, `GroupNormal`, and what the flows see of the image.

        Args:
            parameters: Of the prior.
            state: [K * B, h, w, C]; image b belongs to the rows b, B + b, ...
            feature: From the bottom-up tower, [B, h, w, C].
        """
        if self.first:
            copies = [tf.shape(state)[0] // tf.shape(feature)[0], 1, 1, 1]
            raw = tf.tile(self._of_a_density(self.posterior_head(feature)), copies)
            return GroupNormal.of(raw), tf.tile(feature, copies) if self.flows else None
        own = self.state_map(state)
        seen = tf.reshape(own, [-1, *_sizes(feature)]) + tf.cast(feature, own.dtype)  # [K, B, h, w, C]
        seen = tf.reshape(seen, tf.shape(own))
        return GroupNormal.of(parameters + self._of_a_density(self.posterior_head(seen))), seen

    def flowed(self, z, seen):
        """z after the posterior's flows, whose log-determinant is 0."""
        for pair in self.pairs:
            z = pair(z, seen if self.flows_see_feature else None)
        return z

    def unflowed(self, z, seen):
        """The inverse of `flowed`."""
        for pair in reversed(self.pairs):
            z = pair.inverse(z, seen if self.flows_see_feature else None)
        return z

    def enter(self, state, z):
        """The state that has taken up the latent."""
        return self.entrance(tf.concat([state, tf.cast(z, state.dtype)], -1))

    def _of_a_density(self, parameters):
        """Parameters in the precision of the weights: float32 under mixed precision."""
        return tf.cast(parameters, self.variable_dtype)


def _sizes(feature):
    return [tf.shape(feature)[0], *feature.shape[1:]]
