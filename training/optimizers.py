"""Keras's optimizers, and the seeding of first weights, under names that load with the rest of the package."""

import keras
import tensorflow as tf
from keras.optimizers import SGD, AdamW
from keras.utils import set_random_seed as seed_first_weights

__all__ = ["SGD", "Adam", "AdamW", "rate_at", "seed_first_weights", "stepping"]


def stepping(optimizer):
    """The optimizer itself, or the one within it where it only scales float16's losses."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def rate_at(optimizer, step):
    """The learning rate with which an optimizer takes a step, from 0; where it is no schedule, the present one."""
    optimizer = stepping(optimizer)
    schedule = optimizer._learning_rate
    follows = isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule)
    return float(schedule(step) if follows else optimizer.learning_rate)


@keras.saving.register_keras_serializable(package="vae_flows")
class Adam(keras.optimizers.Adam):
    """Keras's Adam but for rounding, with one operation for each weight in the place of ten: on CPUs in about half the time.

    m += (1 - beta_1) (g - m),  v += (1 - beta_2) (g^2 - v)
    w -= rate sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon)

    Takes Keras's arguments. `global_clipnorm=` bounds the norm of all gradients together before the step; where it is within
    the bound nothing is multiplied.

    Reference: Kingma, Ba. Adam. 2015. arXiv:1412.6980
    """

    def _clip_gradients(self, grads):
        if self.clipnorm or not self.global_clipnorm:
            return super()._clip_gradients(grads)
        norm, most = tf.linalg.global_norm(grads), self.global_clipnorm
        there = [gradient for gradient in grads if gradient is not None]
        shrunk = tf.cond(norm <= most, lambda: there, lambda: tf.clip_by_global_norm(there, most, use_norm=norm)[0])
        shrunk = iter(tf.nest.flatten(shrunk))
        return [None if gradient is None else next(shrunk) for gradient in grads]

    def update_step(self, gradient, variable, learning_rate):
        if self.amsgrad or tf.distribute.has_strategy():
            return super().update_step(gradient, variable, learning_rate)
        dtype, index = variable.dtype, self._get_variable_index(variable)
        beta_1, beta_2 = tf.cast(self.beta_1, dtype), tf.cast(self.beta_2, dtype)
        t = tf.cast(self.iterations + 1, dtype)
        return tf.raw_ops.ResourceApplyAdam(
            var=_handle(variable),
            m=_handle(self._momentums[index]),
            v=_handle(self._velocities[index]),
            beta1_power=beta_1**t,
            beta2_power=beta_2**t,
            lr=tf.cast(learning_rate, dtype),
            beta1=beta_1,
            beta2=beta_2,
            epsilon=tf.cast(self.epsilon, dtype),
            grad=tf.cast(gradient, dtype),
        )


def _handle(variable):
    """What TensorFlow's operations take, of a variable of Keras's or of its own."""
    return (variable if isinstance(variable, tf.Variable) else variable.value).handle
