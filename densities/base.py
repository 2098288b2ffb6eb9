"""Lazy distributions: layers that return a distribution, and the network in front of one."""

import keras
import tensorflow as tf

from vae_flows.blocks.configured import Configured
from vae_flows.blocks.lazy import Lazy

__all__ = ["Conditional", "LazyDistribution"]


class LazyDistribution(Lazy):
    """Abstract layer whose call, given a context, returns a `tfd.Distribution`.

    Args:
        context: Size C of the conditioning vector; 0 makes the distribution static.

    Call:
        context [..., C], or None where C = 0 -> `tfd.Distribution` with batch shape [...].
    """

    def simulate(self, distribution, seed):
        """A value of each distribution that a call gave; a law of pixels may keep to those that are images."""
        return distribution.sample(seed=seed)

    def gradient_and_curvature(self, x, context):
        """Of log p(x | context) in the context, for laws of pixels.

        The curvature is the Fisher information, the mean of minus the second derivative over the law's own pixels: never
        negative, and minus the second derivative itself where that does not depend on x.

        Args:
            x: Images [..., H, W, C].
            context: The law's parameters, [..., H, W, P].

        Returns:
            Gradient [..., H, W, P], and the diagonal of the curvature, of a shape that broadcasts to it: where it is the
            same for all images it has no axis for them.

        Raises:
            TypeError: if the curvature is not diagonal, or not known.
        """
        raise TypeError(
            "The law must know its curvature in its parameters. Expected: Gaussian or Bernoulli pixels. Received: "
            f"{type(self).__name__}. Write its `gradient_and_curvature`."
        )


class Conditional(Configured, keras.layers.Layer):
    """A network, then a density: x -> p(. | network(x)).

    Any axes before the network's own input are kept: latents [K, B, D] give a distribution of batch shape [K, B], though
    the network sees [K * B, D].

    Args:
        network: Encoder (images in) or decoder (latents in); `input_rank` counts the axes of one input.
        density: Lazy distribution whose `context` equals the last axis of the network's output.

    Call:
        x [..., *input] -> `tfd.Distribution` with batch shape [...].

    Raises:
        ValueError: if the network gives another number of features than the density takes.
    """

    def __init__(self, network, density, **kwargs):
        super().__init__(**kwargs)
        given = getattr(network, "outputs", None) or network.features
        if given != density.context:
            raise ValueError(
                f"`density` must take what `network` gives. Expected: context={given}, from {type(network).__name__}. "
                f"Received: {type(density).__name__} with context={density.context}."
            )
        self.network = network
        self.density = density
        self.built = True

    @property
    def features(self):
        """Size D of the latent vector on either side: the density's where it is one of latents, else the network's."""
        return getattr(self.density, "features", None) or self.network.features

    @property
    def image_shape(self):
        """(height, width, channels) of the images on either side."""
        return self.network.image_shape

    @property
    def levels(self):
        """Number of values that a pixel can take, None for a density."""
        return self.density.levels

    def parameters(self, x, training=None):
        """What the network says: x [..., *input] -> [..., *output]."""
        rank = self.network.input_rank
        if x.shape.rank == rank + 1:
            return self.network(x, training=training)
        lead, event = tf.shape(x)[: x.shape.rank - rank], x.shape[x.shape.rank - rank :]
        outputs = self.network(tf.reshape(x, [-1, *event]), training=training)  # [product of lead, ...]
        return tf.reshape(outputs, tf.concat([lead, outputs.shape[1:]], 0))

    def given(self, parameters):
        """The distribution of these parameters."""
        return self.density(parameters)

    def gradient_and_curvature(self, x, parameters):
        """Of the density's log p(x | parameters) in the parameters: as the density's own method."""
        return self.density.gradient_and_curvature(x, tf.cast(parameters, self.density.compute_dtype))

    def call(self, x, training=None):
        return self.given(self.parameters(x, training=training))

    def simulate(self, distribution, seed):
        """A value of each distribution that a call gave."""
        return self.density.simulate(distribution, seed)

    def display(self, distribution):
        """Pictures of a pixel distribution: [..., H, W, C] in [0, 1]."""
        return self.density.display(distribution)
