"""Methods whose many small steps are slow one by one."""

import functools

import tensorflow as tf

__all__ = ["in_graph"]


def in_graph(method):
    """Decorates a method of a model, of tensors [..., D] alone: called eagerly, it runs as a graph that the model keeps.

    An autoregressive flow takes a pass of its network for each feature to invert; run step by step these take many times
    as long. There is a graph for each number of leading axes, for any sizes of them.
    """
    kept = f"_{method.__name__}_in_graph"

    @functools.wraps(method)
    def call(self, *tensors):
        if not tf.executing_eagerly():
            return method(self, *tensors)
        specs = tuple(tf.TensorSpec([*[None] * (each.shape.rank - 1), each.shape[-1]], each.dtype) for each in tensors)
        graphs = self.__dict__.setdefault(kept, {})  # past Keras, which would look for weights in it
        if specs not in graphs:
            graphs[specs] = tf.function(functools.partial(method, self), input_signature=specs, autograph=False)
        return graphs[specs](*tensors)

    return call
