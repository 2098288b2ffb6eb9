"""Volume-preserving autoregressive convolutions for the posterior."""

import keras
import tensorflow as tf

from vae_flows.blocks.configured import Configured
from vae_flows.nvae_tf.convolutions import Convolution, MaskedConvolution

__all__ = ["AutoregressiveCell", "AutoregressivePair"]

_EXPANSION = 6
_CONVERGED = {tf.float32: 1e-6, tf.float64: 1e-13}


class AutoregressiveCell(Configured, keras.layers.Layer):
    """Shifts each latent by a function of those before it, in the order of rows, columns and channels.

    z'[i] = z[i] - m_i(z[:i], feature);  log|det| = 0

    m is a masked 3x3 convolution, ELU, a masked depthwise 5x5 convolution, ELU, and a masked 1x1 convolution that starts
    small. The inverse, z = z' + m(z), is found by iteration, which is exact after as many steps as there are latents
    and has converged long before.

    Args:
        latent: Channels of the latent.
        context: Channels of the feature that m sees through a 1x1 convolution, or 0 for none.
        reversed_order: Whether the order runs backwards.

    Call:
        z [N, h, w, latent], feature [N, h, w, context] or None -> z' of the same shape

    Example:
        >>> AutoregressiveCell(3)(tf.zeros([2, 4, 4, 3])).shape
        TensorShape([2, 4, 4, 3])

    Under spectral normalisation, which divides every kernel by its largest singular value, the last one does not start small.

    Reference: Kingma et al. Improving Variational Inference with Inverse Autoregressive Flow. 2016. arXiv:1606.04934
    Differs from the official code: there the feature is handed over and ignored, and only rows and columns are reversed.
    """

    def __init__(self, latent, *, context=0, reversed_order=False, **kwargs):
        super().__init__(autocast=False, **kwargs)  # the latent stays in the weights' precision
        self.latent, self.context, self.reversed_order = latent, context, reversed_order
        wide, order = _EXPANSION * latent, {"reversed_order": reversed_order, "dtype": self.dtype_policy}
        self.first = MaskedConvolution(latent, channels=latent, filters=wide, kernel_size=3, strict=True, **order)
        self.second = MaskedConvolution(latent, channels=wide, filters=wide, kernel_size=5, depthwise=True, **order)
        self.third = MaskedConvolution(latent, channels=wide, filters=latent, gain=0.1, **order)
        self.context_map = Convolution(context, filters=wide, dtype=self.dtype_policy) if context else None
        self.built = True

    def mean(self, z, feature=None):
        """m(z, feature), [N, h, w, latent], in the precision of the weights."""
        h = self.first(z)
        h = h + self.context_map(feature) if self.context else h
        return tf.cast(self.third(tf.nn.elu(self.second(tf.nn.elu(h)))), self.variable_dtype)

    def call(self, z, feature=None):
        return tf.cast(z, self.variable_dtype) - self.mean(z, feature)

    def inverse(self, z, feature=None):
        """The latent that is mapped to z."""
        most = int(z.shape[1] * z.shape[2] * z.shape[3]) + 1

        def step(i, guess, change):
            better = z + self.mean(guess, feature)
            return i + 1, better, tf.reduce_max(tf.abs(better - guess))

        start = (tf.constant(0), z, tf.constant(float("inf"), z.dtype))
        return tf.while_loop(lambda i, guess, change: (i < most) & (change > _CONVERGED[z.dtype]), step, start)[1]


class AutoregressivePair(Configured, keras.layers.Layer):
    """Two `AutoregressiveCell`s, the second in reversed order.

    Args:
        latent: Channels of the latent.
        context: Channels of the feature that both see, or 0 for none.

    Call:
        z [N, h, w, latent], feature [N, h, w, context] or None -> z' of the same shape
    """

    def __init__(self, latent, *, context=0, **kwargs):
        super().__init__(autocast=False, **kwargs)  # the latent stays in the weights' precision
        self.latent, self.context = latent, context
        given = {"context": context, "dtype": self.dtype_policy}
        self.cells = [AutoregressiveCell(latent, reversed_order=backwards, **given) for backwards in (False, True)]
        self.built = True

    def call(self, z, feature=None):
        for cell in self.cells:
            z = cell(z, feature)
        return z

    def inverse(self, z, feature=None):
        """The latent that is mapped to z."""
        for cell in reversed(self.cells):
            z = cell.inverse(z, feature)
        return z
