"""Coupling flows: one half of the features changes by functions of the other half."""

import functools

import tensorflow as tf

from vae_flows.flows.base import LazyBijector
from vae_flows.flows.conditioner import Conditioner
from vae_flows.flows.elements import Affine, Shift, check_bound
from vae_flows.flows.fused import FusedBijector
from vae_flows.flows.parameters import Parameters

__all__ = ["AdditiveCoupling", "AffineCoupling", "CouplingBijector", "CouplingLayer", "DiagonalScaling"]


class CouplingBijector(FusedBijector):
    """y = [kept, element(changed; parameters(kept))]: one network pass either way.

    Args:
        conditioner: kept [..., D / 2] -> parameters [..., D / 2, P].
        element: Bijector of the line, as in `flows.elements`.
        swapped: Whether the first half changes, not the second.
    """

    def __init__(self, conditioner, element, *, swapped, dtype=None):
        super().__init__(dtype=dtype)
        self.conditioner = conditioner
        self.element = element
        self.swapped = swapped

    def forward_and_log_det(self, x):
        kept, changed = self._split(x)
        y, log_derivative = self.element.forward(changed, self.conditioner(kept))
        return self._join(kept, y), tf.reduce_sum(log_derivative, -1)

    def _inverse(self, y):
        kept, changed = self._split(y)
        return self._join(kept, self.element.inverse(changed, self.conditioner(kept)))

    def _split(self, x):
        first, second = tf.split(x, 2, axis=-1)
        return (second, first) if self.swapped else (first, second)

    def _join(self, kept, changed):
        kept += tf.zeros_like(changed)  # a batch of contexts may have widened the changed half
        return tf.concat([changed, kept] if self.swapped else [kept, changed], -1)


class CouplingLayer(LazyBijector):
    """Abstract: a conditioner, and an element whose parameters it gives. Subclasses say which `element`."""

    def __init__(self, features, *, hidden, context=0, swapped=False, activation="relu", **kwargs):
        super().__init__(features, context=context, **kwargs)
        if features % 2:
            raise ValueError(
                f"`features` must be even: a coupling changes one half by the other. Received: features={features}. "
                "Use `MaskedAutoregressive` or `AutoregressiveSpline` for odd sizes."
            )
        self.hidden, self.swapped, self.activation = tuple(hidden), swapped, activation
        initial = self.element().initial
        self.conditioner = Conditioner(
            features // 2,
            outputs=(features // 2, len(initial)),
            hidden=self.hidden,
            context=context,
            activation=activation,
            output_bias=initial,
            dtype=self.dtype_policy,
            name="conditioner",
        )
        self.built = True

    def element(self):
        """The bijector of the line, as in `flows.elements`."""
        raise NotImplementedError

    def given(self, context):
        conditioner = functools.partial(self.conditioner, context=context)
        return CouplingBijector(conditioner, self.element(), swapped=self.swapped, dtype=self.compute_dtype)


class AdditiveCoupling(CouplingLayer):
    """The step of NICE: shifts one half by a function of the other; volume preserving.

    y = [x1, x2 + m(x1, context)], or with the halves swapped; log|det dy/dx| = 0

    Args:
        features: Size D of the event; even.
        hidden: Widths of the network's hidden layers (the flow-VAE's choice: two of 5 D).
        context: Size C of the conditioning vector; 0 makes the step static.
        swapped: Whether the first half changes, not the second. Alternate it from step to step: else half of the
            features never change.
        activation: Of the hidden layers.

    Call:
        context [..., C] or None -> `tfb.Bijector` on events [D].

    Raises:
        ValueError: for an odd size.

    Example:
        >>> AdditiveCoupling(4, hidden=(8,), swapped=True)().forward(tf.ones([2, 4])).shape
        TensorShape([2, 4])

    Reference: Dinh et al. NICE: Non-linear Independent Components Estimation. 2014. arXiv:1410.8516
    """

    def element(self):
        return Shift()


class AffineCoupling(CouplingLayer):
    """The step of RealNVP: scales and shifts one half by functions of the other.

    (m, s) = network(x1, context), y = [x1, x2 * exp(s) + m], log|det dy/dx| = sum s, |s| < log_scale_bound

    Args:
        features: Size D of the event; even.
        hidden: Widths of the network's hidden layers.
        context: Size C of the conditioning vector; 0 makes the step static.
        swapped: Whether the first half changes, not the second. Alternate it from step to step.
        activation: Of the hidden layers.
        log_scale_bound: Bound on s, reached smoothly: s = bound * tanh(raw / bound); None for none.

    Call:
        context [..., C] or None -> `tfb.Bijector` on events [D].

    Raises:
        ValueError: for an odd size, and a bound that is not positive.

    Example:
        >>> AffineCoupling(4, hidden=(8,), context=3)(tf.ones([2, 3])).forward(tf.ones([2, 4])).shape
        TensorShape([2, 4])

    Reference: Dinh et al. Density Estimation Using Real NVP. 2016. arXiv:1605.08803
    """

    def __init__(self, features, *, hidden, context=0, swapped=False, activation="relu", log_scale_bound=2.0, **kwargs):
        check_bound(log_scale_bound)
        self.log_scale_bound = log_scale_bound  # the base asks for the element
        super().__init__(features, hidden=hidden, context=context, swapped=swapped, activation=activation, **kwargs)

    def element(self):
        return Affine(most=self.log_scale_bound)


class _ScalingBijector(FusedBijector):
    """y = x exp(s)."""

    def __init__(self, log_scale, *, dtype):
        super().__init__(dtype=dtype)
        self.log_scale = log_scale

    def forward_and_log_det(self, x):
        return x * tf.exp(self.log_scale), tf.reduce_sum(self.log_scale + tf.zeros_like(x), -1)

    def _inverse(self, y):
        return y * tf.exp(-self.log_scale)


class DiagonalScaling(LazyBijector):
    """Scales every feature: the last step of NICE, whose couplings preserve volume.

    y[i] = x[i] * exp(s[i]), log|det dy/dx| = sum s; s starts at 0

    Args:
        features: Size D of the event.
        context: Size C of the conditioning vector; 0 makes s weights, otherwise s is linear in the context.

    Call:
        context [..., C] or None -> `tfb.Bijector` on events [D].

    Example:
        >>> DiagonalScaling(2)().forward([3.0, 4.0]).numpy()
        array([3., 4.], dtype=float32)

    Reference: Dinh et al. NICE. 2014. arXiv:1410.8516
    """

    def __init__(self, features, *, context=0, **kwargs):
        super().__init__(features, context=context, **kwargs)
        self.parameters = Parameters(tf.zeros([features]), context=context, dtype=self.dtype_policy, name="parameters")
        self.built = True

    def given(self, context):
        return _ScalingBijector(self.parameters(context), dtype=self.compute_dtype)
