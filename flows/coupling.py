"""Coupling flows: one half of the features changes by functions of the other half."""

import functools

import tensorflow as tf

from vae_flows.flows.base import LazyBijector
from vae_flows.flows.conditioner import Conditioner
from vae_flows.flows.elements import check_element
from vae_flows.flows.fused import FusedBijector
from vae_flows.flows.parameters import Parameters

__all__ = ["Coupling", "CouplingBijector", "DiagonalScaling"]


class CouplingBijector(FusedBijector):
    """y = [kept, element(changed; parameters(kept))]: one network pass either way.

    Args:
        conditioner: kept [..., D / 2] -> parameters [..., D / 2, P].
        element: `Element`.
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

    def inverse_and_log_det(self, y):
        kept, changed = self._split(y)
        parameters = self.conditioner(kept)
        x = self.element.inverse(changed, parameters)
        return self._join(kept, x), -tf.reduce_sum(self.element.forward(x, parameters)[1], -1)

    def _split(self, x):
        first, second = tf.split(x, 2, axis=-1)
        return (second, first) if self.swapped else (first, second)

    def _join(self, kept, changed):
        kept += tf.zeros_like(changed)  # a batch of contexts may have widened the changed half
        return tf.concat([changed, kept] if self.swapped else [kept, changed], -1)


class Coupling(LazyBijector):
    """Changes one half of the features by functions of the other half; the Jacobian is triangular, and so is the inverse's.

    y = [x1, f(x2; p)], p = network(x1, context), or with the halves swapped; log|det dy/dx| = sum_i log f'(x2[i]; p[i])

    With `Shift()` it is the step of NICE, with `Affine()` that of RealNVP, with `RationalQuadratic()` that of neural spline
    flows.

    Args:
        features: Size D of the event; even.
        element: `Element` f.
        hidden: Widths of the network's hidden layers (the flow-VAE's choice with `Shift`: two of 5 D).
        context: Size C of the conditioning vector; 0 makes the step static.
        swapped: Whether the first half changes, not the second. Alternate it from step to step: else half of the
            features never change.
        activation: Of the hidden layers.

    Call:
        context [..., C] or None -> `tfb.Bijector` on events [D].

    Raises:
        ValueError: for an odd size.

    Example:
        >>> step = Coupling(4, element=Affine(), hidden=(8,), context=3, swapped=True)
        >>> step(tf.ones([2, 3])).forward(tf.ones([2, 4])).shape
        TensorShape([2, 4])

    Reference: Dinh et al. Density Estimation Using Real NVP. 2016. arXiv:1605.08803
    """

    def __init__(self, features, *, element, hidden, context=0, swapped=False, activation="relu", **kwargs):
        super().__init__(features, context=context, **kwargs)
        if features % 2:
            raise ValueError(
                f"`features` must be even: a coupling changes one half by the other. Received: features={features}. "
                "Use `Autoregressive` for odd sizes."
            )
        check_element(element)
        self.element, self.hidden, self.swapped, self.activation = element, tuple(hidden), swapped, activation
        self.conditioner = Conditioner(
            features // 2,
            outputs=(features // 2, len(element.initial)),
            hidden=self.hidden,
            context=context,
            activation=activation,
            output_bias=element.initial,
            dtype=self.dtype_policy,
            name="conditioner",
        )
        self.built = True

    def given(self, context):
        conditioner = functools.partial(self.conditioner, context=context)
        return CouplingBijector(conditioner, self.element, swapped=self.swapped, dtype=self.compute_dtype)


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
