"""A normalizing flow of whole images, without a code smaller than they are."""

import math

import tensorflow as tf

from vae_flows.blocks.shapes import check_image_shape
from vae_flows.densities.pushforward import pull, push, standard_normal
from vae_flows.flows.pixels import chained
from vae_flows.latent_models.exact_model import ExactModel
from vae_flows.latent_models.image_model import named
from vae_flows.latent_models.in_graph import in_graph
from vae_flows.latent_models.seeds import as_seed

__all__ = ["PixelFlow"]


class PixelFlow(ExactModel):
    """Images as a map of as many independent normal numbers: p(x) is the flow's density of the flattened pixels.

    y = transforms(x),  y = T(u),  u ~ N(0, I)
    log p(x) = log p_T(y) + log|det dy/dx|

    The code of an image is its noise u, from which the image follows exactly.

    Args:
        flow: Static lazy distribution of the H W C numbers of an image, row by row: `flows.premade.maf(784)`.
        image_shape: (height, width, channels).
        transforms: Pixel transforms; the first listed acts first on x.
        seed: Base seed of the training noise, of which there is none.

    Raises:
        ValueError: if the flow has another size than the images.

    Example:
        >>> model = PixelFlow(premade.maf(4, layers=1, hidden=(8,)), image_shape=(2, 2, 1), transforms=[LogitPixels()])
        >>> model.log_prob(tf.fill([3, 2, 2, 1], 0.5)).shape
        TensorShape([3])

    Reference: Papamakarios et al. Masked Autoregressive Flow for Density Estimation. 2017. arXiv:1705.07057
    """

    image_shape, pixel_levels, latent_features = (), None, 0

    def __init__(self, flow, *, image_shape, transforms=(), seed=0, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.image_shape = check_image_shape(image_shape)
        self.latent_features = pixels = math.prod(self.image_shape)
        if flow.features != pixels or flow.context:
            raise ValueError(
                f"`flow` must be static and have one feature for each number of an image. Expected: features={pixels}, "
                f"context=0. Received: features={flow.features}, context={flow.context}."
            )
        self.flow = named(flow, "flow")
        self.transforms = list(transforms)
        self.built = True

    def log_prob(self, x, *, training=False):
        x, transform = self.check_images(x), chained(self.transforms)
        y = transform.forward(x)
        return self.flow().log_prob(self._flat(y)) + transform.forward_log_det_jacobian(x, event_ndims=3)

    def encode(self, x):
        """The noise u behind each image: [B, H, W, C] -> [B, H W C]."""
        return pull(self.flow(), self._flat(chained(self.transforms).forward(self.check_images(x))))[0]

    def decode(self, z):
        return self._decoded(tf.cast(z, self.variable_dtype))

    @in_graph
    def _decoded(self, z):
        y, _ = push(self.flow(), z)
        y = tf.reshape(y, tf.concat([tf.shape(y)[:-1], self.image_shape], 0))
        return tf.clip_by_value(chained(self.transforms).inverse(y), 0.0, 1.0)

    def reconstruct(self, x, seed=None):
        """The images themselves: nothing of them is lost in their codes."""
        return tf.identity(self.check_images(x))

    def sample(self, count, seed=None, temperature=1.0):
        """Pictures [count, H, W, C] from the prior.

        A trained autoregressive flow is inverted number by number, and the errors of float32 grow from one to the next: some
        pictures may be saturated, or no numbers at all. Its log p(x) does not suffer from that.
        """
        noise = standard_normal([count, self.latent_features], seed=as_seed(seed), dtype=self.variable_dtype)
        return self.decode(temperature * noise)

    def _flat(self, y):
        return tf.reshape(y, tf.concat([tf.shape(y)[:-3], [self.latent_features]], 0))
