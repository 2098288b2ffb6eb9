"""Gaussian laws of continuous pixels, by who chooses the scale."""

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from vae_flows.densities.base import LazyDistribution

__all__ = ["FixedScaleGaussian", "LatentScaleGaussian", "PixelScaleGaussian", "SharedScaleGaussian"]

tfd = tfp.distributions


class _GaussianPixels(LazyDistribution):
    """p(x | z) = N(x; loc, scale^2), pixel by pixel; subclasses say what the scale is."""

    levels = None  # a density

    def __init__(self, image_shape, *, context, **kwargs):
        super().__init__(context=context, **kwargs)
        self.image_shape = tuple(image_shape)

    def loc_and_scale(self, context):
        """Location and scale from the decoder's output; shapes that broadcast to [..., H, W, C]."""
        raise NotImplementedError

    def given(self, context):
        loc, scale = self.loc_and_scale(context)
        return tfd.Independent(tfd.Normal(loc, scale), 3)

    def gradient_and_curvature(self, x, context):
        loc, scale = self.loc_and_scale(context)
        precision = 1.0 / tf.square(scale)
        return (x - loc) * precision, precision

    def display(self, distribution):
        """The mean, clipped to [0, 1]: [..., H, W, C]."""
        return tf.clip_by_value(distribution.mean(), 0.0, 1.0)

    def _check_scale(self, name, scale):
        if not scale > 0:
            raise ValueError(f"`{name}` must be positive, in units of the pixels. Received: {name}={scale}.")


class FixedScaleGaussian(_GaussianPixels):
    """Gaussian pixels with one given scale.

    x ~ N(loc(z), scale^2)

    Args:
        image_shape: (height, width, channels).
        scale: Standard deviation, in units of the pixels.

    Call:
        loc [..., H, W, C] -> `tfd.Distribution` on images [H, W, C].

    Example:
        >>> FixedScaleGaussian((4, 4, 1), scale=0.1)(tf.zeros([2, 4, 4, 1])).log_prob(tf.zeros([2, 4, 4, 1])).shape
        TensorShape([2])
    """

    def __init__(self, image_shape, *, scale=1.0, **kwargs):
        self._check_scale("scale", scale)
        super().__init__(image_shape, context=image_shape[-1], **kwargs)
        self.scale = scale
        self.built = True

    def loc_and_scale(self, context):
        return context, tf.constant(self.scale, context.dtype)


class _LearnedScaleGaussian(_GaussianPixels):
    """A scale that is a weight, learned as its logarithm."""

    def __init__(self, image_shape, *, initial_scale, shape, **kwargs):
        self._check_scale("initial_scale", initial_scale)
        super().__init__(image_shape, context=image_shape[-1], **kwargs)
        self.initial_scale = initial_scale
        start = keras.initializers.Constant(tf.math.log(initial_scale).numpy())
        self.log_scale = self.add_weight(shape=shape, initializer=start, name="log_scale")
        self.built = True

    def loc_and_scale(self, context):
        return context, tf.exp(tf.convert_to_tensor(self.log_scale))


class SharedScaleGaussian(_LearnedScaleGaussian):
    """Gaussian pixels with one learned scale, shared by all.

    x ~ N(loc(z), exp(2 log_scale))

    Args:
        image_shape: (height, width, channels).
        initial_scale: Where the scale starts: the root of the data's mean squared deviation from the per-pixel mean is
            what a decoder that knows nothing would learn.

    Call:
        loc [..., H, W, C] -> `tfd.Distribution` on images [H, W, C].

    Reference: Park et al. Variational Laplace Autoencoders. 2019. arXiv:2211.17267
    """

    def __init__(self, image_shape, *, initial_scale=1.0, **kwargs):
        super().__init__(image_shape, initial_scale=initial_scale, shape=(), **kwargs)


class PixelScaleGaussian(_LearnedScaleGaussian):
    """Gaussian pixels with one learned scale for each pixel and channel.

    x[p] ~ N(loc[p](z), exp(2 log_scale[p]))

    Args:
        image_shape: (height, width, channels).
        initial_scale: Where every scale starts.

    Call:
        loc [..., H, W, C] -> `tfd.Distribution` on images [H, W, C].

    Reference: Silvestri et al. Closing the gap: exact maximum likelihood training of generative autoencoders using
    invertible layers. 2022. arXiv:2205.09546
    """

    def __init__(self, image_shape, *, initial_scale=1.0, **kwargs):
        super().__init__(image_shape, initial_scale=initial_scale, shape=tuple(image_shape), **kwargs)


class LatentScaleGaussian(_GaussianPixels):
    """Gaussian pixels whose scales, too, come from the decoder.

    x[p] ~ N(loc[p](z), scale[p](z)^2), scale = floor + softplus(raw)

    Without a floor a pixel that never changes would send the density to infinity.

    Args:
        image_shape: (height, width, channels).
        floor: Smallest scale, in units of the pixels.

    Call:
        [..., H, W, 2 C], locations then raw scales -> `tfd.Distribution` on images [H, W, C].
    """

    def __init__(self, image_shape, *, floor=1e-3, **kwargs):
        self._check_scale("floor", floor)
        super().__init__(image_shape, context=2 * image_shape[-1], **kwargs)
        self.floor = floor
        self.built = True

    def loc_and_scale(self, context):
        loc, raw = tf.split(context, 2, axis=-1)
        return loc, self.floor + tf.nn.softplus(raw)

    def gradient_and_curvature(self, x, context):
        loc, scale = self.loc_and_scale(context)
        slope = tf.sigmoid(context[..., self.image_shape[-1] :]) / scale  # of log scale in the raw scale
        error = (x - loc) / scale
        gradient = [error / scale, (tf.square(error) - 1.0) * slope]
        return tf.concat(gradient, -1), tf.concat([1.0 / tf.square(scale), 2.0 * tf.square(slope)], -1)
