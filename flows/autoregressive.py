"""Bijectors that change each feature by functions of the features before it."""

import functools

import tensorflow as tf

from blocks.masked import MADE
from flows.base import LazyBijector
from flows.fused import FusedBijector

__all__ = ["AutoregressiveBijector", "GatedAutoregressive", "MaskedAutoregressive", "ShiftAutoregressive"]


class AutoregressiveBijector(FusedBijector):
    """y[i] = element(x[i]; parameters_i(x[:i])): one network pass forward, D passes to invert.

    Args:
        conditioner: x [..., D] -> parameters [..., D, P]; the i-th depend on x[:i] only.
        element: (x, parameters) -> (y, log dy/dx), each [..., D], feature by feature.
        element_inverse: (y, parameters) -> x.
        features: D.
    """

    def __init__(self, conditioner, element, element_inverse, *, features, dtype=None):
        super().__init__(dtype=dtype)
        self.conditioner = conditioner
        self.element = element
        self.element_inverse = element_inverse
        self.features = features

    def forward_and_log_det(self, x):
        y, log_derivative = self.element(x, self.conditioner(x))
        return y, tf.reduce_sum(log_derivative, -1)

    def inverse_and_log_det(self, y):
        x = self.inverse(y)
        return x, -self.forward_and_log_det(x)[1]

    def _inverse(self, y):
        # Pass i finds x[i] from x[:i]. The rest stays 0 until its turn: a wrong guess could overflow, and a masked
        # weight times infinity is not 0.
        def find(i, x):
            here = tf.range(self.features) == i
            return i + 1, tf.where(here, self.element_inverse(y, self.conditioner(x)), x)

        first = self.element_inverse(y, self.conditioner(tf.zeros_like(y)))  # has the shape of y and context together
        start = tf.where(tf.range(self.features) == 0, first, tf.zeros_like(first))
        return tf.while_loop(lambda i, x: i < self.features, find, (1, start))[1]


def _gated(x, parameters):
    shift, gate = tf.unstack(parameters, axis=-1)
    g = tf.sigmoid(gate)
    return g * x + (1.0 - g) * shift, tf.math.log_sigmoid(gate)


def _gated_inverse(y, parameters):
    shift, gate = tf.unstack(parameters, axis=-1)
    return (y - tf.sigmoid(-gate) * shift) * (1.0 + tf.exp(-gate))


def _shifted(x, parameters):
    return x + parameters[..., 0], tf.zeros_like(x)


def _shifted_inverse(y, parameters):
    return y - parameters[..., 0]


def _affine(x, parameters):
    shift, log_scale = tf.unstack(parameters, axis=-1)
    return x * tf.exp(log_scale) + shift, log_scale


def _affine_inverse(y, parameters):
    shift, log_scale = tf.unstack(parameters, axis=-1)
    return (y - shift) * tf.exp(-log_scale)


class _Autoregressive(LazyBijector):
    """What the three laws share: a MADE, and the bijector around it."""

    element = element_inverse = None

    def __init__(self, features, *, hidden, context, context_after_activation, activation, output_bias, **kwargs):
        super().__init__(features, context=context, **kwargs)
        self.hidden = tuple(hidden)
        self.context_after_activation = context_after_activation
        self.activation = activation
        self.made = MADE(
            features,
            outputs=len(output_bias),
            hidden=self.hidden,
            context=context,
            context_after_activation=context_after_activation,
            activation=activation,
            output_bias=output_bias,
            dtype=self.dtype_policy,
            name="made",
        )
        self.built = True

    def given(self, context):
        conditioner = functools.partial(self.made, context=context)
        kind = type(self)
        return AutoregressiveBijector(
            conditioner, kind.element, kind.element_inverse, features=self.features, dtype=self.compute_dtype
        )


class GatedAutoregressive(_Autoregressive):
    """The step of an inverse autoregressive flow, with a numerically tame gate.

    (m, s) = made(x, context), g = sigmoid(s), y = g * x + (1 - g) * m, log|det dy/dx| = sum log g

    Args:
        features: Size D of the event.
        hidden: Widths of the masked hidden layers; at least D - 1 each.
        context: Size C of the conditioning vector; 0 makes the step static.
        context_after_activation: Whether the context is added after the first nonlinearity (as Sylvester flows do; C is
            then that layer's width), not before it.
        activation: Of the hidden layers.
        gate_bias: Where the bias of s starts: sigmoid(2) = 0.88 keeps the step near the identity.

    Call:
        context [..., C] or None -> `tfb.Bijector` on events [D]; inverting takes D passes.

    Example:
        >>> step = GatedAutoregressive(3, hidden=(8,), context=5)
        >>> step(tf.ones([2, 5])).forward(tf.zeros([2, 3])).shape
        TensorShape([2, 3])

    Reference: Kingma et al. Improved Variational Inference with Inverse Autoregressive Flow. 2016. arXiv:1606.04934
    """

    element = staticmethod(_gated)
    element_inverse = staticmethod(_gated_inverse)

    def __init__(
        self,
        features,
        *,
        hidden,
        context=0,
        context_after_activation=False,
        activation="elu",
        gate_bias=2.0,
        **kwargs,
    ):
        super().__init__(
            features,
            hidden=hidden,
            context=context,
            context_after_activation=context_after_activation,
            activation=activation,
            output_bias=(0.0, gate_bias),
            **kwargs,
        )
        self.gate_bias = gate_bias


class ShiftAutoregressive(_Autoregressive):
    """The volume-preserving step of an inverse autoregressive flow.

    m = made(x, context), y = x + m, log|det dy/dx| = 0

    Args:
        features: Size D of the event.
        hidden: Widths of the masked hidden layers; at least D - 1 each.
        context: Size C of the conditioning vector; 0 makes the step static.
        context_after_activation: As in `GatedAutoregressive`.
        activation: Of the hidden layers.

    Call:
        context [..., C] or None -> `tfb.Bijector` on events [D]; inverting takes D passes.

    Reference: Kingma et al. 2016. arXiv:1606.04934
    """

    element = staticmethod(_shifted)
    element_inverse = staticmethod(_shifted_inverse)

    def __init__(self, features, *, hidden, context=0, context_after_activation=False, activation="elu", **kwargs):
        super().__init__(
            features,
            hidden=hidden,
            context=context,
            context_after_activation=context_after_activation,
            activation=activation,
            output_bias=(0.0,),
            **kwargs,
        )


class MaskedAutoregressive(_Autoregressive):
    """Scales and shifts each feature by functions of the features before it.

    (m, s) = made(x, context), y = x * exp(s) + m, log|det dy/dx| = sum s

    Forward is the sampling direction of an inverse autoregressive flow; `Invert` of it is a masked autoregressive flow
    (MAF), whose density takes one pass.

    Args:
        features: Size D of the event.
        hidden: Widths of the masked hidden layers; at least D - 1 each.
        context: Size C of the conditioning vector; 0 makes the step static.
        context_after_activation: As in `GatedAutoregressive`.
        activation: Of the hidden layers.

    Call:
        context [..., C] or None -> `tfb.Bijector` on events [D]; inverting takes D passes.

    Reference: Papamakarios et al. Masked Autoregressive Flow for Density Estimation. 2017. arXiv:1705.07057
    """

    element = staticmethod(_affine)
    element_inverse = staticmethod(_affine_inverse)

    def __init__(self, features, *, hidden, context=0, context_after_activation=False, activation="elu", **kwargs):
        super().__init__(
            features,
            hidden=hidden,
            context=context,
            context_after_activation=context_after_activation,
            activation=activation,
            output_bias=(0.0, 0.0),
            **kwargs,
        )
