"""The flow as a distribution: its samples, its density, its noise."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from vae_flows.densities import DiagonalNormal, StandardNormal, pull, push
from vae_flows.flows import Affine, Autoregressive, Chain, Flow, Gated, Invert, Reverse, premade


def posterior():
    flow = premade.iaf(3, context=4, layers=3, hidden=(8,), step_context=5, log_scale_offset=-3.0)
    generator = np.random.default_rng(0)
    for weight in flow.trainable_weights:
        weight.assign(weight.numpy() + 0.3 * generator.standard_normal(weight.shape))
    return flow


CONTEXT = tf.constant(np.random.default_rng(1).standard_normal((2, 4)), tf.float32)


def test_sample_and_density_agree_without_the_cache():
    flow = posterior()
    q = flow(CONTEXT)
    z, log_q = push(q, tf.random.stateless_normal([5, 2, 3], [0, 1]))
    assert z.shape == (5, 2, 3)
    np.testing.assert_allclose(log_q, q.log_prob(tf.identity(z)), atol=2e-4)
    z, log_q = q.experimental_sample_and_log_prob(7, seed=[0, 1])
    np.testing.assert_allclose(log_q, flow(CONTEXT).log_prob(tf.identity(z)), atol=2e-4)


def test_pull_inverts_push():
    q = posterior()(CONTEXT)
    noise = tf.random.stateless_normal([5, 2, 3], [3, 4])
    z, _ = push(q, noise)
    behind, log_prob = pull(q, tf.identity(z))
    np.testing.assert_allclose(behind, noise, atol=2e-4)
    np.testing.assert_allclose(log_prob, push(q, noise)[1], rtol=1e-4, atol=1e-4)


def test_static_base_draws_one_point_for_each_context():
    flow = Flow(Chain([Autoregressive(3, element=Gated(), hidden=(8,), context=4)]), StandardNormal(3))
    z, log_q = push(flow(CONTEXT), tf.random.stateless_normal([2, 3], [0, 1]))
    assert z.shape == (2, 3)
    assert log_q.shape == (2,)
    sample = flow(CONTEXT).sample(4, seed=[0, 1])
    assert sample.shape == (4, 2, 3)
    assert np.abs(sample[:, 0] - sample[:, 1]).min() > 0


def test_iaf_starts_narrow_and_near_the_identity():
    flow = premade.iaf(3, context=4, layers=8, hidden=(16,), step_context=5, log_scale_offset=-3.0)
    z = flow(CONTEXT).sample(2000, seed=[0, 1])
    base = flow.base(CONTEXT).stddev()
    assert np.all(base < 0.5)
    ratio = tf.math.reduce_std(z, 0)[:, ::-1] / base  # seven reversals
    np.testing.assert_allclose(ratio, tf.sigmoid(2.0) ** 8, rtol=0.25)  # eight gates that start at sigmoid(2)


def test_affine_autoregression_equals_that_of_tfp():
    """The same network in TFP's own masked autoregressive flow gives the same values and densities."""
    step = Autoregressive(4, element=Affine(log_scale_bound=None), hidden=(16,))
    generator = np.random.default_rng(0)
    for weight in step.trainable_weights:
        weight.assign(weight.numpy() + 0.3 * generator.standard_normal(weight.shape))
    maf = tfp.bijectors.MaskedAutoregressiveFlow(
        shift_and_log_scale_fn=lambda x: (lambda p: (-p[..., 0] * tf.exp(-p[..., 1]), -p[..., 1]))(step.made(x))
    )  # TFP's forward inverts: its shift and log-scale are those of (y - m) exp(-s)
    x = tf.constant(generator.standard_normal((5, 4)), tf.float32)
    ours, theirs = step(), tfp.bijectors.Invert(maf)
    np.testing.assert_allclose(ours.forward(x), theirs.forward(x), atol=1e-5)
    np.testing.assert_allclose(
        ours.forward_log_det_jacobian(x, 1), theirs.forward_log_det_jacobian(tf.identity(x), 1), atol=1e-5
    )
    y = ours.forward(x)
    np.testing.assert_allclose(ours.inverse(tf.identity(y)), theirs.inverse(tf.identity(y)), atol=1e-5)


def test_flow_prior_evaluates_in_one_pass():
    """`Invert` of an autoregressive step is a MAF: its density runs the network once, not D times."""
    step = Autoregressive(5, element=Affine(), hidden=(8,))
    calls = []
    inner = step.made.call
    step.made.call = lambda *args, **kwargs: (calls.append(1), inner(*args, **kwargs))[1]
    Flow(Chain([Invert(step), Reverse(5)]), StandardNormal(5))().log_prob(tf.zeros([2, 5]))
    assert len(calls) == 1


def test_networks_that_do_not_fit_are_refused():
    from vae_flows.blocks.feature_net import FeatureNet

    step = Autoregressive(3, element=Gated(), hidden=(8,), context=4)
    with pytest.raises(ValueError, match="`context_network` must give.*4 features.*Received: 6"):
        Flow(step, DiagonalNormal(3, context=7), context_network=FeatureNet(7, hidden=(6,)))
    with pytest.raises(ValueError, match="must agree in features and context.*4 and 5"):
        Flow(step, DiagonalNormal(3, context=5))


def test_a_prior_of_masked_steps_stays_finite_far_out():
    def prior(element):
        flow = premade.maf(5, element=element, hidden=(64,), residual_blocks=0)
        for weight in flow.trainable_weights:
            weight.assign(3.0 * tf.random.stateless_normal(weight.shape, [1, 2]))
        return flow

    bounded = prior(Affine())
    z = tf.constant([[1e3, -1e3, 1e3, -1e3, 1e3]])
    with tf.GradientTape() as tape:
        log_prob = bounded().log_prob(z)
    gradients = tape.gradient(log_prob, bounded.trainable_weights)
    assert np.isfinite(log_prob).all()
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    assert not np.isfinite(prior(Affine(None))().log_prob(z)).all()  # the same weights overflow without the bound
