import types

import numpy as np
import pytest
import tensorflow as tf

from vae_flows.latent_models import Constant, ElboTerms, LinearWarmup
from vae_flows.nvae_tf import BalancedElbo
from vae_flows.nvae_tf.objective import balanced, group_weights


def test_weights_of_groups_follow_their_scale():
    """(2^i)^2 / groups, i from the smallest maps on, least value 1: the paper's MNIST model has 5 and 10 groups."""
    np.testing.assert_allclose(group_weights((5, 10)), [1.0] * 5 + [2.0] * 10)
    np.testing.assert_allclose(group_weights((5, 10, 20)), [1.0] * 5 + [2.0] * 10 + [4.0] * 20)
    np.testing.assert_allclose(group_weights((8, 1)), [1.0] * 8 + [32.0])


KL = np.array([[1.0, 2.0, -3.0], [3.0, 4.0, 1.0]], np.float32)
ALPHAS = np.array([1.0, 2.0, 2.0])
MEANS = np.array([2.01, 3.01 / 2.0, 2.01 / 2.0])  # mean |kl| + 0.01, over alpha


def inference():
    terms = ElboTerms(tf.constant([-5.0, -6.0]), tf.constant(KL))
    return types.SimpleNamespace(expected_terms=lambda noise: terms, groups=(1, 2))


def test_coefficients_follow_the_formula_on_hand_made_kls():
    found = balanced(tf.constant(KL), tf.constant(ALPHAS, tf.float32))
    np.testing.assert_allclose(found, [MEANS / MEANS.mean()], rtol=1e-5)


@pytest.mark.parametrize("balance", [False, True])
def test_the_loss_is_balanced_until_the_weight_is_one(balance):
    objective = BalancedElbo(kl_weight=LinearWarmup(10), balance=balance)
    coefficients = MEANS / MEANS.mean() if balance else np.ones(3)
    np.testing.assert_allclose(objective(inference(), None, 4).loss, [5.0, 6.0] + 0.4 * (KL @ coefficients), rtol=1e-5)
    for step in (10, None):
        np.testing.assert_allclose(objective(inference(), None, step).loss, [5.0, 6.0] + KL.sum(-1), rtol=1e-5)
    assert float(objective(inference(), None, 4).recorded["kl_weight"]) == pytest.approx(0.4)
    assert "kl_weight" not in objective(inference(), None).recorded


def test_free_bits_stop_the_gradient_of_a_group_below_them():
    kl = tf.Variable(KL)
    objective = BalancedElbo(balance=False, free_bits=1.0)
    with tf.GradientTape() as tape:
        terms = ElboTerms(tf.zeros(2), tf.identity(kl))
        loss = objective(types.SimpleNamespace(expected_terms=lambda noise: terms, groups=(1, 2)), None, 0).loss
    np.testing.assert_array_equal(tape.gradient(loss, kl), [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0]])
    np.testing.assert_allclose(loss, KL.sum(-1))
    with pytest.raises(ValueError, match="free_bits=-1"):
        BalancedElbo(free_bits=-1)


def test_the_loss_responds_to_the_weight_with_gradient_to_every_weight(build, images):
    model = build()
    losses = []
    for weight in (0.0, 0.5, 1.0):
        model.objective = BalancedElbo(kl_weight=Constant(weight))
        with tf.GradientTape() as tape:
            found = model.minimised(images, images, seed=tf.constant([0, 0]), step=0, training=True)
        losses.append(float(tf.reduce_mean(found.loss)))
        slopes = tape.gradient(found.loss, [each.value for each in model.trainable_weights])
    assert losses[0] < losses[1] < losses[2]
    assert losses[2] == pytest.approx(float(tf.reduce_mean(found.recorded["neg_elbo"])), rel=1e-5)
    missing = [w.path for w, slope in zip(model.trainable_weights, slopes, strict=True) if slope is None]
    assert not missing
