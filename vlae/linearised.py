"""A decoder network near codes: its output, and products with its Jacobian."""

import tensorflow as tf

from vae_flows.decoders.dense import DenseDecoder
from vae_flows.vlae.dense_network import DenseNetwork

__all__ = ["AnyNetwork", "linearised"]


def linearised(network, z, *, training=False):
    """The network near codes, by the way that is fastest for its structure.

    Args:
        network: Decoder: z [B, D] -> [B, H, W, P].
        z: Codes [B, D].
        training: Whether the network is in training.

    Example:
        >>> near = linearised(DenseDecoder(2, image_shape=(4, 4, 1), outputs=1), tf.zeros([3, 2]))
        >>> near.jacobian().shape
        TensorShape([3, 2, 16])
    """
    if isinstance(network, DenseDecoder) and DenseNetwork.takes(network.net):
        return DenseNetwork(network, z)
    return AnyNetwork(network, z, training=training)


class AnyNetwork:
    """g(z + d) ~ g(z) + J d for any network, by automatic differentiation.

    J^T r is one backward pass. J d is the derivative of that pass, which is linear in r: forward mode, for whatever
    TensorFlow can differentiate twice. The Jacobian is one such pass for each latent feature, of all images together, in the
    memory of one.

    Args:
        network: (z [B, D], training=) -> [B, *outputs], a layer or a function.
        z: Codes [B, D].
        training: Whether the network is in training.

    Attributes:
        outputs: g(z) [B, *outputs].
    """

    def __init__(self, network, z, *, training=False):
        self.z = z
        with tf.GradientTape(persistent=True) as self.backward:
            self.backward.watch(z)
            outputs = network(z, training=training)
            self.outputs = tf.cast(outputs, z.dtype)
        self.zeros = tf.zeros_like(self.outputs)
        with tf.GradientTape(persistent=True) as self.forward:
            self.forward.watch(self.zeros)
            self.pulled = self.pull(self.zeros)

    def push(self, d):
        """J d: [B, D] -> [B, *outputs]."""
        return self.forward.gradient(self.pulled, self.zeros, output_gradients=d)

    def pull(self, r):
        """J^T r: [B, *outputs] -> [B, D]."""
        return self.backward.gradient(self.outputs, self.z, output_gradients=r)

    def jacobian(self):
        """J^T: [B, D, size of the outputs]."""
        features = self.z.shape[-1]

        def column(unit):
            return self.push(tf.broadcast_to(unit, tf.shape(self.z)))

        units = tf.eye(features, dtype=self.z.dtype)
        columns = tf.map_fn(column, units, parallel_iterations=1)  # [D, B, *outputs]
        size = tf.reduce_prod(tf.shape(self.outputs)[1:])
        return tf.transpose(tf.reshape(columns, [features, -1, size]), [1, 0, 2])

    def gram(self, weight):
        """J^T diag(weight) J: weight, broadcast to the outputs -> [B, D, D]."""
        jacobian = self.jacobian()
        weight = tf.reshape(tf.broadcast_to(weight, tf.shape(self.outputs)), [-1, 1, tf.shape(jacobian)[2]])
        return tf.matmul(jacobian * weight, jacobian, transpose_b=True)
