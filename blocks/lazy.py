"""Layers that own weights and return a probability object for one context."""

import keras
import tensorflow as tf

from vae_flows.blocks.configured import Configured

__all__ = ["Lazy"]


class Lazy(Configured, keras.layers.Layer):
    """Abstract layer whose call, given a context, returns a TFP object that lives for that call.

    Keras owns every weight; the returned distribution or bijector is built from them afresh. Subclasses write
    `given(context)`; whether a context must come, and how wide it is, is checked here once.

    Densities are computed in the variables' precision: float32 under a mixed-precision policy.

    Args:
        context: Size C of the conditioning vector; 0 makes the object static.

    Call:
        context [..., C], or None where C = 0 -> a TFP object.

    Raises:
        ValueError: if a context is missing, unexpected, or not C wide; and for weights of less than float32.
    """

    def __init__(self, *, context=0, dtype=None, **kwargs):
        policy = keras.config.dtype_policy() if dtype is None else keras.dtype_policies.get(dtype)
        super().__init__(dtype=policy.variable_dtype, **kwargs)
        if self.variable_dtype not in ("float32", "float64"):
            raise ValueError(
                f"Densities need at least float32. Expected: dtype float32 or float64. Received: {self.variable_dtype}. "
                'For half precision in the networks alone use `keras.config.set_dtype_policy("mixed_bfloat16")`.'
            )
        if context < 0:
            raise ValueError(f"`context` must be 0 (static) or a positive size. Received: context={context}.")
        self.context = context

    def given(self, context):
        """The TFP object for this context."""
        raise NotImplementedError

    def call(self, context=None):
        self.check_context(context)
        return self.given(context)

    def check_context(self, context):
        """Refuses a context that the constructor did not announce."""
        name = type(self).__name__
        if self.context and context is None:
            raise ValueError(
                f"`context` is required: this {name} was built with context={self.context}. Received: context=None."
            )
        if not self.context and context is not None:
            raise ValueError(
                f"`context` is unexpected: this {name} was built with context=0 (static). Received: a context of shape "
                f"{tuple(context.shape)}. Build it with context={context.shape[-1]}, or call it without."
            )
        if self.context and context.shape[-1] != self.context:
            raise ValueError(
                f"`context` must end in {self.context} features, as this {name} was built with. Received: shape "
                f"{tuple(context.shape)}."
            )

    def weight(self, value, *, name, trainable=True):
        """A weight of this layer that starts at the given array."""
        value = tf.convert_to_tensor(value)
        return self.add_weight(
            shape=tuple(value.shape),
            initializer=lambda shape, dtype: tf.cast(value, dtype),
            name=name,
            trainable=trainable,
        )
