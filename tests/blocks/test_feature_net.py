"""Dense layers on any leading axes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from vae_flows.blocks import FeatureNet, GatedDense

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


@pytest.mark.parametrize("refed", [False, True])
def test_gated_hidden_layers_are_a_linear_map_times_the_sigmoid_of_another(refed):
    net = FeatureNet(F, hidden=(5, 3), outputs=2, activation="gated", refed=refed)
    assert [type(part) for part in net.parts] == [GatedDense, GatedDense, keras.layers.Dense]
    x = normal(3, 2, F)
    h = x.numpy()
    for k, part in enumerate(net.parts[:2]):
        part.linear.bias.assign(normal(*part.linear.bias.shape, seed=k))
        inputs = np.concatenate([h, x], -1) if refed and k else h
        linear = inputs @ part.linear.kernel.numpy() + part.linear.bias.numpy()
        value, gate = np.split(linear, 2, -1)
        h = value / (1 + np.exp(-gate))
    h = (np.concatenate([h, x], -1) if refed else h) @ net.parts[2].kernel.numpy()
    np.testing.assert_allclose(net(x), h, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("activation", ["elu", "gated"])
def test_file_gives_back_the_network(activation, tmp_path):
    net = FeatureNet(F, hidden=[5], outputs=2, activation=activation, refed=True)
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
