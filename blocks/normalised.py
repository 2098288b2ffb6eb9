"""Weight normalisation with data-dependent initialisation."""

import keras
import tensorflow as tf

from vae_flows.blocks.configured import Configured
from vae_flows.blocks.data_initialised import DataInitialised

__all__ = ["WeightNormalised", "built"]


class WeightNormalised(DataInitialised, Configured, keras.layers.Layer):
    """A linear layer whose kernel is a direction times a length, for each output j.

    w[j] = scale[j] * v[j] / |v[j]|

    `v` is the layer's own kernel. At first scale = |v|, so wrapping changes nothing; `initialise_from_data` then sets
    scale and bias so that each output has mean 0 and variance 1 over a first batch (and over positions, for images).
    Outputs that do not vary over that batch keep their length; a layer without a bias keeps its mean.

    Args:
        layer: `Dense`, `Conv2D`, `Conv2DTranspose` or `MaskedDense` without an activation, channels last.

    Call:
        what the layer takes -> what the layer returns.

    Raises:
        TypeError: if the layer has no kernel to normalise, or an activation.

    Example:
        >>> conv = WeightNormalised(keras.layers.Conv2D(4, 3, padding="same"))
        >>> conv(tf.zeros([2, 8, 8, 1])).shape
        TensorShape([2, 8, 8, 4])

    Reference: Salimans and Kingma. Weight Normalization. 2016. arXiv:1602.07868
    """

    def __init__(self, layer, **kwargs):
        kwargs.setdefault("dtype", getattr(layer, "dtype_policy", None))
        super().__init__(**kwargs)
        activation = getattr(layer, "activation", keras.activations.linear)
        if not isinstance(layer, keras.layers.Layer) or activation is not keras.activations.linear:
            raise TypeError(
                "`layer` must be a Keras layer with a kernel and without an activation, such as Dense or Conv2D. "
                f"Received: layer={layer}. Apply the activation afterwards."
            )
        self.layer = layer

    def build(self, input_shape):
        if not self.layer.built:
            self.layer.build(input_shape)
        kernel = self.layer.kernel
        outputs_axis = 2 if isinstance(self.layer, keras.layers.Conv2DTranspose) else len(kernel.shape) - 1
        self.axes = tuple(axis for axis in range(len(kernel.shape)) if axis != outputs_axis)
        lengths = [1 if axis in self.axes else size for axis, size in enumerate(kernel.shape)]
        self.scale = self.add_weight(
            name="scale", shape=lengths, initializer=lambda shape, dtype: tf.cast(self._length(), dtype)
        )

    def call(self, inputs):
        if self.awaits_data:
            self.initialise(inputs)
        return self._apply(inputs, tf.cast(self.scale, self.variable_dtype))

    def set_weights_from(self, inputs):
        """Lengths and biases that give each output mean 0 and variance 1 over these inputs."""
        bias = self.layer.bias if getattr(self.layer, "use_bias", True) else None
        if bias is not None:
            bias.assign(tf.zeros_like(bias))
        unit = tf.cast(self._apply(inputs, tf.ones(self.scale.shape, self.variable_dtype)), self.variable_dtype)
        mean, variance = tf.nn.moments(unit, list(range(unit.shape.rank - 1)))  # [outputs] each
        varies = variance > 1e-8
        old = tf.reshape(tf.cast(self.scale, variance.dtype), [-1])
        scale = tf.where(varies, tf.math.rsqrt(tf.where(varies, variance, 1.0)), old)
        self.scale.assign(tf.reshape(scale, self.scale.shape))
        if bias is not None:
            bias.assign(-mean * scale)

    def _apply(self, inputs, scale):
        """The wrapped layer with the kernel scale * v / |v|; `stateless_call` puts it in the place of v."""
        direction = tf.cast(self.layer.kernel, self.variable_dtype) / self._length()

        def values(weights):
            return [scale * direction if weight is self.layer.kernel else weight.value for weight in weights]

        trainable, frozen = self.layer.trainable_variables, self.layer.non_trainable_variables
        return self.layer.stateless_call(values(trainable), values(frozen), inputs)[0]

    def _length(self):
        """|v| of each output; the floor keeps fully masked outputs at zero."""
        squares = tf.square(tf.cast(self.layer.kernel, self.variable_dtype))
        return tf.sqrt(tf.maximum(tf.reduce_sum(squares, self.axes, keepdims=True), 1e-12))


def built(layer, input_shape, *, weight_normalised=False):
    """The layer, wrapped in `WeightNormalised` if asked, with its weights created for this input shape.

    Example:
        >>> built(keras.layers.Dense(3), (None, 2)).built
        True
    """
    layer = WeightNormalised(layer) if weight_normalised else layer
    layer.build(input_shape)
    return layer
