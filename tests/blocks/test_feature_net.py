"""Dense layers on any leading axes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from blocks import FeatureNet

F = 4


def normal(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).standard_normal(shape), "float32")


@pytest.mark.parametrize("refed", [False, True])
@pytest.mark.parametrize(("hidden", "outputs"), [((5, 3), None), ((5,), 2), ((), 3)])
def test_equals_the_formula_on_any_leading_axes(hidden, outputs, refed):
    net = FeatureNet(F, hidden=hidden, outputs=outputs, activation="tanh", refed=refed)
    x = normal(3, 2, F)
    h = x.numpy()
    for k, part in enumerate(net.parts):
        inputs = np.concatenate([h, x], -1) if refed and k else h
        h = inputs @ part.kernel.numpy() + part.bias.numpy()
        h = np.tanh(h) if k < len(hidden) else h
    np.testing.assert_allclose(net(x), h, rtol=1e-4, atol=1e-5)
    assert net.width == h.shape[-1]


def test_file_gives_back_the_network(tmp_path):
    net = FeatureNet(F, hidden=[5], outputs=2, activation="elu", refed=True)
    inputs = keras.Input((F,))
    keras.Model(inputs, net(inputs)).save(tmp_path / "net.keras")
    x = normal(3, F)
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "net.keras")(x), net(x))


def test_impossible_networks_and_inputs_are_refused():
    with pytest.raises(ValueError, match="at least one layer"):
        FeatureNet(F, hidden=())
    with pytest.raises(TypeError, match="sequence of integers.*hidden=8"):
        FeatureNet(F, hidden=8)
    with pytest.raises(ValueError, match="Expected: 4.*7"):
        FeatureNet(F)(tf.zeros([2, 7]))
