"""A latent-variable model whose log p(x) and posterior are known: what the estimators are judged by."""

import math

import numpy as np
import tensorflow as tf


class LinearGaussian:
    """p(z) = N(0, I), p(x | z) = N(W z + b, v I), so p(x) = N(b, W W' + v I) and p(z | x) is Gaussian.

    `starts`: "prior" z = u; "base" z = m + s * u, s the posterior's marginal scales times 1.3; "flow" z = m + A u, A a full
    triangular matrix near the posterior's; "exact" z = m + L u, the posterior itself. Arrays are float64.
    """

    def __init__(self, features, *, pixels=None, variance=0.5, seed=0):
        random = np.random.default_rng(seed)
        self.features, self.pixels, self.variance = features, pixels or features + 2, variance
        self.weight = random.normal(size=(features, self.pixels)) / np.sqrt(features)
        self.bias = random.normal(size=self.pixels)
        precision = np.eye(features) + self.weight @ self.weight.T / variance
        self.covariance = np.linalg.inv(precision)
        self.gain = self.weight.T @ self.covariance / variance  # posterior mean = (x - b) @ gain
        root = np.linalg.cholesky(self.covariance)
        tilt = (
            np.tril(random.normal(size=root.shape), -1)
            * 0.2
            * np.sqrt(np.diag(self.covariance)).mean()
            / np.sqrt(features)
        )
        self.starts = {
            "prior": (0.0, np.eye(features)),
            "base": (1.0, np.diag(1.3 * np.sqrt(np.diag(self.covariance)))),
            "flow": (1.0, 1.2 * root + tilt),
            "exact": (1.0, root),
        }

    def log_prob(self, x):
        """log p(x) [N]."""
        covariance = self.weight.T @ self.weight + self.variance * np.eye(self.pixels)
        root = np.linalg.cholesky(covariance)
        white = np.linalg.solve(root, (x - self.bias).T)
        return -0.5 * (white**2).sum(0) - np.log(np.diag(root)).sum() - 0.5 * self.pixels * math.log(2 * math.pi)

    def simulate(self, count, seed=1):
        """x [count, pixels] with the z [count, features] behind it."""
        random = np.random.default_rng(seed)
        z = random.normal(size=(count, self.features))
        noise = random.normal(size=(count, self.pixels))
        return z @ self.weight + self.bias + math.sqrt(self.variance) * noise, z

    def log_joint(self, x, z):
        """log p(x, z), tensors of any float dtype: [..., B]."""
        weight, bias = tf.constant(self.weight, z.dtype), tf.constant(self.bias, z.dtype)
        residual = x - bias - tf.tensordot(z, weight, 1)
        quadratic = tf.reduce_sum(z * z, -1) + tf.reduce_sum(residual * residual, -1) / self.variance
        constant = self.features * math.log(2 * math.pi) + self.pixels * math.log(2 * math.pi * self.variance)
        return -0.5 * (quadratic + constant)

    def latent(self, x, u, start):
        """z of noise u [..., B, D], and log|det dz/du|."""
        share, root = self.starts[start]
        mean = tf.tensordot(x - tf.constant(self.bias, x.dtype), tf.constant(share * self.gain, x.dtype), 1)
        return mean + tf.tensordot(u, tf.constant(root.T, u.dtype), 1), np.linalg.slogdet(root)[1]

    def noise(self, x, z, start):
        """The u behind z, [N, D]."""
        share, root = self.starts[start]
        return np.linalg.solve(root, (z - share * (x - self.bias) @ self.gain).T).T

    def annealing(self, start):
        """x -> an object with `features` and `log_target`, as the estimators take it."""
        model = self

        class Annealing:
            features = model.features

            def __init__(self, x):
                self.x = x

            def log_target(self, u):
                z, log_det = model.latent(self.x, u, start)
                return model.log_joint(self.x, z) + tf.constant(log_det, u.dtype)

        return Annealing

    def log_weight(self, start):
        """(x, noise) -> log p(x, z) - log q(z | x), q being the law of the start."""
        normal = 0.5 * self.features * math.log(2 * math.pi)

        def log_weight(x, noise):
            target = self.annealing(start)(x).log_target(noise)
            return target + 0.5 * tf.reduce_sum(noise * noise, -1) + tf.constant(normal, noise.dtype)

        return log_weight
