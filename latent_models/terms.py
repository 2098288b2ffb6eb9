"""What inference gives to whoever minimises or judges a model."""

from typing import NamedTuple

import tensorflow as tf

__all__ = ["ElboTerms", "Minimised", "View"]


class ElboTerms(NamedTuple):
    """One-sample estimates of the two parts of the ELBO, in nats.

    elbo = log p(x | z) - sum over groups of [log q(z_g | x, z_<g) - log p(z_g | z_<g)],  z ~ q

    Attributes:
        log_likelihood: log p(x | z), [..., B].
        kl: log q - log p of each latent group, [..., B, G]; G = 1 for a VAE.
    """

    log_likelihood: tf.Tensor
    kl: tf.Tensor

    @property
    def elbo(self):
        """log p(x, z) - log q(z | x): the ELBO's sample, and the log-weight of importance sampling. [..., B]."""
        return self.log_likelihood - tf.reduce_sum(self.kl, -1)


class Minimised(NamedTuple):
    """What a training step minimises, and what is recorded beside it.

    Attributes:
        loss: Of each image, [B].
        recorded: {name: values of any shape}; their means are logged.
    """

    loss: tf.Tensor
    recorded: dict


class View(NamedTuple):
    """Pictures that a model offers of its own working, one row for each image.

    Attributes:
        pictures: float32 [N, M, H, W, C] in [0, 1].
        labels: M words.
        caption: One sentence that says what is to be seen.
    """

    pictures: tf.Tensor
    labels: tuple
    caption: str

    @classmethod
    def of(cls, columns, labels, caption):
        """The view of columns [N, H, W, C] of pictures, each with its label."""
        return cls(tf.stack([tf.cast(column, tf.float32) for column in columns], 1), labels, caption)
