"""Inference by the residual posteriors of all groups."""

import tensorflow as tf

from vae_flows.latent_models.inference import Inference
from vae_flows.latent_models.terms import ElboTerms

__all__ = ["HierarchyInference"]


class HierarchyInference(Inference):
    """q(z | x) = prod over groups of q(z_g | x, z_<g), or the prior, beside p(x, z): one walk down the hierarchy gives all.

    Noise and codes hold the groups one after the other, in top-down order.

    Args:
        x: Images [B, H, W, C] that the density is of.
        top_down: `TopDown`.
        pixels: Parameters [N, H, W, outputs] -> parameters of the distribution of images of x's size.
        law: Pixel law, `LazyDistribution`.
        features: Of the bottom-up tower, one for each group; empty for the prior.
        training: Whether the networks are in training.
    """

    def __init__(self, x, *, top_down, pixels, law, features, training=False):
        self.x, self.top_down, self.pixels, self.law = x, top_down, pixels, law
        self.image_features, self.training = features, training
        self.features = sum(group.features for group in top_down.latents)
        self.groups = top_down.groups  # of each scale

    def terms(self, noise):
        return self.drawn(noise)[1]

    def drawn(self, noise):
        walk = self._walked(noise=noise)
        kl = walk.stacked(walk.log_q) - walk.stacked(walk.log_p)
        return walk.code(), ElboTerms(walk.log_likelihood(self.x), kl)

    def expected_terms(self, noise):
        """The same, with each group's KL in closed form given the groups above it, where the posterior has no flows."""
        walk = self._walked(noise=noise)
        return ElboTerms(walk.log_likelihood(self.x), walk.stacked(walk.divergences))

    def latent(self, noise):
        return self._walked(noise=noise).code()

    def noise(self, z):
        return self._walked(z=z).noise()

    def log_prob(self, z):
        walk = self._walked(z=z)
        return tf.reduce_sum(walk.stacked(walk.log_q), -1)

    def log_joint(self, z):
        walk = self._walked(z=z)
        return tf.reduce_sum(walk.stacked(walk.log_p), -1) + walk.log_likelihood(self.x)

    def _walked(self, **given):
        return _Walk(self, **given)


class _Walk:
    """One walk down the hierarchy, at noise [..., B, F] or at codes z [..., B, D], and what each group came to."""

    def __init__(self, inference, *, noise=None, z=None):
        self.inference, self.top_down = inference, inference.top_down
        given = noise if z is None else z
        self.lead = tf.shape(given)[:-1]
        flat = tf.reshape(given, [-1, inference.features])
        self._given = iter(self.top_down.split(flat))
        self._features = iter(inference.image_features or [None] * len(self.top_down.latents))
        self._by_noise = z is None
        self.latents, self.noises, self.log_q, self.log_p, self.divergences = [], [], [], [], []
        images = tf.shape(flat)[0]
        self.parameters = self.top_down.descend(self._choose, images=images, training=inference.training)

    def _choose(self, group, state):
        given, feature = next(self._given), next(self._features)
        parameters = group.prior_parameters(state)
        prior = q = group.prior(parameters, images=tf.shape(state)[0])
        seen = None
        if feature is not None:
            q, seen = group.posterior(parameters, state, feature)
        flows = group.flows if feature is not None else 0
        if self._by_noise:
            noise, before = given, q.push(given)
            z = group.flowed(before, seen) if flows else before
        else:
            z, before = given, group.unflowed(given, seen) if flows else given
            noise = q.pull(before)
        self.latents.append(z)
        self.noises.append(noise)
        self.log_q.append(q.log_prob(noise))
        self.log_p.append(self.log_q[-1] if q is prior else prior.log_prob(prior.pull(z)))
        self.divergences.append(self.log_q[-1] - self.log_p[-1] if flows else q.divergence(prior))
        return z

    def stacked(self, values):
        """A list of [N], one for each group, as [..., B, G]."""
        return tf.reshape(tf.stack(values, -1), tf.concat([self.lead, [len(values)]], 0))

    def code(self):
        """Latents of all groups, [..., B, D]."""
        return self._flat(self.latents)

    def noise(self):
        """The noise behind them, [..., B, F]."""
        return self._flat(self.noises)

    def log_likelihood(self, x):
        """log p(x | z), [..., B]."""
        parameters = self.inference.pixels(self.parameters)
        shape = tf.concat([self.lead, parameters.shape[1:]], 0)
        return self.inference.law(tf.reshape(parameters, shape)).log_prob(x)

    def _flat(self, parts):
        return tf.reshape(self.top_down.joined(parts), tf.concat([self.lead, [self.inference.features]], 0))
