"""Changes of the pixels' scale that count in the density.

A law of y = f(x) is a law of the pixels x once |det df/dx| is in it. Every transform here is a bijector on images with its
log-determinant, and `TransformedPixels` puts it in front of a law, so that log p(x) is always that of the pixels as they
come: in [0, 1], whatever happens inside.
"""

import math

import tensorflow as tf
import tensorflow_probability as tfp

from vae_flows.blocks.data_initialised import DataInitialised
from vae_flows.blocks.lazy import Lazy
from vae_flows.flows.fused import WeightedBijector

__all__ = [
    "ActivationNormalisedPixels",
    "CentredPixels",
    "LogitPixels",
    "PixelTransform",
    "chained",
    "spread",
]

tfb = tfp.bijectors


class PixelTransform(Lazy):
    """Abstract layer whose call returns a `tfb.Bijector` y = f(x) that acts on images pixel by pixel.

    Call:
        None -> `tfb.Bijector`; forward takes pixels x in [0, 1] to the scale of a law.
    """


class LogitPixels(PixelTransform):
    """Takes the unit interval to the real line.

    y = logit(alpha + (1 - 2 alpha) x)

    Args:
        alpha: Squeezes the pixels away from 0 and 1, in (0, 0.5): 1e-6 for MNIST-like images, 0.05 for colour.

    Call:
        None -> `tfb.Bijector`.

    Example:
        >>> float(LogitPixels(alpha=0.05)().forward(0.5))
        0.0

    Reference: Papamakarios et al. Masked Autoregressive Flow for Density Estimation. 2017. arXiv:1705.07057
    """

    def __init__(self, *, alpha=0.05, **kwargs):
        if not 0 < alpha < 0.5:
            raise ValueError(f"`alpha` must lie in (0, 0.5). Received: alpha={alpha}. Use 1e-6 or 0.05.")
        super().__init__(**kwargs)
        self.alpha = alpha
        self.built = True

    def given(self, context):
        return _SqueezedLogit(self.alpha)


class _SqueezedLogit(tfb.Bijector):
    """y = log p - log q of p = alpha + (1 - 2 alpha) x and q = 1 - p, which float32 would lose near x = 1 by subtraction."""

    def __init__(self, alpha):
        super().__init__(forward_min_event_ndims=0, parameters={"alpha": alpha}, name="SqueezedLogit")
        self.alpha = alpha
        self.width = 1.0 - 2.0 * alpha

    def _logs(self, x):
        return tf.math.log(self.alpha + self.width * x), tf.math.log(self.alpha + self.width * (1.0 - x))

    def _forward(self, x):
        log_p, log_q = self._logs(x)
        return log_p - log_q

    def _forward_log_det_jacobian(self, x):
        return math.log(self.width) - sum(self._logs(x))

    def _inverse(self, y):
        return (tf.sigmoid(y) - self.alpha) / self.width

    def _inverse_log_det_jacobian(self, y):
        return -math.log(self.width) - tf.nn.softplus(y) - tf.nn.softplus(-y)


class CentredPixels(PixelTransform):
    """Takes the mean image away; volume preserving.

    y = x - mean

    Args:
        image_shape: (height, width, channels).

    Call:
        None -> `tfb.Bijector`.

    Example:
        >>> centred = CentredPixels((1, 1, 1))
        >>> centred.centre_on(np.array([[[[0.2]]], [[[0.4]]]], "float32"))
        >>> round(float(centred().forward(tf.ones([1, 1, 1]))[0, 0, 0]), 3)
        0.7
    """

    def __init__(self, image_shape, **kwargs):
        super().__init__(**kwargs)
        self.image_shape = tuple(image_shape)
        self.mean = self.add_weight(shape=self.image_shape, initializer="zeros", trainable=False, name="mean")
        self.built = True

    def centre_on(self, images):
        """Sets the mean to that of images [N, H, W, C] in [0, 1], such as the training images over 255."""
        self.mean.assign(tf.reduce_mean(tf.cast(images, self.mean.dtype), 0))

    def given(self, context):
        return tfb.Shift(-tf.convert_to_tensor(self.mean))


class ActivationNormalisedPixels(DataInitialised, PixelTransform):
    """Shifts and scales each channel; learned, after a start at mean 0 and variance 1 on a first batch.

    y[..., c] = (x[..., c] - shift[c]) * exp(log_scale[c])

    `blocks.initialise_from_data` gives the first batch.

    Args:
        channels: C.

    Call:
        None -> `tfb.Bijector`.

    Reference: Kingma, Dhariwal. Glow. 2018. arXiv:1807.03039
    """

    def __init__(self, channels, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        self.shift = self.add_weight(shape=(channels,), initializer="zeros", name="shift")
        self.log_scale = self.add_weight(shape=(channels,), initializer="zeros", name="log_scale")
        self.built = True

    def set_weights_from(self, inputs):
        mean, variance = tf.nn.moments(inputs, list(range(inputs.shape.rank - 1)))
        self.shift.assign(mean)
        self.log_scale.assign(-0.5 * tf.math.log(variance + 1e-6))

    def given(self, context):
        return _PerChannel(self)


class _PerChannel(WeightedBijector):
    """y = (x - shift) * exp(log_scale), each channel its own; the first batch may set the layer's weights."""

    def __init__(self, layer):
        super().__init__(forward_min_event_ndims=0, is_constant_jacobian=True, name="PerChannel")
        self.layer = layer

    def _forward(self, x):
        if self.layer.awaits_data:
            self.layer.initialise(x)
        return (x - self.layer.shift) * tf.exp(self.layer.log_scale)

    def _inverse(self, y):
        return y * tf.exp(-self.layer.log_scale) + self.layer.shift

    def _forward_log_det_jacobian(self, x):
        return tf.convert_to_tensor(self.layer.log_scale)


def chained(transforms):
    """Pixel transforms as one `tfb.Bijector`; the first listed acts first on x.

    Example:
        >>> float(chained([LogitPixels()]).forward(0.5))
        0.0
    """
    return tfb.Chain([transform() for transform in reversed(transforms)])


def spread(x, transforms=()):
    """Root of the mean squared deviation from the per-pixel mean, after the transforms.

    The scale that a Gaussian law learns under a decoder that knows nothing: where to start it.

    Args:
        x: Prepared images [N, H, W, C] in [0, 1].
        transforms: Pixel transforms, in the order in which they act on x.

    Returns:
        Python float, in units of the law's pixels.

    Example:
        >>> spread(tf.constant([[[[0.2]]], [[[0.6]]]]))
        0.2...

    Reference: Park et al. Variational Laplace Autoencoders. 2019. arXiv:2211.17267
    """
    y = chained(transforms).forward(x)
    return float(tf.sqrt(tf.reduce_mean(tf.math.reduce_variance(y, 0))))
