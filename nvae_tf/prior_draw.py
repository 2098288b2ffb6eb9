"""Latents from the prior, from given codes, or from both."""

import tensorflow as tf

__all__ = ["PriorDraw"]


class PriorDraw:
    """Chooses latents on a walk down the hierarchy: the first groups as given, the rest from the prior at a temperature.

    z_g = loc_g(z_<g) + temperature * scale_g(z_<g) * noise_g

    Args:
        top_down: `TopDown`.
        noise: N(0, I) of all groups [N, F], or None where all groups are given.
        temperature: Factor of the prior's scale, in every group.
        code: Latents [N, D] of which the first groups are taken.
        keep: How many groups are taken from `code`.
    """

    def __init__(self, top_down, *, noise=None, temperature=1.0, code=None, keep=0):
        given = [] if code is None else top_down.split(code)[:keep]
        drawn = [None] * len(given) if noise is None else top_down.split(noise)
        self._given = iter(given + [None] * (len(drawn) - len(given)))
        self._noise = iter(drawn)
        self.temperature = temperature
        self.latents = []

    def __call__(self, group, state):
        given, noise = next(self._given), next(self._noise)
        if given is None:
            prior = group.prior(group.prior_parameters(state), images=tf.shape(state)[0])
            given = prior.push(self.temperature * noise)
        self.latents.append(given)
        return given
