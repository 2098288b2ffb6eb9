"""Variational Laplace: q(z | x) is a Gaussian near the mode of the model's own posterior, with the curvature there."""

import tensorflow as tf

from vae_flows.blocks.shapes import integers
from vae_flows.densities.precision import PrecisionNormal
from vae_flows.densities.pushforward import push
from vae_flows.latent_models.refiner import Refiner
from vae_flows.vlae.quadratic import Quadratic

__all__ = ["Laplace"]


class Laplace(Refiner):
    """Damped Gauss-Newton steps from the encoder's centre towards the mode of p(z | x), then a full-covariance Gaussian.

    mu_{t+1} = mu_t + a_t P(mu_t)^-1 b(mu_t),  a_t = rate / (t + 1),  t = 0 .. T - 1
    q(z | x) = N(mu_T, P(mu_T)^-1)

    b is the gradient of log p(x, z) and P its curvature, J^T W J + C of the decoder's Jacobian, the curvature W of the law of
    the pixels and C of the prior: see `Quadratic`. Any decoder will do, any prior that `densities.pull` can invert, and any
    pixels whose law knows its curvature: Gaussian ones of any scale, transformed or not, and Bernoulli.

    A step solves P d = b. The first uses the Cholesky factor of P; later ones take that factor for a first guess and as
    many conjugate gradients as `iterations` says, each two products with the Jacobian, which is never made: two leave a tenth
    of a nat of log p(x, z) to be found. No matrix is inverted.

    The gradient goes through the steps to encoder and decoder: d changes by P^-1 (db - dP d). In training P is factored
    once more, at mu_T, and that factor serves all these but the first, which has its own.

    Args:
        steps: T.
        rate: Length of the first step; 1 is the whole one.
        iterations: Conjugate gradients of each step but the first; None factors P in every step.
        through: Whether the gradient sees how the decoder moved all the steps; otherwise the last one alone.

    Call:
        q0, x, decoder, prior -> `PrecisionNormal` with batch shape [B], events [D].

    Reference: Park, Kim, Kim. Variational Laplace Autoencoders. 2019. arXiv:2211.17267
    Differs from the paper: later steps are solved by conjugate gradients, and their gradients by the last factor, unless
    `iterations` is None.
    """

    def __init__(self, *, steps=4, rate=0.5, iterations=2, through=True):
        (self.steps,) = integers([steps], name="steps", least=0)
        self.iterations = None if iterations is None else integers([iterations], name="iterations")[0]
        self.rate, self.through = rate, through

    def parameters(self, q0, x, decoder, prior, *, training=False):
        near, factor = self._climb(q0, Quadratic.of(x, decoder=decoder, prior=prior, training=training))[-1]
        return (near.z, factor(), near.times) if training else (near.z, factor())

    def law(self, parameters):
        return PrecisionNormal(*parameters)

    def path(self, q0, x, decoder, prior):
        places = self._climb(q0, Quadratic.of(x, decoder=decoder, prior=prior))
        return [q0, *(PrecisionNormal(near.z, factor()) for near, factor in places[1:])]

    def _climb(self, q0, quadratic):
        """The quadratic at each place from the start to the last, with the function that gives the factor of its P."""
        z, _ = push(q0, tf.zeros(tf.concat([q0.batch_shape_tensor(), q0.event_shape_tensor()], 0), q0.dtype))
        places, d, rate = [_place(quadratic(z))], None, 0.0
        last = lambda: places[-1][1]()  # noqa: E731
        for t in range(self.steps):
            near, factor = places[-1]
            if self.iterations is None or d is None:
                d = _solved(tf.stop_gradient(factor()), near.slope())
            else:
                d = _conjugate(near, (1.0 - rate) * d, places[0][1](), self.iterations)
            d, rate = tf.stop_gradient(d), self.rate / (t + 1)
            if self.through or t == self.steps - 1:
                moved = _moved(near.residual(d), last if t and self.iterations else factor)
            else:  # with the decoder, J and W held fixed
                moved = tf.stop_gradient(near.z) - near.z
            places.append(_place(quadratic(near.z + rate * (d + moved))))
        return places


def _place(near):
    """A quadratic, and its factor: made at the first call."""
    made = []

    def factor():
        if not made:
            made.append(near.factor())
        return made[0]

    return near, factor


def _solved(factor, b):
    """P^-1 b of P = L L^T: [B, D, D], [B, D] -> [B, D]."""
    return tf.linalg.cholesky_solve(factor, b[..., None])[..., 0]


def _moved(residual, factor):
    """0, whose gradient is that of P^-1 residual: how d moves as b - P d does. The factor is called for the gradient."""

    @tf.custom_gradient
    def moved(residual):
        return tf.zeros_like(residual), lambda upstream: _solved(tf.stop_gradient(factor()), upstream)

    return moved(residual)


def _conjugate(near, d, factor, iterations):
    """Conjugate gradients for P d = b, from a guess, preconditioned by the factor of another P."""
    r = near.residual(d)
    y = direction = _solved(factor, r)
    size = tf.reduce_sum(r * y, -1, keepdims=True)
    for iteration in range(iterations):
        product = near.times(direction)
        length = tf.math.divide_no_nan(size, tf.reduce_sum(direction * product, -1, keepdims=True))
        d += length * direction
        if iteration < iterations - 1:
            r -= length * product
            y, before = _solved(factor, r), size
            size = tf.reduce_sum(r * y, -1, keepdims=True)
            direction = y + tf.math.divide_no_nan(size, before) * direction
    return d
