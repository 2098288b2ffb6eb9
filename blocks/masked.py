"""Masked dense layers and the autoregressive network made of them."""

import keras
import tensorflow as tf

from vae_flows.blocks.configured import Configured
from vae_flows.blocks.normalised import built
from vae_flows.blocks.shapes import check_last_axis, integers

__all__ = ["MADE", "MaskedDense", "MaskedResidual"]


class MaskedDense(Configured, keras.layers.Layer):
    """Dense layer in which an output sees only the inputs of no higher degree than its own.

    y[j] = bias[j] + sum over i with input_degrees[i] <= output_degrees[j] of x[i] * kernel[i, j]

    The kernel starts normal with standard deviation gain / sqrt(number of inputs seen), masked entries at zero.

    Args:
        input_degrees: Integers, one for each input.
        output_degrees: Integers, one for each output.
        gain: Standard deviation of an output at the start, for inputs of variance 1.
        initial_bias: First values of the bias, one for each output; empty for zeros.

    Call:
        x [..., inputs] -> [..., outputs]

    Example:
        >>> dense = MaskedDense((1, 2), output_degrees=(0, 1, 2))
        >>> tf.cast(dense.mask(), tf.int32).numpy().tolist()
        [[0, 1, 1], [0, 0, 1]]
    """

    def __init__(self, input_degrees, *, output_degrees, gain=1.0, initial_bias=(), **kwargs):
        super().__init__(**kwargs)
        self.input_degrees = integers(input_degrees, name="input_degrees", least=0)
        self.output_degrees = integers(output_degrees, name="output_degrees", least=0)
        self.gain, self.initial_bias = gain, tuple(float(value) for value in initial_bias)
        inputs, outputs = len(self.input_degrees), len(self.output_degrees)
        if len(self.initial_bias) not in (0, outputs):
            raise ValueError(
                f"`initial_bias` must hold one value for each output. Expected: {outputs} values, or none for zeros. "
                f"Received: {len(self.initial_bias)}."
            )
        self.kernel = self.add_weight(name="kernel", shape=(inputs, outputs), initializer=self._initial_kernel)
        self.bias = self.add_weight(name="bias", shape=(outputs,), initializer=self._initial_bias)
        self.built = True

    def mask(self):
        """Which input reaches which output, bool [inputs, outputs]; a comparison, so that graphs stay small."""
        return tf.constant(self.input_degrees)[:, None] <= tf.constant(self.output_degrees)

    def call(self, x):
        kernel = tf.convert_to_tensor(self.kernel)
        return keras.ops.matmul(x, kernel * tf.cast(self.mask(), kernel.dtype)) + self.bias

    def _initial_kernel(self, shape, dtype):
        mask = tf.cast(self.mask(), dtype)
        seen = tf.maximum(tf.reduce_sum(mask, 0), 1)  # [outputs]
        return keras.initializers.RandomNormal(stddev=self.gain)(shape, dtype) * mask / tf.sqrt(seen)

    def _initial_bias(self, shape, dtype):
        return tf.constant(self.initial_bias or 0.0, dtype, shape)


class MaskedResidual(Configured, keras.layers.Layer):
    """Residual block of two masked layers; an output sees the inputs of no higher degree.

    y = x + masked(activation(masked(activation(x))))

    The second layer starts small (standard deviation 0.01), so the block starts near the identity.

    Args:
        degrees: Integers, one for each unit.
        activation: Keras activation.

    Call:
        x [..., units] -> [..., units]

    Example:
        >>> MaskedResidual((0, 1, 2))(tf.zeros([2, 3])).shape
        TensorShape([2, 3])

    Reference: Nash, Durkan. Autoregressive Energy Machines. 2019. arXiv:1904.05626
    """

    def __init__(self, degrees, *, activation="elu", **kwargs):
        super().__init__(**kwargs)
        self.degrees, self.activation = integers(degrees, name="degrees", least=0), activation
        self._activate = keras.activations.get(activation)
        self.first = MaskedDense(self.degrees, output_degrees=self.degrees, dtype=self.dtype_policy)
        self.second = MaskedDense(self.degrees, output_degrees=self.degrees, gain=0.01, dtype=self.dtype_policy)
        self.built = True

    def call(self, x):
        return x + self.second(self._activate(self.first(self._activate(x))))


