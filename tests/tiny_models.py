"""The smallest members of two families: a refined posterior, and a model whose log p(x) is known."""

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from vae_flows.latent_models import ExactModel, Refiner, as_seed


class GradientSteps(Refiner):
    """Moves the mean of a Gaussian up the gradient of log p(x, z), `steps` times."""

    def __init__(self, steps=2, rate=0.05):
        self.steps, self.rate = steps, rate

    def parameters(self, q0, x, decoder, prior, *, training=False):
        return self._means(q0, x, decoder, prior, training)[-1], q0.stddev()

    def law(self, parameters):
        return tfp.distributions.MultivariateNormalDiag(*parameters)

    def path(self, q0, x, decoder, prior):
        return [self.law((mean, q0.stddev())) for mean in self._means(q0, x, decoder, prior, False)]

    def _means(self, q0, x, decoder, prior, training):
        means = [q0.mean()]
        for _ in range(self.steps):
            with tf.GradientTape() as tape:
                tape.watch(means[-1])
                joint = decoder(means[-1], training=training).log_prob(x) + prior.log_prob(means[-1])
            means.append(means[-1] + self.rate * tape.gradient(joint, means[-1]))
        return means


class BernoulliMixture(ExactModel):
    """p(x) = sum_k w_k prod_i Bernoulli(x_i; p_ki); an image's code is log p(k | x)."""

    def __init__(self, image_shape, *, components=3, seed=0, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.shape, self.components = tuple(image_shape), components
        self.weights_logits = self.add_weight(shape=(components,), initializer="zeros", name="weights_logits")
        start = keras.initializers.RandomNormal(0.5, seed=1)
        self.logits = self.add_weight(shape=(components, *image_shape), initializer=start, name="logits")
        self.built = True

    image_shape = property(lambda self: self.shape)
    pixel_levels = property(lambda self: 2)
    latent_features = property(lambda self: self.components)

    def _joint(self, x):
        logits = tf.convert_to_tensor(self.logits)
        pixels = self.check_images(x)[:, None] * logits - tf.nn.softplus(logits)  # [B, components, H, W, C]
        return tf.nn.log_softmax(self.weights_logits) + tf.reduce_sum(pixels, [2, 3, 4])  # [B, components]

    def log_prob(self, x, *, training=False):
        return tf.reduce_logsumexp(self._joint(x), -1)

    def encode(self, x):
        return tf.nn.log_softmax(self._joint(x))

    def decode(self, z):
        pictures = tf.sigmoid(tf.convert_to_tensor(self.logits))
        return tf.tensordot(tf.nn.softmax(tf.cast(z, pictures.dtype)), pictures, 1)

    def reconstruct(self, x, seed=None):
        return self.decode(self.encode(x))

    def sample(self, count, seed=None, temperature=1.0):
        noise = tf.random.stateless_normal([count, self.components], as_seed(seed), dtype=self.variable_dtype)
        return self.decode(self.weights_logits + 3.0 * temperature * noise)
