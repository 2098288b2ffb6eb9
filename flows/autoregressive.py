"""Bijectors that change each feature by functions of the features before it."""

import functools

import tensorflow as tf

from vae_flows.blocks.masked import MADE
from vae_flows.flows.base import LazyBijector
from vae_flows.flows.elements import check_element
from vae_flows.flows.fused import FusedBijector

__all__ = ["Autoregressive", "AutoregressiveBijector"]


class AutoregressiveBijector(FusedBijector):
    """y[i] = element(x[i]; parameters_i(x[:i])): one network pass forward, D passes to invert.

    Args:
        conditioner: x [..., D] -> parameters [..., D, P]; the i-th depend on x[:i] only.
        element: `Element`.
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

    def inverse_and_log_det(self, y):
        # Pass i finds x[i] from x[:i]. The rest stays 0 until its turn: a wrong guess could overflow, and a masked
        # weight times infinity is not 0. The last pass has the parameters of all features.
        def find(i, x):
            here = tf.range(self.features) == i
            return i + 1, tf.where(here, self.element.inverse(y, self.conditioner(x)), x)

        first = self.element.inverse(y, self.conditioner(tf.zeros_like(y)))  # has the shape of y and context together
        start = tf.where(tf.range(self.features) == 0, first, tf.zeros_like(first))
        known = tf.while_loop(lambda i, x: i < self.features - 1, find, (1, start))[1]
        parameters = self.conditioner(known)
        x = self.element.inverse(y, parameters)
        return x, -tf.reduce_sum(self.element.forward(x, parameters)[1], -1)


class Autoregressive(LazyBijector):
    """Changes each feature by a function of the features before it.

    y[i] = f(x[i]; p[i]), p[i] = made_i(x[:i], context), log|det dy/dx| = sum_i log f'(x[i]; p[i])

    `Autoregressive(D, element=Gated(), ...)` is the step of an inverse autoregressive flow, with `Shift()` its
    volume-preserving form. `Invert` of one with `Affine()` is a masked autoregressive flow (MAF), whose density takes one
    pass; with `RationalQuadratic()` the elements are splines.

    Args:
        features: Size D of the event.
        element: `Element` f.
        hidden: Widths of the masked hidden layers; at least D - 1 each.
        context: Size C of the conditioning vector; 0 makes the step static.
        context_after_activation: Whether the context is added after the first nonlinearity (as Sylvester flows do; C is
            then that layer's width), not before it.
        residual_blocks: Number of masked residual blocks after the hidden layers.
        activation: Of the hidden layers.

    Call:
        context [..., C] or None -> `tfb.Bijector` on events [D]; inverting takes D passes.

    Example:
        >>> step = Autoregressive(3, element=Gated(bias=2.0), hidden=(8,), context=5)
        >>> step(tf.ones([2, 5])).forward(tf.zeros([2, 3])).shape
        TensorShape([2, 3])

    Reference: Kingma et al. Improved Variational Inference with Inverse Autoregressive Flow. 2016. arXiv:1606.04934
    Reference: Papamakarios et al. Masked Autoregressive Flow for Density Estimation. 2017. arXiv:1705.07057
    """

    def __init__(
        self,
        features,
        *,
        element,
        hidden,
        context=0,
        context_after_activation=False,
        residual_blocks=0,
        activation="elu",
        **kwargs,
    ):
        super().__init__(features, context=context, **kwargs)
        check_element(element)
        self.element = element
        self.hidden = tuple(hidden)
        self.context_after_activation = context_after_activation
        self.residual_blocks = residual_blocks
        self.activation = activation
        self.made = MADE(
            features,
            outputs=len(element.initial),
            hidden=self.hidden,
            context=context,
            context_after_activation=context_after_activation,
            residual_blocks=residual_blocks,
            activation=activation,
            output_bias=element.initial,
            dtype=self.dtype_policy,
            name="made",
        )
        self.built = True

    def given(self, context):
        conditioner = functools.partial(self.made, context=context)
        return AutoregressiveBijector(conditioner, self.element, features=self.features, dtype=self.compute_dtype)