class MADE(Configured, keras.layers.Layer):
    """Masked autoregressive network: all parameters of D one-dimensional conditionals in one pass.

    y[i, :] = f_i(x[0], ..., x[i - 1], context)

    Every hidden unit has a degree, the number of leading features it may see; degrees are spread evenly and in order.
    With a context the lowest degree is 0, so that y[0] depends on the context through every layer. The last layer
    starts small (standard deviation 0.01), so y starts near `output_bias`.

    Args:
        features: Size D of x.
        outputs: Values for each feature, such as 2 for a shift and a scale.
        hidden: Widths of the hidden layers; empty for a linear network. Each must be at least D - 1, or D with a
            context, for every dependency to be possible.
        context: Size C of the context; 0 for none.
        context_after_activation: Adds the context, as it is, to the activated first hidden layer: C must be its width,
            and y[i] sees those entries that were added to units of degree up to i. Otherwise the context enters before
            the activation through a linear map of its own, and every y[i] sees all of it.
        residual_blocks: Number of `MaskedResidual` blocks between the hidden layers and the last one.
        activation: Keras activation of the hidden layers.
        output_bias: First bias of each of the `outputs` values; empty for zeros.
        weight_normalised: Whether the hidden layers have weight normalisation, to be set by `initialise_from_data`.

    Call:
        x [..., D], context [..., C] or None -> [..., D, outputs]. The leading axes of x and context are broadcast: for
        x [K, B, D] and context [B, C] the context's map runs once for each of B.

    Raises:
        ValueError: for a hidden layer too narrow, a context that does not fit, and inputs of another size.

    Example:
        >>> made = MADE(3, outputs=2, hidden=(16, 16), context=5, output_bias=(0.0, 2.0))
        >>> made(tf.zeros([7, 4, 3]), tf.ones([4, 5])).shape
        TensorShape([7, 4, 3, 2])

    Reference: Germain et al. MADE: Masked Autoencoder for Distribution Estimation. 2015. arXiv:1502.03509
    Reference: van den Berg et al. Sylvester Normalizing Flows. 2018. arXiv:1803.05649 (context after the activation)
    Differs from the paper: degrees are not drawn at random, and no connections lead from x directly to y.
    """

    def __init__(
        self,
        features,
        *,
        outputs=2,
        hidden=(320, 320),
        context=0,
        context_after_activation=False,
        residual_blocks=0,
        activation="elu",
        output_bias=(),
        weight_normalised=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.features, self.outputs, self.context = features, outputs, context
        self.hidden = integers(hidden, name="hidden")
        self.context_after_activation = context_after_activation
        self.residual_blocks = residual_blocks
        self.activation, self.output_bias = activation, tuple(output_bias)
        self.weight_normalised = weight_normalised
        self._check_arguments()
        self._activate = keras.activations.get(activation)
        degrees = self._degrees()
        self.parts = [self._masked(degrees[k], degrees[k + 1]) for k in range(len(self.hidden))]
        self.blocks = [
            MaskedResidual(degrees[-2], activation=activation, dtype=self.dtype_policy) for _ in range(residual_blocks)
        ]
        self.parts.append(self._last(degrees[-2], degrees[-1]))
        if context and not context_after_activation:
            self.context_map = self._context_map(len(degrees[1]))
        self.built = True

    def call(self, x, context=None):
        self._check_inputs(x, context)
        after = self.context_after_activation
        h = self.parts[0](x)
        if self.context and not after:
            h += self.context_map(context)  # [..., B, H], once for each context
        for k, part in enumerate(self.parts[1:]):
            if k == len(self.parts) - 2:
                for block in self.blocks:
                    h = block(h)
            h = self._activate(h)
            h = part(h + context if after and k == 0 else h)
        return keras.ops.reshape(h, (*keras.ops.shape(h)[:-1], self.features, self.outputs))

    def _degrees(self):
        """Degrees of x, of each hidden layer, and of the flattened outputs."""
        lowest = 0 if self.context or self.features == 1 else 1
        levels = self.features - lowest  # hidden units see lowest .. D - 1 leading features
        hidden = [tuple(lowest + unit * levels // width for unit in range(width)) for width in self.hidden]
        outputs = tuple(i for i in range(self.features) for _ in range(self.outputs))
        return [tuple(range(1, self.features + 1)), *hidden, outputs]

    def _masked(self, inputs, outputs):
        layer = MaskedDense(inputs, output_degrees=outputs, dtype=self.dtype_policy)
        return built(layer, (None, len(inputs)), weight_normalised=self.weight_normalised)

    def _last(self, inputs, outputs):
        bias = self.output_bias * self.features
        return MaskedDense(inputs, output_degrees=outputs, gain=0.01, initial_bias=bias, dtype=self.dtype_policy)

    def _context_map(self, width):
        """Linear map of the context, beside the first layer (which has the bias)."""
        variance = 1.0 if self.hidden else 1e-4
        initializer = keras.initializers.VarianceScaling(variance, "fan_in", "truncated_normal")
        layer = keras.layers.Dense(width, use_bias=False, kernel_initializer=initializer, dtype=self.dtype_policy)
        return built(layer, (None, self.context), weight_normalised=self.weight_normalised and bool(self.hidden))

    def _check_arguments(self):
        integers((self.features, self.outputs), name="features, outputs")
        integers((self.context, self.residual_blocks), name="context, residual_blocks", least=0)
        least = self.features if self.context else self.features - 1
        if any(width < least for width in self.hidden):
            raise ValueError(
                f"Each width in `hidden` must be at least {least}, or some features could not depend on others: "
                f"features={self.features}, context={self.context}. Received: hidden={self.hidden}. Widen the layers, "
                "or use hidden=() for a linear network."
            )
        if self.context_after_activation and self.hidden[:1] != (self.context,):
            raise ValueError(
                "With `context_after_activation` the context is added to the first hidden layer and must be as wide. "
                f"Received: context={self.context}, hidden={self.hidden}. Change one, or let the context enter before."
            )
        if self.residual_blocks and (not self.hidden or (self.context_after_activation and len(self.hidden) == 1)):
            raise ValueError(
                "`residual_blocks` follow a hidden layer whose input is complete. Received: residual_blocks="
                f"{self.residual_blocks}, hidden={self.hidden}, context_after_activation="
                f"{self.context_after_activation}. Add a hidden layer."
            )
        if len(self.output_bias) not in (0, self.outputs):
            raise ValueError(
                "`output_bias` must hold one value for each of the outputs of a feature. "
                f"Expected: {self.outputs} values, or none for zeros. Received: output_bias={self.output_bias}."
            )

    def _check_inputs(self, x, context):
        check_last_axis(x, self.features, name="x")
        if (context is None) != (self.context == 0):
            problem = "is required" if context is None else "is not expected"
            raise ValueError(
                f"`context` {problem}: this network was built with context={self.context}. "
                f"Received: {'context=None' if context is None else f'shape={tuple(context.shape)}'}."
            )
        if context is not None:
            check_last_axis(context, self.context, name="context")
