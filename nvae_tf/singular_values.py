"""The largest singular values of many kernels, by power iteration on all of one shape at once."""

import collections

import keras
import tensorflow as tf

from vae_flows.nvae_tf.convolutions import weight_normalised

__all__ = ["SingularValues"]


@keras.saving.register_keras_serializable(package="vae_flows")
class SingularValues(keras.layers.Layer):
    """Largest singular value of the kernel of each convolution as a matrix W [h * w * inputs, outputs].

    u <- W^T v / |W^T v|,  v = W u / |W u|,  repeatedly;  sigma = |W u|, whose gradient at a fixed u is v u^T

    The vectors u are kept between steps, so that a few iterations follow the weights. The kernel of a depthwise convolution
    is a matrix [h * w, 1] for each channel, whose singular value is its length: no iteration is needed.

    Args:
        convolutions: Built layers of `convolutions.py`, which belong to another layer.
    """

    def __init__(self, convolutions, **kwargs):
        super().__init__(autocast=False, **kwargs)
        by_shape = collections.defaultdict(list)
        for layer in convolutions:
            if not layer.depthwise:
                by_shape[*layer.matrix().shape, layer.log_scale is None].append(layer)
        # Functions and plain objects: the layers must not be tracked here once more.
        self.depthwise = tuple(layer.matrix for layer in convolutions if layer.depthwise)
        self.groups = tuple(_Kernels(layers) for layers in by_shape.values())
        normal = [keras.initializers.RandomNormal(stddev=group.shape[-1] ** -0.5) for group in self.groups]  # |u| ~ 1
        self.vectors = [
            self.add_weight(shape=group.shape, initializer=start, trainable=False, name="vectors", autocast=False)
            for group, start in zip(self.groups, normal, strict=True)
        ]
        self.built = True

    def refresh(self, iterations):
        """Power iteration, so many times, on all kernels; keeps the vectors."""
        matrices = [tf.stop_gradient(group.matrices()) for group in self.groups]

        def iterate(i, *vectors):
            return i + 1, *map(_iterated, matrices, vectors)

        start = (tf.constant(0), *map(tf.convert_to_tensor, self.vectors))
        _, *vectors = tf.while_loop(lambda i, *_: i < iterations, iterate, start, parallel_iterations=1)
        for kept, vector in zip(self.vectors, vectors, strict=True):
            kept.assign(vector)

    def values(self):
        """Singular value of each convolution by the vectors as they are, and of depthwise ones the largest channel's: [N]."""
        pairs = zip(self.groups, self.vectors, strict=True)
        dense = [_length(tf.linalg.matvec(group.matrices(), tf.convert_to_tensor(u))) for group, u in pairs]
        return tf.concat([*dense, [tf.reduce_max(_length(matrix(), 0)) for matrix in self.depthwise]], 0)

    def divide(self, convolutions):
        """Lets the kernels of the convolutions be divided by their singular values, depthwise ones channel by channel."""
        groups = zip(self.groups, self.vectors, strict=True)
        places = {id(layer): (vectors, i) for group, vectors in groups for i, layer in enumerate(group.layers)}
        for layer in convolutions:
            layer.divisor = _channel_lengths if layer.depthwise else _by(*places[id(layer)])


class _Kernels:
    """Convolutions whose matrices have one shape."""

    def __init__(self, layers):
        self.layers = layers
        self.shape = (len(layers), layers[0].matrix().shape[-1])

    def matrices(self):
        """[K, h * w * inputs, outputs]."""
        raw = tf.stack([layer.raw_matrix() for layer in self.layers])
        if self.layers[0].log_scale is None:
            return raw
        return weight_normalised(raw, tf.stack([tf.convert_to_tensor(layer.log_scale) for layer in self.layers]))


def _iterated(matrices, vectors):
    left = tf.linalg.l2_normalize(tf.linalg.matvec(matrices, vectors), -1)
    return tf.linalg.l2_normalize(tf.linalg.matvec(matrices, left, transpose_a=True), -1)


def _length(vectors, axis=-1):
    return tf.sqrt(tf.reduce_sum(tf.square(vectors), axis) + 1e-12)


def _channel_lengths(matrix):
    return _length(matrix, 0)


def _by(vectors, place):
    return lambda matrix: _length(tf.linalg.matvec(matrix, tf.convert_to_tensor(vectors)[place]))
