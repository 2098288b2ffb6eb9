"""Adamax on all weights as one vector."""

import keras
import tensorflow as tf

__all__ = ["Adamax"]


@keras.saving.register_keras_serializable(package="vae_flows")
class Adamax(keras.optimizers.Optimizer):
    """Adam with the largest gradient of the past in the place of their root mean square.

    g <- g + l2 * w;  m <- b1 m + (1 - b1) g;  u <- max(b2 u, |g| + epsilon);  w <- w - rate / (1 - b1^step) * m / u

    The L2 penalty is part of the gradient, as in PyTorch and NVAE's code; `weight_decay` would act beside it. The moments
    of all weights stand in two vectors, which makes a step of a network with hundreds of small weights several times
    cheaper, and its graph less than half as large. Weights without a gradient stay as they are.

    Args:
        learning_rate: Number or schedule.
        beta_1, beta_2: Decay of the mean and of the largest gradient.
        epsilon: Least |g| that counts.
        l2: Factor of the weights in the gradient.
        options: What every Keras optimizer takes: `clipnorm`, `global_clipnorm`, `use_ema`, ...; the averages' momentum
            grows to `ema_momentum`, as t / (9 + t).

    Example:
        >>> Adamax(1e-2, epsilon=1e-3, l2=3e-4).get_config()["l2"]
        0.0003

    Reference: Kingma, Ba. Adam: A Method for Stochastic Optimization. 2015. arXiv:1412.6980 (section 7.1)
    """

    def __init__(self, learning_rate=2e-3, *, beta_1=0.9, beta_2=0.999, epsilon=1e-8, l2=0.0, **options):
        super().__init__(learning_rate=learning_rate, **options)
        self.beta_1, self.beta_2, self.epsilon, self.l2 = beta_1, beta_2, epsilon, l2

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._sizes = [variable.shape.num_elements() for variable in map(_native, variables)]
        given = {"shape": (sum(self._sizes),), "dtype": variables[0].dtype}
        self._mean, self._largest = (self.add_variable(**given, name=name) for name in ("mean", "largest"))

    def get_config(self):
        own = {name: getattr(self, name) for name in ("beta_1", "beta_2", "epsilon", "l2")}
        return {**super().get_config(), **own}

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        variables = [_native(variable) for variable in trainable_variables]
        pairs = self._all_reduce_sum_gradients(list(zip(grads, variables, strict=True)))
        places = [self._get_variable_index(variable) for variable in trainable_variables]
        tf.__internal__.distribute.interim.maybe_merge_call(
            self._on_every_device, self._distribution_strategy, pairs, places, learning_rate
        )

    def _update_model_variables_moving_average(self, trainable_variables):
        """Averages of all weights so far, at first of the last tenth or so: momentum min(ema_momentum, t / (9 + t)).

        With Keras's constant one the averages of a training of few epochs lie far behind the weights, where batch norms
        have other statistics.
        """
        rest = tf.maximum(1.0 - self.ema_momentum, 9.0 / (9.0 + tf.cast(self.iterations.value, tf.float32)))
        for variable, average in zip(trainable_variables, self._model_variables_moving_average, strict=True):
            old = tf.convert_to_tensor(average)
            average.assign(old + tf.cast(rest, old.dtype) * (variable - old))

    def _on_every_device(self, strategy, pairs, places, learning_rate):
        grads, variables = zip(*pairs, strict=True)
        arguments = (self._largest.value, self.iterations.value, places, variables, grads, learning_rate)
        strategy.extended.update(self._mean.value, self._update, args=arguments, group=False)

    def _update(self, mean, largest, iterations, places, variables, grads, learning_rate):
        gradient = self._joined(grads, places)
        if self.l2:
            gradient += self.l2 * self._joined(variables, places)
        new_mean = self.beta_1 * mean + (1.0 - self.beta_1) * gradient
        new_largest = tf.maximum(self.beta_2 * largest, tf.abs(gradient) + self.epsilon)
        beta, step = tf.cast(self.beta_1, mean.dtype), tf.cast(iterations + 1, mean.dtype)
        rate = tf.cast(learning_rate, mean.dtype) / (1.0 - tf.pow(beta, step))
        change = tf.split(rate * new_mean / new_largest, self._sizes)
        mean.assign(new_mean)
        largest.assign(new_largest)
        for variable, place in zip(variables, places, strict=True):
            variable.assign_sub(tf.reshape(change[place], variable.shape))

    def _joined(self, tensors, places):
        """Those of all weights as one vector, with zeros where a weight has none."""
        given = dict(zip(places, tensors, strict=True))
        parts = [given[i] if i in given else tf.zeros([size], tensors[0].dtype) for i, size in enumerate(self._sizes)]
        return tf.concat([tf.reshape(part, [-1]) for part in parts], 0)


def _native(variable):
    return variable.value if isinstance(variable, keras.Variable) else variable
