import keras
import numpy as np
import pytest
import tensorflow as tf

from vae_flows.latent_models import LogLinear
from vae_flows.nvae_tf import SpectralNormalisation, SpectralRegularisation
from vae_flows.nvae_tf.batch_norm import BatchNorm
from vae_flows.nvae_tf.convolutions import Convolution, DepthwiseConvolution, MaskedConvolution
from vae_flows.nvae_tf.singular_values import SingularValues


def layers():
    keras.utils.set_random_seed(0)
    return [
        Convolution(3, filters=8, kernel_size=3),
        Convolution(3, filters=8, kernel_size=3),
        Convolution(8, filters=4, normalised=False),
        MaskedConvolution(2, channels=2, filters=4, kernel_size=3, strict=True),
        DepthwiseConvolution(6),
    ]


def by_svd(layer):
    """The effective kernel's singular value, read off the layer's own response to unit images."""
    size = layer.kernel.shape[0]
    channels = layer.kernel.shape[2]
    units = np.eye(size * size * channels, dtype=np.float32).reshape(-1, size, size, channels)
    response = layer(tf.constant(units))[:, size // 2, size // 2]
    response -= 0.0 if layer.bias is None else layer.bias
    return np.linalg.svd(response.numpy(), compute_uv=False)[0]


def test_singular_values_are_numpy_s_after_the_first_step():
    convolutions = layers()
    values = SingularValues(convolutions)
    assert [tuple(vectors.shape) for vectors in values.vectors] == [(2, 8), (1, 4), (1, 4)]
    values.refresh(40)
    np.testing.assert_allclose(values.values(), [by_svd(layer) for layer in convolutions], rtol=0.01)
    for layer in convolutions:  # weights move a little, four iterations follow
        layer.kernel.assign_add(0.02 * tf.random.stateless_normal(layer.kernel.shape, [1, 2]))
    values.refresh(4)
    np.testing.assert_allclose(values.values(), [by_svd(layer) for layer in convolutions], rtol=0.01)


def test_the_gradient_of_singular_values_is_autodiff_s_of_the_svd():
    convolutions = layers()
    values = SingularValues(convolutions)
    values.refresh(1000)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(values.values()[:3])
    ours = tape.gradient(total, [layer.kernel.value for layer in convolutions[:3]])
    with tf.GradientTape() as tape:
        total = sum(tf.linalg.svd(layer.matrix(), compute_uv=True)[0][0] for layer in convolutions[:3])
    exact = tape.gradient(total, [layer.kernel.value for layer in convolutions[:3]])
    for one, other in zip(ours, exact, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


def test_normalised_kernels_have_norm_one_and_the_gradient_of_what_they_are():
    convolutions = layers()
    values = SingularValues(convolutions)
    values.refresh(1000)
    values.divide(convolutions)
    for layer in convolutions:
        assert by_svd(layer) == pytest.approx(1.0, rel=1e-3)
    layer = convolutions[2]
    x = tf.random.stateless_normal([2, 4, 4, 8], [1, 2])

    def slope(output):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(output()))
        return tape.gradient(loss, layer.kernel.value)

    divided = slope(lambda: tf.nn.conv2d(x, layer.kernel / tf.linalg.svd(layer.matrix())[0][0], 1, "SAME") + layer.bias)
    np.testing.assert_allclose(slope(lambda: layer(x)), divided, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", [SpectralRegularisation, SpectralNormalisation])
def test_penalties_count_every_convolution_and_batch_norm(build, images, kind):
    model = build(spectral=kind(0.5), flows=1)
    model.minimised(images, images, seed=tf.constant([0, 0]), step=tf.constant(0, tf.int64), training=True)
    parts = model._flatten_layers(include_self=False)
    norms = [layer for layer in parts if isinstance(layer, BatchNorm)]
    convolutions = [
        layer for layer in parts if isinstance(layer, Convolution | DepthwiseConvolution | MaskedConvolution)
    ]
    norms[3].scale.assign(-4.0 * norms[3].scale)
    found = model.penalties(1)
    assert float(found["scale_penalty"]) == pytest.approx(0.5 * (len(norms) + 3.0), rel=1e-5)
    if kind is SpectralRegularisation:
        exact = 0.5 * sum(by_svd(layer) for layer in convolutions)
        assert float(found["spectral_penalty"]) == pytest.approx(exact, rel=0.01)
    assert set(found) == set(model.trackers) & {"scale_penalty", "spectral_penalty"}


def test_the_weight_is_annealed_in_log_space():
    spectral = SpectralRegularisation(LogLinear(1.0, final=0.01, steps=10))
    values = SingularValues(layers())
    norms = [BatchNorm(3)]
    at = {step: spectral.penalties(values, norms, step)["scale_penalty"] for step in (0, 5, 10, 99)}
    np.testing.assert_allclose([at[0], at[5], at[10], at[99]], [1.0, 0.1, 0.01, 0.01], rtol=1e-5)
    assert int(spectral.iterations_at(0)) == 40 and int(spectral.iterations_at(7)) == 4
