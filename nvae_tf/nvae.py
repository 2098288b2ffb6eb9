"""The model of the paper."""

import math

import tensorflow as tf
import tensorflow_probability as tfp

from vae_flows.blocks.shapes import check_image_shape, integers
from vae_flows.latent_models.latent_model import LatentModel
from vae_flows.latent_models.seeds import as_seed
from vae_flows.nvae_tf.batch_norm import BatchNorm
from vae_flows.nvae_tf.bottom_up import BottomUp
from vae_flows.nvae_tf.convolutions import Convolution, DepthwiseConvolution, MaskedConvolution
from vae_flows.nvae_tf.inference import HierarchyInference
from vae_flows.nvae_tf.objective import BalancedElbo
from vae_flows.nvae_tf.prior_draw import PriorDraw
from vae_flows.nvae_tf.readjusted import readjusted
from vae_flows.nvae_tf.singular_values import SingularValues
from vae_flows.nvae_tf.top_down import TopDown
from vae_flows.nvae_tf.views import group_views

__all__ = ["NVAE", "adaptive_groups"]


class NVAE(LatentModel):
    """A deep hierarchical variational autoencoder.

    p(x, z) = p(x | z) prod_g p(z_g | z_<g),  q(z | x) = prod_g q(z_g | x, z_<g)

    A bottom-up tower reads the image; a top-down tower of residual cells, shared by prior, posterior and pixels, takes up one
    group of latent maps after the other, from the smallest maps to the largest. Images are padded with zeros to a size
    that all halvings divide, and the pixels' parameters cropped back.

    Args:
        law: Law of the pixels, a `LazyDistribution` such as `Bernoulli(image_shape)`.
        groups: Latent groups of each scale, from the smallest feature maps to the largest; see `adaptive_groups`.
        latent: Channels of the latent of each group.
        channels: Channels at the image's size; twice as many at each halving.
        blocks: Halvings between the image and the largest latents.
        block_cells: Cells of each of these blocks, on either side.
        encoder_cells: Cells of the bottom-up tower for each group.
        decoder_cells: Cells of the top-down tower before each group but the first.
        flows: Pairs of autoregressive cells in each group's posterior.
        flows_see_feature: Whether these see what the posterior sees of the image.
        spectral: `SpectralRegularisation`, `SpectralNormalisation`, or None.
        recompute: Whether cells are computed again for the gradient: less memory, a third more time.
        objective: What training minimises; `BalancedElbo()` by default.
        seed: Base seed of the training noise.

    Raises:
        ValueError: for numbers below 1 (blocks, cells of encoder and decoder and flows may be 0), and for odd channels where
            maps halve.

    Example:
        >>> nvae = NVAE(Bernoulli((8, 8, 1)), groups=(1, 1), latent=2, channels=4, blocks=1, block_cells=1)
        >>> nvae.sample(3).shape
        TensorShape([3, 8, 8, 1])

    Reference: Vahdat, Kautz. NVAE: A Deep Hierarchical Variational Autoencoder. 2020. arXiv:2007.03898
    Differs from the official code: the first prior is N(0, I), as in the paper, where the code has a scale of 1.01.
    """

    def __init__(
        self,
        law,
        *,
        groups=(5, 10),
        latent=20,
        channels=32,
        blocks=2,
        block_cells=3,
        encoder_cells=2,
        decoder_cells=2,
        flows=0,
        flows_see_feature=False,
        spectral=None,
        recompute=False,
        objective=None,
        seed=0,
        **kwargs,
    ):
        records = spectral.records if spectral else ()
        super().__init__(objective=objective or BalancedElbo(), seed=seed, records=records, **kwargs)
        self.law, self.spectral, self.recompute = law, spectral, recompute
        self.flows_see_feature = flows_see_feature
        self.groups = integers(groups, name="groups")
        sizes = {"latent": latent, "channels": channels, "block_cells": block_cells}
        self.latent, self.channels, self.block_cells = integers(sizes.values(), name=", ".join(sizes))
        counts = {"blocks": blocks, "encoder_cells": encoder_cells, "decoder_cells": decoder_cells, "flows": flows}
        counts = integers(counts.values(), name=", ".join(counts), least=0)
        self.blocks, self.encoder_cells, self.decoder_cells, self.flows = counts
        if self.channels % 2 and self.blocks + len(self.groups) > 1:
            raise ValueError(
                "`channels` must be even: where maps halve, four convolutions share twice as many. "
                f"Received: channels={self.channels}."
            )
        *sides, image_channels = check_image_shape(law.image_shape)
        self.margins = [_margins(side, 2 ** (self.blocks + len(self.groups) - 1)) for side in sides]
        shared = {"groups": self.groups, "channels": self.channels, "recompute": recompute}
        shared |= {"blocks": self.blocks, "block_cells": self.block_cells, "dtype": self.dtype_policy}
        self.bottom_up = BottomUp(image_channels, cells=self.encoder_cells, **shared)
        self.top_down = TopDown(
            [side + sum(margin) for side, margin in zip(sides, self.margins, strict=True)],
            outputs=law.context,
            latent=self.latent,
            cells=self.decoder_cells,
            flows=self.flows,
            flows_see_feature=flows_see_feature,
            **shared,
        )
        if spectral:
            convolutions = self._parts(Convolution, DepthwiseConvolution, MaskedConvolution)
            self.singular_values = SingularValues(convolutions)
            if spectral.divides:
                self.singular_values.divide(convolutions)
        self.built = True

    @property
    def image_shape(self):
        return self.law.image_shape

    @property
    def pixel_levels(self):
        return self.law.levels

    @property
    def transforms(self):
        return getattr(self.law, "transforms", ())

    @property
    def latent_features(self):
        return sum(self.group_features)

    @property
    def noise_features(self):
        return self.latent_features

    @property
    def together(self):
        """So many that a map of a decoder cell at the images' size has at most 2^24 numbers, but at least 16."""
        return max(16, 2**24 // (6 * self.channels * math.prod(self.top_down.size)))

    @property
    def group_features(self):
        return tuple(group.features for group in self.top_down.latents)

    def proposal(self, x, *, start="posterior", training=False):
        if start not in ("prior", "posterior", "base"):
            raise ValueError(f"`start` must be one of prior, posterior, base. Received: start={start!r}.")
        padded = tf.pad(x, [(0, 0), *self.margins, (0, 0)])
        return () if start == "prior" else self.bottom_up(padded, training=training)

    def inference(self, x, proposal, *, start="posterior", training=False):
        return HierarchyInference(
            x, top_down=self.top_down, pixels=self.cropped, law=self.law, features=proposal, training=training
        )

    def minimised(self, x, target, *, seed, step, training):
        if training and self.spectral:
            self.singular_values.refresh(self.spectral.iterations_at(step))
        return super().minimised(x, target, seed=seed, step=step, training=training)

    def penalties(self, step):
        if not self.spectral:
            return {}
        return self.spectral.penalties(self.singular_values, self._parts(BatchNorm), step)

    def cropped(self, parameters):
        """What belongs to the image, [N, H, W, C], of the parameters of the padded one."""
        (top, _), (left, _) = self.margins
        height, width, _ = self.image_shape
        return parameters[:, top : top + height, left : left + width]

    def simulate(self, count, seed=None):
        latent_seed, pixel_seed = tf.unstack(tfp.random.split_seed(as_seed(seed), 2))
        draw = PriorDraw(self.top_down, noise=self._noise([count], latent_seed))
        law = self._pixels(draw, count)
        return self.law.simulate(law, pixel_seed), self.top_down.joined(draw.latents)

    def sample(self, count, seed=None, temperature=1.0, *, training=False):
        """Pictures [count, H, W, C] from the prior; the temperature scales the prior's noise in every group.

        With `training` the batch norms take the statistics of the samples, and remember them.
        """
        noise = self._noise([count], as_seed(seed))
        draw = PriorDraw(self.top_down, noise=noise, temperature=temperature)
        return self.law.display(self._pixels(draw, count, training=training))

    def decode(self, z):
        flat = tf.reshape(z, [-1, self.latent_features])
        draw = PriorDraw(self.top_down, code=flat, keep=len(self.group_features))
        pictures = self.law.display(self._pixels(draw, tf.shape(flat)[0]))
        return tf.reshape(pictures, tf.concat([tf.shape(z)[:-1], self.image_shape], 0))

    def resample(self, z, *, keep, seed=None, temperature=1.0):
        """Pictures with the first `keep` groups of codes z [N, D] and the rest from the prior: [N, H, W, C]."""
        noise = self._noise([tf.shape(z)[0]], as_seed(seed))
        draw = PriorDraw(self.top_down, noise=noise, temperature=temperature, code=z, keep=keep)
        return self.law.display(self._pixels(draw, tf.shape(z)[0]))

    def views(self, x, seed=None):
        return group_views(self, x, seed)

    def at_temperature(self, temperature):
        return self if temperature == 1.0 else readjusted(self, temperature)

    def _parts(self, *kinds):
        """The layers of these kinds in both towers."""
        return [layer for layer in self._flatten_layers(include_self=False) if isinstance(layer, kinds)]

    def _pixels(self, choose, images, training=False):
        return self.law(self.cropped(self.top_down.descend(choose, images=images, training=training)))


def adaptive_groups(most, *, scales, least=1):
    """Groups of each scale, halved from one scale to the next smaller one, in top-down order.

    Args:
        most: Groups of the largest scale.
        scales: How many scales.
        least: Fewest groups of a scale.

    Example:
        >>> adaptive_groups(20, scales=3)
        (5, 10, 20)
    """
    return tuple(max(most >> halvings, least) for halvings in reversed(range(scales)))


def _margins(side, divisor):
    """How many zeros stand before and after a side, for the divisor to divide it."""
    missing = -side % divisor
    return missing // 2, missing - missing // 2
