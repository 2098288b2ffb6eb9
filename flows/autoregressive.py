"""Bijectors that change each feature by functions of the features before it."""

import functools

import tensorflow as tf

from vae_flows.blocks.masked import MADE
from vae_flows.flows.base import LazyBijector
from vae_flows.flows.elements import Affine, Gated, Shift, check_bound
from vae_flows.flows.fused import FusedBijector

__all__ = ["AutoregressiveBijector", "GatedAutoregressive", "MaskedAutoregressive", "ShiftAutoregressive"]


class AutoregressiveBijector(FusedBijector):
    """y[i] = element(x[i]; parameters_i(x[:i])): one network pass forward, D passes to invert.

    Args:
        conditioner: x [..., D] -> parameters [..., D, P]; the i-th depend on x[:i] only.
        element: Bijector of the line, as in `flows.elements`.
        features: D.
    """

    def __init__(self, conditioner, element, *, features, dtype=None):
        super().__init__(dtype=dtype)
        self.conditioner = conditioner
        self.element = element
        self.features = features

    def forward_and_log_det(self, x):
        y, log_derivative = self.element.forward(x, self.conditioner(x))
        return y, tf.reduce_sum(log_derivative, -1)

    def _inverse(self, y):
        # Pass i finds x[i] from x[:i]. The rest stays 0 until its turn: a wrong guess could overflow, and a masked
        # weight times infinity is not 0.
        def find(i, x):
            here = tf.range(self.features) == i
            return i + 1, tf.where(here, self.element.inverse(y, self.conditioner(x)), x)

        first = self.element.inverse(y, self.conditioner(tf.zeros_like(y)))  # has the shape of y and context together
        start = tf.where(tf.range(self.features) == 0, first, tf.zeros_like(first))
        return tf.while_loop(lambda i, x: i < self.features, find, (1, start))[1]


class AutoregressiveLayer(LazyBijector):
    """Abstract: a MADE, and an element whose parameters it gives. Subclasses say which `element`."""

    def __init__(
        self,
        features,
        *,
        hidden,
        context=0,
        context_after_activation=False,
        residual_blocks=0,
        activation="elu",
        **kwargs,
    ):
        super().__init__(features, context=context, **kwargs)
        self.hidden = tuple(hidden)
        self.context_after_activation = context_after_activation
        self.residual_blocks = residual_blocks
        self.activation = activation
        initial = self.element().initial
        self.made = MADE(
            features,
            outputs=len(initial),
            hidden=self.hidden,
            context=context,
            context_after_activation=context_after_activation,
            residual_blocks=residual_blocks,
            activation=activation,
            output_bias=initial,
            dtype=self.dtype_policy,
            name="made",
        )
        self.built = True

    def element(self):
        """The bijector of the line, as in `flows.elements`."""
        raise NotImplementedError

    def given(self, context):
        conditioner = functools.partial(self.made, context=context)
        return AutoregressiveBijector(conditioner, self.element(), features=self.features, dtype=self.compute_dtype)


class GatedAutoregressive(AutoregressiveLayer):
    """The step of an inverse autoregressive flow, with a numerically tame gate.

    (m, s) = made(x, context), g = sigmoid(s), y = g * x + (1 - g) * m, log|det dy/dx| = sum log g

    Args:
        features: Size D of the event.
        hidden: Widths of the masked hidden layers; at least D - 1 each.
        context: Size C of the conditioning vector; 0 makes the step static.
        context_after_activation: Whether the context is added after the first nonlinearity (as Sylvester flows do; C is
            then that layer's width), not before it.
        residual_blocks: Number of masked residual blocks after the hidden layers.
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

    def __init__(
        self,
        features,
        *,
        hidden,
        context=0,
        context_after_activation=False,
        residual_blocks=0,
        activation="elu",
        gate_bias=2.0,
        **kwargs,
    ):
        self.gate_bias = gate_bias  # the base asks for the element
        super().__init__(
            features,
            hidden=hidden,
            context=context,
            context_after_activation=context_after_activation,
            residual_blocks=residual_blocks,
            activation=activation,
            **kwargs,
        )

    def element(self):
        return Gated(bias=self.gate_bias)


class ShiftAutoregressive(AutoregressiveLayer):
    """The volume-preserving step of an inverse autoregressive flow.

    m = made(x, context), y = x + m, log|det dy/dx| = 0

    Args:
        features: Size D of the event.
        hidden: Widths of the masked hidden layers; at least D - 1 each.
        context: Size C of the conditioning vector; 0 makes the step static.
        context_after_activation: As in `GatedAutoregressive`.
        residual_blocks: Number of masked residual blocks after the hidden layers.
        activation: Of the hidden layers.

    Call:
        context [..., C] or None -> `tfb.Bijector` on events [D]; inverting takes D passes.

    Reference: Kingma et al. 2016. arXiv:1606.04934
    """

    def element(self):
        return Shift()


class MaskedAutoregressive(AutoregressiveLayer):
    """Scales and shifts each feature by functions of the features before it.

    (m, s) = made(x, context), y = x * exp(s) + m, log|det dy/dx| = sum s, |s| < log_scale_bound

    Forward is the sampling direction of an inverse autoregressive flow; `Invert` of it is a masked autoregressive flow
    (MAF), whose density takes one pass.

    Args:
        features: Size D of the event.
        hidden: Widths of the masked hidden layers; at least D - 1 each.
        context: Size C of the conditioning vector; 0 makes the step static.
        context_after_activation: As in `GatedAutoregressive`.
        residual_blocks: Number of masked residual blocks after the hidden layers.
        activation: Of the hidden layers.
        log_scale_bound: Bound on s, reached smoothly: s = bound * tanh(raw / bound); None for none.

    Call:
        context [..., C] or None -> `tfb.Bijector` on events [D]; inverting takes D passes.

    Raises:
        ValueError: for a bound that is not positive.

    Reference: Papamakarios et al. Masked Autoregressive Flow for Density Estimation. 2017. arXiv:1705.07057
    Differs from the paper: the bound. A prior without it overflows where a young posterior strays from it, since s grows
        with x and several steps multiply.
    """

    def __init__(
        self,
        features,
        *,
        hidden,
        context=0,
        context_after_activation=False,
        residual_blocks=0,
        activation="elu",
        log_scale_bound=2.0,
        **kwargs,
    ):
        check_bound(log_scale_bound)
        self.log_scale_bound = log_scale_bound  # the base asks for the element
        super().__init__(
            features,
            hidden=hidden,
            context=context,
            context_after_activation=context_after_activation,
            residual_blocks=residual_blocks,
            activation=activation,
            **kwargs,
        )

    def element(self):
        return Affine(most=self.log_scale_bound)
