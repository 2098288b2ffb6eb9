"""Fully connected network on any leading axes."""

import keras
import tensorflow as tf

from vae_flows.blocks.configured import Configured
from vae_flows.blocks.gated import GatedDense
from vae_flows.blocks.normalised import built
from vae_flows.blocks.shapes import check_last_axis, integers

__all__ = ["FeatureNet"]


class FeatureNet(Configured, keras.layers.Layer):
    """Dense layers applied in turn.

    h_0 = x;  h_k = activation(W_k h_{k-1} + b_k), or activation(W_k [h_{k-1}, x] + b_k) for k > 1 when `refed`.
    With activation="gated": h_k = (W_k h_{k-1} + b_k) * sigmoid(V_k h_{k-1} + c_k), each hidden layer a `GatedDense`.

    Args:
        features: Size F of the input.
        hidden: Widths of the layers with the activation, in order; may be empty.
        outputs: Width of a last, linear layer; None leaves it out.
        activation: Keras activation of the hidden layers, or "gated".
        refed: Whether the network's input is concatenated to the input of every layer.

    Attributes:
        width: Size H of the output.

    Call:
        x [..., F] -> [..., H]

    Raises:
        ValueError: for widths below 1, for a network without any layer, and for an input of another size.

    Example:
        >>> net = FeatureNet(5, hidden=(8, 8), outputs=3, activation="elu", refed=True)
        >>> net(tf.zeros([4, 2, 5])).shape
        TensorShape([4, 2, 3])
    """

    def __init__(self, features, *, hidden=(500, 500), outputs=None, activation="relu", refed=False, **kwargs):
        super().__init__(**kwargs)
        self.features, self.outputs, self.activation, self.refed = features, outputs, activation, refed
        self.hidden = integers(hidden, name="hidden")
        widths = (*self.hidden, outputs) if outputs is not None else self.hidden
        if not widths:
            raise ValueError(
                "`FeatureNet` needs at least one layer. Received: hidden=(), outputs=None. Set one of them."
            )
        self.width = widths[-1]
        self.parts = [
            self._part(size + features if refed and k else size, width, activation if k < len(self.hidden) else None)
            for k, (size, width) in enumerate(zip((features, *widths), widths, strict=False))
        ]
        self.built = True

    def call(self, x):
        check_last_axis(x, self.features, name="x")
        h = x
        for k, part in enumerate(self.parts):
            h = part(tf.concat([h, x], -1) if self.refed and k else h)
        return h

    def _part(self, size, width, activation):
        if activation == "gated":
            return GatedDense(size, units=width, dtype=self.dtype_policy)
        return built(keras.layers.Dense(width, activation, dtype=self.dtype_policy), (None, size))
