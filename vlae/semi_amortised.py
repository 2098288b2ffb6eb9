"""Semi-amortised inference: the encoder's Gaussian, improved for each image by a few steps up its own ELBO."""

import tensorflow as tf
import tensorflow_probability as tfp

from vae_flows.blocks.shapes import integers
from vae_flows.densities.pushforward import standard_normal
from vae_flows.latent_models.refiner import Refiner

__all__ = ["SemiAmortised"]

tfd = tfp.distributions
_EVALUATION = (0x5A, 0xE)  # seed
_PRIME = 65521


class SemiAmortised(Refiner):
    """Gradient ascent on each image's own ELBO, in the mean and the log-scale of a diagonal Gaussian.

    v <- momentum * v + g * min(1, clip / |g|),  (mean, log_scale) <- (mean, log_scale) + rate * v,
    g = d/d(mean, log_scale) [mean over draws of log p(x, z) + sum of log_scale],  z = mean + exp(log_scale) * u

    The draws u are the steps' own: in evaluation always the same, in training a function of the batch of images. The
    bound's draws are others, so q does not depend on them. In training the gradient flows through the steps.

    Args:
        steps: How many steps; may be changed after training.
        rate: Length of a step for a gradient of norm 1.
        clip: Greatest norm of an image's gradient.
        momentum: Of the steps, in [0, 1).
        draws: How many u, half of them the others' opposites; even.

    Raises:
        ValueError: for an odd number of draws, or a momentum outside [0, 1).

    Call:
        q0: A Gaussian with independent features -> `tfd.Distribution` with batch shape [B], events [D].

    Reference: Kim et al. Semi-Amortized Variational Autoencoders. 2018. arXiv:1802.02550
    Differs from the paper: the gradient through the steps is automatic differentiation's, not finite differences.
    """

    def __init__(self, *, steps=4, rate=0.01, clip=5.0, momentum=0.5, draws=2):
        if draws < 2 or draws % 2:
            raise ValueError(f"`draws` must be even, as each has its opposite. Received: draws={draws}.")
        if not 0 <= momentum < 1:
            raise ValueError(f"`momentum` must lie in [0, 1). Received: momentum={momentum}.")
        (self.steps,) = integers([steps], name="steps", least=0)
        self.rate, self.clip, self.momentum, self.draws = rate, clip, momentum, draws

    def parameters(self, q0, x, decoder, prior, *, training=False):
        return self._ascent(q0, x, decoder, prior, training)[-1]

    def law(self, parameters):
        mean, log_scale = parameters
        return tfd.MultivariateNormalDiag(mean, tf.exp(log_scale))

    def path(self, q0, x, decoder, prior):
        return [self.law(each) for each in self._ascent(q0, x, decoder, prior, False)]

    def _ascent(self, q0, x, decoder, prior, training):
        """(mean, log_scale) [B, D] before the first step and after each."""
        if not isinstance(q0, tfd.MultivariateNormalDiag):
            raise TypeError(
                "`SemiAmortised` starts from a Gaussian with independent features. Expected: an encoder with "
                f"`DiagonalNormal`. Received: {type(q0).__name__}."
            )
        noise = self._draws(x, q0.event_shape[0], training)  # [draws, B, D] or [draws, 1, D]
        place, speed = (q0.mean(), tf.math.log(q0.stddev())), None
        path = [place]
        for _ in range(self.steps):
            with tf.GradientTape() as tape:
                tape.watch(place)
                mean, log_scale = place
                z = mean + tf.exp(log_scale) * noise  # [draws, B, D]
                joint = decoder(z, training=training).log_prob(x) + prior.log_prob(z)
                elbo = tf.reduce_mean(joint, 0) + tf.reduce_sum(log_scale, -1)  # [B], but for a constant
            g = tf.concat(tape.gradient(elbo, place), -1)  # [B, 2 D]
            norm = tf.sqrt(tf.reduce_sum(tf.square(g), -1, keepdims=True) + 1e-12)
            g *= tf.minimum(self.clip / norm, 1.0)
            speed = g if speed is None else self.momentum * speed + g
            place = tuple(tf.split(tf.concat(place, -1) + self.rate * speed, 2, -1))
            path.append(place)
        return path

    def _draws(self, x, features, training):
        if training:  # a sum of integers is the same in any order; bits of 0s and 1s alone would sum to few numbers
            bits = tf.math.floormod(tf.bitcast(x, tf.int32), _PRIME)
            seed = tf.stack([tf.reduce_sum(bits), tf.shape(x)[0]])
            shape = [self.draws // 2, tf.shape(x)[0], features]
        else:
            seed, shape = tf.constant(_EVALUATION), [self.draws // 2, 1, features]
        half = standard_normal(shape, seed=seed, dtype=x.dtype)
        return tf.concat([half, -half], 0)
