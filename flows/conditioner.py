"""The network of a coupling: from the features that stay, and the context, to the parameters of those that change."""

import keras
import tensorflow as tf

from vae_flows.blocks.configured import Configured
from vae_flows.blocks.shapes import integers

__all__ = ["Conditioner"]


class Conditioner(Configured, keras.layers.Layer):
    """Dense network of two inputs, whose last layer starts small.

    h_1 = activation(W x + U context + b);  h_k = activation(W_k h_{k-1} + b_k);  y = V h_last + a

    The leading axes of x and context are broadcast: for x [K, B, F] and context [B, C] the context's map runs once for
    each of B.

    Args:
        features: Size F of x.
        outputs: Number N of changed features, and P of parameters for each.
        hidden: Widths of the hidden layers, at least one.
        context: Size C of the context; 0 for none.
        activation: Keras activation of the hidden layers.
        output_bias: First value of each of the P parameters; empty for zeros.

    Call:
        x [..., F], context [..., C] or None -> [..., N, P]

    Raises:
        ValueError: without a hidden layer.

    Example:
        >>> Conditioner(2, outputs=(3, 2), hidden=(8,), context=4)(tf.zeros([5, 1, 2]), tf.ones([6, 4])).shape
        TensorShape([5, 6, 3, 2])
    """

    def __init__(self, features, *, outputs, hidden, context=0, activation="relu", output_bias=(), **kwargs):
        super().__init__(**kwargs)
        self.features, self.context, self.activation = features, context, activation
        self.outputs, self.hidden = integers(outputs, name="outputs"), integers(hidden, name="hidden")
        self.output_bias = tuple(output_bias)
        if not self.hidden:
            raise ValueError(
                "`hidden` must hold the width of at least one layer: a linear coupling could not bend a density. "
                "Received: hidden=()."
            )
        self._activate = keras.activations.get(activation)
        count, each = self.outputs
        widths = (features, *self.hidden)
        self.parts = [self._dense(*pair) for pair in zip(widths[:-1], widths[1:], strict=True)]
        small = keras.initializers.VarianceScaling(1e-4, "fan_in", "untruncated_normal")
        self.last = self._dense(
            self.hidden[-1], count * each, kernel_initializer=small, bias_initializer=self._initial_bias
        )
        if context:
            self.context_map = self._dense(context, self.hidden[0], use_bias=False)
        self.built = True

    def call(self, x, context=None):
        single = x.shape.rank == 1  # which Keras's layers do not take
        h = self.parts[0](x[None] if single else x)
        if context is not None:
            h += self.context_map(context)
        for part in self.parts[1:]:
            h = part(self._activate(h))
        h = self.last(self._activate(h))
        h = h[0] if single and context is None else h
        return tf.reshape(h, tf.concat([tf.shape(h)[:-1], self.outputs], 0))

    def _dense(self, inputs, outputs, **arguments):
        layer = keras.layers.Dense(outputs, dtype=self.dtype_policy, **arguments)
        layer.build((None, inputs))
        return layer

    def _initial_bias(self, shape, dtype):
        return tf.tile(tf.constant(self.output_bias or (0.0,) * self.outputs[1], dtype), [self.outputs[0]])
