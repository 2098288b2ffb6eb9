"""Elements of the line, the package's and a user's own: bijections with the derivative they state, and saved whole."""

import keras
import numpy as np
import pytest
import registry
import tensorflow as tf

from vae_flows import flows
from vae_flows.decoders import DenseDecoder
from vae_flows.densities import Bernoulli, Conditional, DiagonalNormal, StandardNormal
from vae_flows.encoders import DenseEncoder
from vae_flows.flows import Affine, Coupling, Element, Flow, Gated, RationalQuadratic
from vae_flows.latent_models import VAE

ELEMENTS = registry.ELEMENTS
elements = pytest.mark.parametrize("element", ELEMENTS.values(), ids=ELEMENTS)


def normal(*shape, seed=0, dtype="float64"):
    return tf.constant(np.random.default_rng(seed).standard_normal(shape), dtype)


def test_every_exported_element_is_here():
    exported = {name for name in flows.__all__ if isinstance(getattr(flows, name), type)}
    concrete = {name for name in exported if issubclass(getattr(flows, name), Element)} - {"Element"}
    assert concrete <= {type(element).__name__ for element in ELEMENTS.values()}


@elements
def test_is_increasing_and_invertible_with_the_derivative_it_states(element):
    x = tf.constant(np.linspace(-4.0, 4.0, 101)[:, None])
    parameters = tf.constant(element.initial, "float64") + normal(7, len(element.initial))  # [D, P]
    x, parameters = tf.broadcast_to(x, [101, 7]), tf.broadcast_to(parameters, [101, 7, len(element.initial)])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y, log_derivative = element.forward(x, parameters)
    derivative = tape.gradient(y, x)
    assert np.all(derivative > 0)
    np.testing.assert_allclose(log_derivative, np.log(derivative), atol=1e-10)
    np.testing.assert_allclose(element.inverse(y, parameters), x, atol=1e-10)


@pytest.mark.parametrize("name", ["SoftClip", "Softplus", "Shift", "Affine", "RationalQuadratic"])
def test_starts_as_the_identity(name):
    x, initial = normal(5, 3), tf.constant(ELEMENTS[name].initial, "float64")
    np.testing.assert_allclose(ELEMENTS[name].forward(x, tf.broadcast_to(initial, [5, 3, len(initial)]))[0], x)


@elements
def test_configuration_rebuilds_it(element):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(element))
    assert (type(again), again.get_config(), again.initial) == (type(element), element.get_config(), element.initial)


def test_a_user_s_element_is_saved_and_loaded_with_its_model(tmp_path):
    vae = VAE(
        encoder=Conditional(DenseEncoder((2, 2, 1), hidden=(6,)), DiagonalNormal(4, context=6)),
        decoder=Conditional(DenseDecoder(4, image_shape=(2, 2, 1), outputs=1, hidden=(6,)), Bernoulli((2, 2, 1))),
        prior=Flow(Coupling(4, element=ELEMENTS["Softplus"], hidden=(5,)), StandardNormal(4)),
    )
    vae.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.prior.transform.element.get_config() == {"floor": 0.01}
    z = normal(5, 4, dtype="float32")
    np.testing.assert_array_equal(vae.prior().log_prob(z), again.prior().log_prob(z))


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="`bins` must be from 2.*bins=1"):
        RationalQuadratic(bins=1)
    with pytest.raises(ValueError, match="`bound` must be positive.*bound=0"):
        RationalQuadratic(bound=0)
    for bound in (0, -1.0):
        with pytest.raises(ValueError, match="`log_scale_bound` must be positive"):
            Affine(log_scale_bound=bound)


@pytest.mark.parametrize("gate", [-20.0, -79.0, -90.0, -1e4, 90.0, 1e4])
def test_a_gate_far_out_is_held_where_both_directions_are_finite(gate):
    x, parameters = tf.constant([0.7, 0.5]), tf.constant([[0.5, gate]] * 2)
    y, log_derivative = Gated().forward(x, parameters)
    held = np.maximum(np.float64(gate), -80.0)
    np.testing.assert_allclose(log_derivative, [-np.logaddexp(0.0, -held)] * 2, rtol=1e-6, atol=1e-7)
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        back = Gated().inverse(y, parameters)
    assert np.isfinite(back).all()
    assert np.isfinite(tape.gradient(back, parameters)).all()
    double = Gated().inverse(tf.constant([1.0], "float64"), tf.cast(parameters[:1], "float64"))
    np.testing.assert_allclose(Gated().inverse(tf.constant([1.0]), parameters[:1]), double, rtol=1e-5)


@pytest.mark.parametrize("scale", [1.0, 30.0, 1e4, 1e30])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_spline_stays_in_its_interval_whatever_its_parameters(scale, dtype):
    spline, bound = RationalQuadratic(bins=8, bound=5.0), 5.0
    parameters = tf.cast(scale * normal(50, 20, 23), dtype)
    points = np.random.default_rng(1).uniform(-bound, bound, (50, 20)).astype(dtype)
    points[:, 0] = np.nextafter(np.array(bound, dtype), np.array(0, dtype))
    x = tf.constant(points)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y, log_derivative = spline.forward(x, parameters)
    back = spline.inverse(y, parameters)
    assert max(np.abs(y).max(), np.abs(back).max()) <= bound
    # An error of rounding in x is one of rounding * slope, which is at most 1000, in y.
    np.testing.assert_allclose(spline.forward(back, parameters)[0], y, atol=1e-10 if dtype == "float64" else 2e-3)
    if dtype == "float64":
        slope = tape.gradient(y, x).numpy()
        moved = slope > 0  # where rounding was clipped at a knot the computed map stands still
        assert moved.mean() > 0.97
        np.testing.assert_allclose(log_derivative[moved], np.log(slope[moved]), atol=1e-6)
    else:
        double = tf.cast(parameters, "float64")
        exact = spline.forward(spline.inverse(tf.cast(x, "float64"), double), double)[1]
        error = np.abs(spline.forward(spline.inverse(x, parameters), parameters)[1] - tf.cast(exact, dtype))
        assert np.median(error) < 1e-4  # points next to a knot between extreme slopes have more
