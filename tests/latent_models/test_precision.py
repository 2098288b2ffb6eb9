import numpy as np
import pytest
import registry
import tensorflow as tf

from vae_flows.latent_models.precision import rounded

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
