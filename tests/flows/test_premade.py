"""Whole flows: posteriors and priors whose density is that of their samples, and which reach every feature."""

import numpy as np
import pytest
import tensorflow as tf

from vae_flows.blocks import initialise_from_data
from vae_flows.densities import push
from vae_flows.flows import premade

D, C = 4, 5
ARGUMENTS = {
    "planar": {},
    "radial": {},
    "householder": {},
    "sylvester": {"layers": 2},
    "nice": {"layers": 4},
    "real_nvp": {"hidden": (8,)},
    "neural_spline": {"hidden": (8,)},
    "iaf": {"hidden": (8,)},
    "maf": {"hidden": (8,), "layers": 2},
}
names = pytest.mark.parametrize("name", ARGUMENTS)


def normal(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).standard_normal(shape), tf.float32)


def build(name, **more):
    flow = getattr(premade, name)(D, **{**ARGUMENTS[name], **more})
    for k, weight in enumerate(flow.trainable_weights):
        weight.assign(weight + 0.1 * normal(*weight.shape, seed=k))
    return flow


def test_every_function_is_tested():
    assert set(premade.__all__) == set(ARGUMENTS)


@names
@pytest.mark.parametrize("arguments", [{}, {"context": C}, {"context": C, "step_context": None}], ids=str)
def test_samples_have_the_density_that_log_prob_gives(name, arguments):
    flow = build(name, **arguments)
    context = normal(2, C, seed=1) if arguments else None
    z, log_q = push(flow(context), normal(3, *([2] if arguments else []), D))
    assert z.shape == ((3, 2, D) if arguments else (3, D))
    np.testing.assert_allclose(flow(context).log_prob(tf.identity(z)), log_q, atol=1e-3)


@names
def test_a_prior_learns_from_densities(name):
    """The gradient of log p(z) reaches every weight: also through inverses that are found by iteration."""
    flow = build(name)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(flow().log_prob(normal(6, D)))
    for weight, gradient in zip(flow.trainable_weights, tape.gradient(loss, flow.trainable_weights), strict=True):
        assert gradient is not None, weight.path
        assert np.all(np.isfinite(gradient)), weight.path
        if name != "householder":  # its density is that of the base
            assert np.abs(gradient).max() > 0, weight.path


def test_gradient_through_an_iterated_inverse_equals_a_finite_difference():
    flow = premade.planar(3, layers=2)
    values = flow.transform.parameters.values
    values.assign(values + 0.5 * normal(*values.shape))
    z = normal(4, 3)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(flow().log_prob(z))
    gradient = tape.gradient(loss, flow.trainable_weights)[0]
    start, numeric = values.numpy(), []
    for k in range(start.size):
        pair = []
        for sign in (1.0, -1.0):
            values.assign(start + sign * 1e-2 * np.eye(start.size, dtype="float32")[k])
            pair.append(float(tf.reduce_sum(flow().log_prob(z))))
        numeric.append((pair[0] - pair[1]) / 2e-2)
    np.testing.assert_allclose(gradient, numeric, atol=2e-2)


@pytest.mark.parametrize("name", ["nice", "real_nvp", "neural_spline"])
def test_halves_alternate_and_the_chain_reaches_every_feature(name):
    flow = build(name, layers=4)
    steps = [part for part in flow.transform.parts if hasattr(part, "swapped")]
    assert [step.swapped for step in steps] == [False, True, False, True]
    x = normal(1, D)
    for step, changed in zip(steps, [slice(2, 4), slice(0, 2)] * 2, strict=True):
        moved = np.abs(step().forward(x) - x)[0] > 1e-4
        assert moved[changed].all()
        assert moved.sum() == 2
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = flow.transform().forward(x)
    assert np.all(np.abs(tape.batch_jacobian(y, x)) > 1e-6)  # every feature of x in every feature of y


def test_nice_ends_in_a_scaling():
    flow = premade.nice(D, context=C, layers=4)
    assert type(flow.transform.parts[-1]).__name__ == "DiagonalScaling"
    assert flow.transform.parts[0].hidden == (5 * D, 5 * D)


@pytest.mark.parametrize("name", ["iaf", "maf"])
def test_normalised_steps_take_their_first_weights_from_data(name):
    flow = build(name, layers=3, normalised=True)
    batch = 2.0 + 3.0 * normal(200, D)
    assert initialise_from_data(flow, lambda: flow().log_prob(batch)) == 3
    u = flow.transform().inverse(batch).numpy()
    assert u.mean() == pytest.approx(0.0, abs=0.3)
    assert u.std() == pytest.approx(1.0, abs=0.3)


def test_density_of_a_maf_and_sampling_of_an_iaf_take_one_pass():
    for name, use in (("maf", lambda q: q.log_prob(normal(2, D))), ("iaf", lambda q: push(q, normal(2, D)))):
        flow = build(name, layers=1)
        part = flow.transform if name == "iaf" else flow.transform.part
        made, calls = part.parts[0].made, []
        inner = made.call
        made.call = lambda *args, inner=inner, calls=calls, **kwargs: (calls.append(1), inner(*args, **kwargs))[1]
        use(flow())
        assert len(calls) == 1, name
