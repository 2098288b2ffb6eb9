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

    def call(self, x, training=None):
        lead = tf.shape(x)[: x.shape.rank - self.network.input_rank]
        if x.shape.rank == self.network.input_rank + 1:
            return self.density(self.network(x, training=training))
        event = x.shape[x.shape.rank - self.network.input_rank :]
        outputs = self.network(tf.reshape(x, [-1, *event]), training=training)  # [product of lead, ...]
        return self.density(tf.reshape(outputs, tf.concat([lead, outputs.shape[1:]], 0)))

    def display(self, distribution):
        """Pictures of a pixel distribution: [..., H, W, C] in [0, 1]."""
        return self.density.display(distribution)
