import keras
import numpy as np
import pytest
import registry
import tensorflow as tf
from conftest import in_float64

from vae_flows import densities
from vae_flows.latent_models import load_model
from vae_flows.latent_models.precision import rounded
from vae_flows.training import Adamax

models = pytest.mark.parametrize("name", registry.MODELS)
SEED = tf.constant([1, 2])
X = tf.constant(np.random.default_rng(0).binomial(1, 0.4, (6, *registry.IMAGE)), tf.float32)


@pytest.mark.parametrize("name", registry.LATENT_MODELS)
def test_a_rounded_copy_has_the_weights_and_nearly_the_density(name):
    model = registry.LATENT_MODELS[name].build()
    copy = rounded(model, "mixed_bfloat16")
    for ours, theirs in zip(copy.weights, model.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == "float32"
    u = tf.random.stateless_normal([5, 6, model.noise_features], [1, 2])
    exact = model.infer(X, start="prior").log_target(u)
    rough = copy.infer(X, start="prior").log_target(u)
    assert rough.dtype == tf.float32
    difference = np.abs(rough.numpy() - exact.numpy())
    assert 0.0 < difference.max() < 0.02 * np.abs(exact).max()
    np.testing.assert_array_equal(model.infer(X, start="prior").log_target(u), exact)  # the model itself is as it was


def build(name):
    model = registry.MODELS[name].build()
    model.compile(Adamax(6e-3))
    return model


@in_float64
@pytest.mark.parametrize("name", registry.LATENT_MODELS)
def test_a_model_of_float64_has_a_rounded_copy(precision, name):
    model = build(name)
    copy, u = (
        rounded(model, "mixed_bfloat16"),
        tf.random.stateless_normal([6, model.noise_features], SEED, dtype=precision),
    )
    for start in ("prior", "posterior", "base"):
        exact, rough = (each.infer(X, start=start).log_target(u) for each in (model, copy))
        assert rough.dtype == precision and 0.0 < np.abs(rough - exact).max() < 0.02 * np.abs(exact).max()


@models
def test_mixed_precision_keeps_densities_in_float32(name):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build(name)
    finally:
        keras.config.set_dtype_policy("float32")
    values = model.log_likelihood(X, 2, SEED)
    assert values.dtype == tf.float32
    assert np.all(np.isfinite(values))
    assert np.isfinite(model.train_on_batch(X)[0])


@models
def test_models_follow_the_policy(precision, name, tmp_path):
    """Images of either precision are cast; what is saved keeps its own, whatever the policy then is."""
    model, x = build(name), X.numpy()
    codes = model.encode(x)
    values = {
        "encode": codes,
        "decode": model.decode(tf.cast(codes, "float32")),
        "sample": model.sample(2, 1),
        "reconstruct": model.reconstruct(x, 1),
        "interpolate": model.interpolate(x[:3], x[3:], 3),
        "log_likelihood": model.log_likelihood(tf.cast(x, "float64"), 3, SEED),
    }
    assert {kind: value.dtype.name for kind, value in values.items()} == dict.fromkeys(values, precision)
    assert np.isfinite(model.fit(x, x if name in registry.LATENT_MODELS else None, verbose=0).history["loss"]).all()
    assert {weight.dtype for weight in model.weights} == {precision}
    model.save(tmp_path / "model.keras")
    given = model.log_likelihood(x, 3, SEED)
    keras.config.set_dtype_policy({"float32": "float64", "float64": "float32"}[precision])
    np.testing.assert_array_equal(load_model(tmp_path / "model.keras").log_likelihood(x, 3, SEED), given)


@pytest.mark.parametrize("policy", ["float16", "bfloat16"])
def test_densities_of_half_precision_are_refused(policy):
    with pytest.raises(ValueError, match=f"float32 or float64. Received: {policy}. .*mixed_bfloat16"):
        densities.StandardNormal(3, dtype=policy)
    assert densities.StandardNormal(3, dtype=f"mixed_{policy}")().log_prob(tf.zeros([2, 3])).dtype == tf.float32
