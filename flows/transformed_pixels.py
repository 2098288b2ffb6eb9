"""A law of changed pixels as a law of the pixels themselves."""

import tensorflow as tf
import tensorflow_probability as tfp

from vae_flows.densities.base import LazyDistribution
from vae_flows.flows.pixels import chained

__all__ = ["TransformedPixels"]

tfb = tfp.bijectors
tfd = tfp.distributions


class _PixelDistribution(tfd.TransformedDistribution):
    """The law of x where f(x) has a given law; remembers f for pictures."""

    def __init__(self, law, forward):
        super().__init__(law, tfb.Invert(forward))
        self.law = law
        self.forward = forward


class TransformedPixels(LazyDistribution):
    """A law of y = f(x), as a law of the pixels x.

    log p(x | z) = log p_y(f(x) | z) + log|det df/dx|

    As published, it is not normalised on [0, 1]: where f takes [0, 1] to a part of the line, as the squeezed logit does to
    [logit(alpha), logit(1 - alpha)], the law of y has mass beyond. For a Gaussian of scale 1 and alpha = 0.05 a pixel has
    0.997 of it inside at loc 0, 0.83 at 2, 0.5 at 2.9, where x is 1, and 0.15 at 4; `inside` tells. A law normalised on
    [0, 1] would give a log p(x | z) higher by the sum over pixels of -log of that. `simulate` draws from such a law, pixel
    by pixel, so its latents are exact samples of p(z | x) as far as the mass inside does not depend on z.

    Args:
        law: Lazy pixel law of y, a density.
        transforms: Pixel transforms; the first listed acts first on x.

    Raises:
        ValueError: for a law of discrete pixels.

    Call:
        As the law's -> `tfd.Distribution` on images [H, W, C] with pixels in [0, 1].

    Example:
        >>> law = TransformedPixels(FixedScaleGaussian((4, 4, 1)), [LogitPixels(alpha=0.05)])
        >>> law(tf.zeros([2, 4, 4, 1])).log_prob(tf.fill([2, 4, 4, 1], 0.5)).shape
        TensorShape([2])
    """

    levels = None

    def __init__(self, law, transforms, **kwargs):
        if law.levels is not None:
            raise ValueError(
                f"`law` must be a density: a change of variables has none for discrete pixels. Received: "
                f"{type(law).__name__} of {law.levels} levels. Use it without transforms."
            )
        super().__init__(context=law.context, **kwargs)
        self.law = law
        self.transforms = list(transforms)
        self.image_shape = law.image_shape
        self.built = True

    def given(self, context):
        return _PixelDistribution(self.law(context), chained(self.transforms))

    def gradient_and_curvature(self, x, context):
        return self.law.gradient_and_curvature(chained(self.transforms).forward(x), context)

    def inside(self, distribution):
        """Probability of each pixel to lie in [0, 1]: [..., H, W, C]. The law of y must have a cdf, as a Gaussian."""
        low, high = self._ends(distribution)
        pixels = distribution.law.distribution
        return pixels.cdf(high) - pixels.cdf(low)

    def simulate(self, distribution, seed):
        """Images in [0, 1]: of Gaussians by truncation, so that of a latent z they follow p(x | z, x in [0, 1])."""
        low, high = self._ends(distribution)
        pixels = getattr(distribution.law, "distribution", None)
        if isinstance(pixels, tfd.Normal):
            y = tfd.TruncatedNormal(pixels.loc, pixels.scale, low, high).sample(seed=seed)
        else:
            y = tf.clip_by_value(distribution.law.sample(seed=seed), low, high)
        return tf.clip_by_value(distribution.forward.inverse(y), 0.0, 1.0)

    def _ends(self, distribution):
        """Where f takes images of zeros, and of ones."""
        zeros = tf.zeros(self.image_shape, distribution.dtype)
        return distribution.forward.forward(zeros), distribution.forward.forward(zeros + 1.0)

    def display(self, distribution):
        """The mean of y, taken back to pixels: [..., H, W, C] in [0, 1]."""
        return tf.clip_by_value(distribution.forward.inverse(distribution.law.mean()), 0.0, 1.0)
