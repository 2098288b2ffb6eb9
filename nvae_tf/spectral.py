"""What keeps deep hierarchies stable: bounds on the convolutions' singular values and on the batch norms' scales."""

import tensorflow as tf

from vae_flows.blocks.configured import Configured
from vae_flows.latent_models.schedules import as_schedule

__all__ = ["SpectralNormalisation", "SpectralRegularisation", "scale_penalty"]

_FIRST = 40  # iterations of the first step, whose vectors are random


class _Spectral(Configured):
    """Abstract: settings of a model's `SingularValues`."""

    divides = False  # whether kernels are divided by their singular values

    def __init__(self, weight, iterations):
        if iterations < 1:
            raise ValueError(f"`iterations` must be at least 1. Received: iterations={iterations}.")
        self.weight = as_schedule(weight)
        self.iterations = iterations

    def iterations_at(self, step):
        """Power iterations at an optimizer step."""
        return tf.where(tf.equal(step, 0), max(_FIRST, self.iterations), self.iterations)


class SpectralRegularisation(_Spectral):
    """Penalties on the largest singular value of each convolution, and on the largest scale of each batch norm.

    loss + weight(step) * (sum over convolutions of sigma + sum over batch norms of max |scale|)

    Args:
        weight: Number, or schedule of the step, such as `LogLinear`.
        iterations: Power iterations of a step; the first one has 40.

    Reference: Vahdat, Kautz. NVAE: A Deep Hierarchical Variational Autoencoder. 2020. arXiv:2007.03898
    Differs from the official code: a depthwise kernel is one matrix for each channel, not one for all of them.
    """

    records = ("spectral_penalty", "scale_penalty")

    def __init__(self, weight=1e-2, *, iterations=4):
        super().__init__(weight, iterations)

    def penalties(self, singular_values, batch_norms, step):
        """Of a step: {name: scalar}."""
        spectral = tf.reduce_sum(singular_values.values())
        weight = tf.cast(self.weight(step), spectral.dtype)
        return {"spectral_penalty": weight * spectral, "scale_penalty": weight * scale_penalty(batch_norms)}


class SpectralNormalisation(_Spectral):
    """Divides each kernel by its largest singular value, and penalises the largest scale of each batch norm.

    W / sigma(W), with the gradient through sigma;  loss + weight(step) * sum over batch norms of max |scale|

    Args:
        weight: Of the scales: number, or schedule of the step.
        iterations: Power iterations of a step; the first one has 40.

    Reference: Miyato et al. Spectral Normalization for Generative Adversarial Networks. 2018. arXiv:1802.05957
    """

    records = ("scale_penalty",)
    divides = True

    def __init__(self, weight=1e-2, *, iterations=4):
        super().__init__(weight, iterations)

    def penalties(self, singular_values, batch_norms, step):
        """Of a step: {name: scalar}."""
        penalty = scale_penalty(batch_norms)
        return {"scale_penalty": tf.cast(self.weight(step), penalty.dtype) * penalty}


def scale_penalty(batch_norms):
    """Sum over batch norms of the largest |scale|."""
    by_width = {}
    for layer in batch_norms:
        by_width.setdefault(layer.channels, []).append(tf.convert_to_tensor(layer.scale))
    largest = [tf.reduce_max(tf.abs(tf.stack(scales)), -1) for scales in by_width.values()]
    return tf.reduce_sum(tf.concat(largest, 0))
