"""A fully connected decoder near codes, whose Jacobian costs a few products for the whole batch."""

import keras
import tensorflow as tf

__all__ = ["DenseNetwork"]

_NOT_ELEMENTWISE = ("gated", "softmax", "log_softmax", "sparsemax", "glu")


class DenseNetwork:
    """g(z + d) ~ g(z) + J d of fully connected layers, without a derivative by the tape.

    J^T = W_1 S_1 W_2 S_2 ... W_L,  S_k = diag(activation'(W_k h_{k-1} + b_k)) of each image

    Args:
        network: `DenseDecoder` of plain layers.
        z: Codes [B, D].

    Attributes:
        outputs: g(z) [B, H, W, P].
    """

    def __init__(self, network, z):
        *hidden, last = network.net.parts
        self.dtype, self.outer = last.compute_dtype, z.dtype
        self.kernels = [tf.cast(tf.convert_to_tensor(part.kernel), self.dtype) for part in (*hidden, last)]
        self.slopes, h = [], tf.cast(z, self.dtype)
        for part, kernel in zip(hidden, self.kernels, strict=False):
            h, slope = _with_slope(part.activation, tf.matmul(h, kernel) + tf.cast(part.bias, self.dtype))
            self.slopes.append(slope)
        outputs = tf.matmul(h, self.kernels[-1]) + tf.cast(last.bias, self.dtype)
        self.shape = [-1, *network.image_shape[:2], network.outputs]
        self.outputs = tf.cast(tf.reshape(outputs, self.shape), self.outer)

    @staticmethod
    def takes(net):
        """Whether a `FeatureNet` has this structure."""
        return net.activation not in _NOT_ELEMENTWISE and not (net.refed and net.hidden)

    def push(self, d):
        """J d: [B, D] -> [B, H, W, P]."""
        h = tf.cast(d, self.dtype)
        for kernel, slope in zip(self.kernels, self.slopes, strict=False):
            h = tf.matmul(h, kernel) * slope
        return tf.reshape(tf.cast(tf.matmul(h, self.kernels[-1]), self.outer), self.shape)

    def pull(self, r):
        """J^T r: [B, H, W, P] -> [B, D]."""
        last = self.kernels[-1]
        h = tf.matmul(tf.cast(tf.reshape(r, [-1, last.shape[1]]), self.dtype), last, transpose_b=True)
        for kernel, slope in zip(self.kernels[-2::-1], self.slopes[::-1], strict=True):
            h = tf.matmul(h * slope, kernel, transpose_b=True)
        return tf.cast(h, self.outer)

    def jacobian(self):
        """J^T: [B, D, H W P]."""
        return tf.cast(_rows(self._carried(), self.kernels[-1]), self.outer)

    def gram(self, weight):
        """J^T diag(weight) J: weight, broadcast to [B, H, W, P] -> [B, D, D].

        The Jacobian may be rounded, its products with itself are not: a rounded Gram matrix can have negative eigenvalues.
        """
        if weight.shape.rank == 4:
            jacobian = self.jacobian()
            return tf.matmul(jacobian * tf.reshape(weight, [-1, 1, jacobian.shape[2]]), jacobian, transpose_b=True)
        # The same for all images: the products of the last layer are shared.
        last = tf.cast(self.kernels[-1], self.outer)
        weight = tf.reshape(tf.broadcast_to(weight, self.shape[1:]), [1, -1])
        rows = tf.cast(self._carried(), self.outer)
        return tf.matmul(_rows(rows, tf.matmul(last * weight, last, transpose_b=True)), rows, transpose_b=True)

    def _carried(self):
        """The Jacobian up to the last hidden layer, transposed: [B, D, width], or [1, D, D] without one."""
        if not self.slopes:
            return tf.eye(self.kernels[0].shape[0], batch_shape=[1], dtype=self.dtype)
        first, *kernels = self.kernels[:-1]
        rows = first * self.slopes[0][:, None]
        for kernel, slope in zip(kernels, self.slopes[1:], strict=True):
            rows = _rows(rows, kernel) * slope[:, None]
        return rows


def _with_slope(activation, x):
    """activation(x) and its derivative, element by element."""
    if activation is keras.activations.relu:
        return tf.nn.relu(x), tf.cast(x > 0, x.dtype)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = activation(x)
    return y, tape.gradient(y, x)


def _rows(rows, kernel):
    """A matrix from the right, as one product for the batch: [B, D, I], [I, O] -> [B, D, O]."""
    return tf.reshape(tf.matmul(tf.reshape(rows, [-1, rows.shape[-1]]), kernel), [-1, rows.shape[1], kernel.shape[1]])
