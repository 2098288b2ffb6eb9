"""Models whose log p(x) is known."""

from vae_flows.latent_models.image_model import ImageModel
from vae_flows.latent_models.terms import Minimised

__all__ = ["ExactModel"]


class ExactModel(ImageModel):
    """Abstract model of images with an exact likelihood.

    loss = -log p(x)

    Subclasses write `log_prob`, `sample`, `reconstruct`, `encode`, `decode` and the sizes. Evaluation, reports and exports
    take log p(x) as it is, without drawing samples.

    Args:
        seed: Base seed of the training noise.
        records: What the subclass records beside `nll`.
    """

    validated_by = "nll"

    def __init__(self, *, seed=0, records=(), **kwargs):
        super().__init__(seed=seed, records=("nll", *records), **kwargs)

    def log_prob(self, x, *, training=False):
        """log p(x) in nats: [B, H, W, C] -> [B]."""
        raise NotImplementedError

    def minimised(self, x, target, *, seed, step, training):
        if target is not x:
            raise ValueError(
                "An exact model explains the images that it sees. Expected: no target beside them. Received: one. "
                "Use a model that restores images."
            )
        nll = -self.log_prob(x, training=training)
        return Minimised(nll, {"nll": nll})

    def log_likelihood(self, x, samples=1000, seed=None):
        """log p(x) in nats, [B], exact: `samples` and `seed` change nothing."""
        return self.log_prob(x)
