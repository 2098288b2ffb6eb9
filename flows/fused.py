"""TFP bijectors whose value and log-determinant come from one evaluation.

TFP asks a bijector for its value and its log-determinant apart, and so runs an amortised flow's network twice, forward
and backward. Everything here asks for the pair.
"""

import functools

import tensorflow_probability as tfp

__all__ = [
    "ChainBijector",
    "FusedBijector",
    "InvertBijector",
    "WeightedBijector",
    "forward_and_log_det",
    "inverse_and_log_det",
]

tfb = tfp.bijectors


class WeightedBijector(tfb.Bijector):
    """Abstract bijector of a layer's weights, equal to itself alone.

    TFP keeps what equal bijectors made of a tensor, and calls two of a class equal if their `parameters` are: it would
    give one layer's values for another's.
    """

    def __init__(self, **kwargs):
        super().__init__(parameters={}, **kwargs)

    def __eq__(self, other):
        return self is other

    def __hash__(self):
        return id(self)


class FusedBijector(WeightedBijector):
    """Abstract bijector on vectors [..., D] that gives value and log-determinant together.

    Subclasses write `forward_and_log_det(x)` and `inverse(y)` (as `_inverse`), or override `inverse_and_log_det` as well
    where the inverse is the cheap direction.

    Args:
        dtype: Of the weights behind it.
        name: For TFP.
    """

    def __init__(self, *, dtype=None, name=None):
        super().__init__(forward_min_event_ndims=1, dtype=dtype, name=name or type(self).__name__)

    def forward_and_log_det(self, x):
        """x [..., D] -> y [..., D] and log|det dy/dx| [...]."""
        raise NotImplementedError

    def inverse_and_log_det(self, y):
        """y [..., D] -> x [..., D] and log|det dx/dy| [...]."""
        x = self.inverse(y)
        return x, -self.forward_and_log_det(x)[1]

    def _forward(self, x):
        return self.forward_and_log_det(x)[0]

    def _inverse(self, y):
        return self.inverse_and_log_det(y)[0]

    def _forward_log_det_jacobian(self, x):
        return self.forward_and_log_det(x)[1]

    def _inverse_log_det_jacobian(self, y):
        return self.inverse_and_log_det(y)[1]


@functools.singledispatch
def forward_and_log_det(bijector, x):
    """Value and log-determinant of any TFP bijector on vectors; in one evaluation for those of this package.

    x [..., D] -> y [..., D] and log|det dy/dx| [...].
    """
    return bijector.forward(x), bijector.forward_log_det_jacobian(x, event_ndims=1)


@functools.singledispatch
def inverse_and_log_det(bijector, y):
    """The inverse direction: y [..., D] -> x [..., D] and log|det dx/dy| [...]."""
    return bijector.inverse(y), bijector.inverse_log_det_jacobian(y, event_ndims=1)


forward_and_log_det.register(FusedBijector, lambda bijector, x: bijector.forward_and_log_det(x))
inverse_and_log_det.register(FusedBijector, lambda bijector, y: bijector.inverse_and_log_det(y))


class ChainBijector(FusedBijector):
    """Bijectors one after the other: the first listed acts first on the way forward.

    Args:
        bijectors: In the order of the forward direction (`tfb.Chain` lists them the other way round).
    """

    def __init__(self, bijectors):
        super().__init__(dtype=bijectors[0].dtype)
        self.bijectors = list(bijectors)

    def forward_and_log_det(self, x):
        total = 0.0
        for bijector in self.bijectors:
            x, log_det = forward_and_log_det(bijector, x)
            total = total + log_det
        return x, total

    def inverse_and_log_det(self, y):
        total = 0.0
        for bijector in reversed(self.bijectors):
            y, log_det = inverse_and_log_det(bijector, y)
            total = total + log_det
        return y, total


class InvertBijector(FusedBijector):
    """A bijector with its directions exchanged.

    Args:
        bijector: Any TFP bijector on vectors.
    """

    def __init__(self, bijector):
        super().__init__(dtype=bijector.dtype)
        self.bijector = bijector

    def forward_and_log_det(self, x):
        return inverse_and_log_det(self.bijector, x)

    def inverse_and_log_det(self, y):
        return forward_and_log_det(self.bijector, y)
