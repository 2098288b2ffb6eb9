"""TFP keeps what a bijector made of a tensor: it is not to give that for another layer's, or for other weights."""

import numpy as np
import pytest
import tensorflow as tf
from registry import FLOWS

STATIC_FLOWS = [name for name, case in FLOWS.items() if "amortised" not in case.properties]


def moved(layer, by):
    for weight in layer.trainable_weights:
        weight.assign(weight + by)
    return layer


@pytest.mark.parametrize("name", STATIC_FLOWS)
def test_two_layers_of_a_class_give_their_own_values_of_a_tensor(name):
    features = FLOWS[name].features or 3
    first, second = (FLOWS[name].build(features, context=0, dtype="float32") for _ in range(2))
    x = tf.random.stateless_uniform([2, features], [0, 1])
    for layer in (moved(first, 0.3), moved(second, 0.7), moved(second, 0.2)):
        same, bijector = tf.identity(x), layer()  # nothing is kept of a new tensor
        np.testing.assert_array_equal(bijector.forward(x), bijector.forward(same))
        kept, new = (bijector.forward_log_det_jacobian(each, event_ndims=1) for each in (x, same))
        np.testing.assert_array_equal(kept, new)
