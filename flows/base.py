"""Lazy bijectors: layers that return a bijector, and the two ways to combine them."""

from vae_flows.blocks.lazy import Lazy
from vae_flows.flows.fused import ChainBijector, InvertBijector

__all__ = ["Chain", "Invert", "LazyBijector"]


class LazyBijector(Lazy):
    """Abstract layer whose call, given a context, returns a `tfb.Bijector` on vectors.

    Args:
        features: Size D of the event.
        context: Size C of the conditioning vector; 0 makes the bijector static (it owns its parameters).

    Call:
        context [..., C], or None where C = 0 -> `tfb.Bijector` on events [D].
    """

    def __init__(self, features, *, context=0, **kwargs):
        super().__init__(context=context, **kwargs)
        if features < 1:
            raise ValueError(f"`features` must be at least 1. Received: features={features}.")
        self.features = features


class Chain(LazyBijector):
    """Bijectors one after the other: the first listed acts first on the base's sample.

    y = parts[-1](... parts[1](parts[0](x)))

    Static parts (context=0) may stand among amortised ones.

    Args:
        parts: Lazy bijectors of one size; those with a context share its size.

    Call:
        context [..., C], or None if all parts are static -> `tfb.Bijector` on events [D].

    Raises:
        ValueError: if there are no parts, or sizes differ.

    Example:
        >>> Chain([Reverse(3), Reverse(3)])().forward([1.0, 2.0, 3.0]).numpy()
        array([1., 2., 3.], dtype=float32)
    """

    def __init__(self, parts, **kwargs):
        parts = list(parts)
        if not parts:
            raise ValueError("`parts` must hold at least one bijector. Received: none. Leave out the chain instead.")
        super().__init__(
            _shared("features", {part.features for part in parts}),
            context=_shared("context", {part.context for part in parts} - {0} or {0}),
            **kwargs,
        )
        self.parts = parts
        self.built = True

    def given(self, context):
        return ChainBijector([part(context) if part.context else part() for part in self.parts])


class Invert(LazyBijector):
    """A bijector with its directions exchanged: forward is the part's inverse.

    `Invert(Autoregressive(...))` evaluates densities in one pass and samples in D, as a prior likes it.

    Args:
        part: Lazy bijector.

    Call:
        context [..., C] or None, as the part takes -> `tfb.Bijector` on events [D].
    """

    def __init__(self, part, **kwargs):
        super().__init__(part.features, context=part.context, **kwargs)
        self.part = part
        self.built = True

    def given(self, context):
        return InvertBijector(self.part(context))


def _shared(name, sizes):
    if len(sizes) > 1:
        raise ValueError(
            f"All parts must agree in `{name}`. Received: {name}={sorted(sizes)}. "
            "Build every part for the same latent and the same context."
        )
    return sizes.pop()
