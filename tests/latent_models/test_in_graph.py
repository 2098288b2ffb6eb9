import numpy as np
import registry
import tensorflow as tf

from vae_flows.latent_models.in_graph import in_graph


class Counting:
    """A model that counts how often its method is traced."""

    def __init__(self):
        self.traced, self.weight = 0, tf.Variable(2.0)

    @in_graph
    def scaled(self, a, b):
        self.traced += 1
        return self.weight * tf.reduce_sum(a, -1, keepdims=True) + b


def test_a_graph_serves_any_sizes_and_each_model_has_its_own():
    models = Counting(), Counting()
    models[1].weight.assign(3.0)
    for lead in ([4], [5], [0], [7, 2], [3, 4]):
        a, b = tf.ones([*lead, 3]), tf.ones([*lead, 1])
        for model, expected in zip(models, (7.0, 10.0), strict=True):
            np.testing.assert_array_equal(model.scaled(a, b), np.full([*lead, 1], expected))
    assert [model.traced for model in models] == [2, 2]  # one axis in front, and two
    models[0].weight.assign(5.0)
    np.testing.assert_array_equal(models[0].scaled(a, b), np.full([*lead, 1], 16.0))
    tf.function(models[0].scaled)(a, b)
    assert models[0].traced == 3  # part of the graph around it


def test_gradients_go_through_it():
    model = registry.MODELS["AutoencodingFlow"].build()
    z0, d = (tf.random.stateless_normal([3, size], [0, size]) for size in (3, 33))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(z0)
        sums = tf.reduce_sum(model.from_noise(z0, d)), tf.reduce_sum(tf.function(model.from_noise)(z0, d))
    weights = [z0, *model.trainable_weights]
    for ours, whole in zip(*(tape.gradient(each, weights) for each in sums), strict=True):
        np.testing.assert_allclose(ours, whole, rtol=1e-4, atol=1e-6)
