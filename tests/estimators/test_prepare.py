"""What is found out about images before any noise is drawn is found out once, and by all estimators alike."""

import numpy as np
import pytest
import tensorflow as tf
from linear_gaussian import LinearGaussian

from vae_flows.estimators import BidirectionalMonteCarlo, HamiltonianAIS, ImportanceSampling, linear_schedule

MODEL = LinearGaussian(features=3, pixels=5, seed=2)
X, Z = MODEL.simulate(4)
SEED = [0, 1]


class Counting:
    """A map of images that tells how many it has seen."""

    def __init__(self):
        self.seen = 0

    def __call__(self, x):
        def count(x):
            self.seen += len(x)
            return x

        return tf.ensure_shape(tf.numpy_function(count, [x], x.dtype), x.shape)


def annealing(x, same):
    return MODEL.annealing("base")(same)


@pytest.mark.parametrize("name", ["importance", "hais", "bidirectional"])
def test_is_computed_once_for_each_image_and_changes_nothing(name):
    def estimators(prepare):
        options = {} if prepare is None else {"prepare": prepare}
        target = MODEL.annealing("base") if prepare is None else annealing
        hais = HamiltonianAIS(target, schedule=linear_schedule(30), chains=6, chunk=4, leapfrogs=2, **options)
        weight = MODEL.log_weight("base")
        log_weight = weight if prepare is None else lambda x, noise, same: weight(same, noise)
        return {
            "importance": ImportanceSampling(log_weight, features=3, samples=200, chunk=16, **options),
            "hais": hais,
            "bidirectional": BidirectionalMonteCarlo(hais),
        }[name]

    arguments = (X, MODEL.noise(X, Z, "base")) if name == "bidirectional" else (X,)
    counting = Counting()
    found, plain = estimators(counting)(*arguments, seed=SEED), estimators(None)(*arguments, seed=SEED)
    assert counting.seen == len(X)
    found, plain = (each.lower if name == "bidirectional" else each for each in (found, plain))
    np.testing.assert_array_equal(found.values, plain.values)
