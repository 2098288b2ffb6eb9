"""What may stand between the encoder's law and q(z | x)."""

from vae_flows.blocks.configured import Configured

__all__ = ["Refiner"]


class Refiner(Configured):
    """Abstract map without weights of its own: (q0, x, decoder, prior) -> q.

    It is cut in two: `parameters` does the work, once per batch of images, and gives tensors; `law` makes of them the
    distribution, as often as it is needed.

    Call:
        q0, x, decoder, prior -> `tfd.Distribution` with batch shape [B], events [D].
    """

    def parameters(self, q0, x, decoder, prior, *, training=False):
        """What determines q(z | x): a nest of tensors [B, ...].

        Args:
            q0: The encoder's law, batch shape [B], events [D].
            x: Images [B, H, W, C].
            decoder: `Conditional`: z [..., B, D] -> p(x | z), called with `training=`.
            prior: Distribution of z.
            training: Whether the networks are in training.
        """
        raise NotImplementedError

    def law(self, parameters):
        """q(z | x), a distribution that `densities.push` maps from noise."""
        raise NotImplementedError

    def path(self, q0, x, decoder, prior):
        """The laws from q0 to q, one for each step, for pictures."""
        return [q0, self(q0, x, decoder, prior)]

    def __call__(self, q0, x, decoder, prior):
        return self.law(self.parameters(q0, x, decoder, prior))
