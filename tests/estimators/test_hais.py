import numpy as np
import pytest
import tensorflow as tf
from linear_gaussian import LinearGaussian

from vae_flows.estimators import (
    BiasedAdaptation,
    HamiltonianAIS,
    PilotTuning,
    StepRule,
    UnreliableWeights,
    linear_schedule,
    sigmoid_schedule,
)

SEED = [1, 2]
MODEL = LinearGaussian(4)


def hais(annealing=None, temperatures=40, chains=4, **options):
    annealing = annealing or MODEL.annealing("prior")
    return HamiltonianAIS(annealing, schedule=sigmoid_schedule(temperatures), chains=chains, **options)


def check_unbiased(estimate, truth):
    """Mean of p^(x) / p(x) over repetitions is 1, within 3 standard errors."""
    ratio = np.exp(estimate.values - truth)
    error = ratio.std(ddof=1) / np.sqrt(len(ratio))
    assert abs(ratio.mean() - 1.0) < 3.0 * error < 0.3
    return ratio


@pytest.mark.parametrize("start", ["prior", "base", "flow"])
@pytest.mark.parametrize("features", [2, 10, 50])
def test_is_unbiased_and_its_intervals_cover(features, start):
    model = LinearGaussian(features, variance=1.0 if features < 50 else 4.0)
    x = np.repeat(model.simulate(1)[0], 400, 0).astype("float32")
    truth = model.log_prob(x[:1])[0]
    estimate = hais(model.annealing(start), 100 if features < 50 else 200, chains=8, leapfrogs=5)(x, seed=SEED)
    check_unbiased(estimate, truth)
    low, high = estimate.interval(0.95)
    assert 0.9 <= np.mean((low < truth) & (truth < high)) <= 0.99
    assert estimate.values.mean() < truth + 3.0 * estimate.monte_carlo_error
    assert 0.4 < estimate.acceptance.mean() < 1.0 and not estimate.non_finite.any()


@pytest.mark.parametrize(
    "options",
    [
        {"momentum_persistence": 0.7, "leapfrogs": 1},
        {"tuning": None, "step_size": 0.4},
        {"tuning": None, "step_size": np.linspace(0.1, 0.9, 2000)},
        {"tuning": PilotTuning(chains=1, share=0.01, fewest=3)},
        {"jit_compile": True},
    ],
    ids=lambda options: ",".join(options),
)
def test_is_unbiased_with(options):
    x = np.repeat(MODEL.simulate(1)[0], 2000, 0).astype("float32")
    check_unbiased(hais(chains=1, temperatures=30, **options)(x, seed=SEED), MODEL.log_prob(x[:1]))


@pytest.mark.parametrize("temperatures", [1, 2, 5])
def test_is_unbiased_with_few_temperatures(temperatures):
    model = LinearGaussian(2, variance=4.0)
    x = np.repeat(model.simulate(1)[0], 2000, 0)
    check_unbiased(hais(model.annealing("prior"), temperatures)(x, seed=SEED), model.log_prob(x[:1]))


def test_adaptation_within_the_run_is_biased_and_the_pilot_is_not():
    """The same rule, made violent: within the weighted run it shifts E[weight] by many standard errors."""
    model, rule = LinearGaussian(2, variance=0.05), StepRule(decay=0.0, up=2.0, down=0.5)
    x = np.repeat(model.simulate(1)[0], 60_000, 0).astype("float32")
    shifts = {}
    for tuning in (BiasedAdaptation(rule=rule), PilotTuning(rule=rule)):
        options = {"chains": 1, "leapfrogs": 3, "step_size": 0.3, "tuning": tuning}
        estimate = HamiltonianAIS(model.annealing("prior"), schedule=linear_schedule(20), **options)(x, seed=[0, 0])
        ratio = np.exp(estimate.values - model.log_prob(x[:1]))
        shifts[type(tuning)] = (ratio.mean() - 1.0) / (ratio.std() / np.sqrt(len(x)))
    assert abs(shifts[PilotTuning]) < 3.0
    assert abs(shifts[BiasedAdaptation]) > 5.0


def test_frozen_steps_do_not_know_the_weighted_run_and_biased_ones_do():
    x = MODEL.simulate(6)[0]
    for tuning, frozen in ((PilotTuning(), True), (BiasedAdaptation(), False)):
        few, many = (hais(chains=chains, tuning=tuning, step_size=0.6)(x, seed=SEED).step_size for chains in (4, 16))
        assert np.allclose(few, many, rtol=1e-12) == frozen


def test_biased_adaptation_follows_the_originals_rule():
    """The running acceptance begins at the target, which is not above it; from then on it is near 1."""
    expected = 0.01 * np.array([1.0, *(0.98 * 1.02 ** np.arange(9))])
    estimate = hais(temperatures=11, step_size=0.01, tuning=BiasedAdaptation())(MODEL.simulate(2)[0], seed=SEED)
    np.testing.assert_allclose(estimate.step_size, np.tile(expected, [2, 1]), rtol=1e-6)


def test_pilot_reaches_the_acceptance_asked_for():
    model = LinearGaussian(10, variance=0.1)
    for target in (0.65, 0.9):
        tuning = PilotTuning(chains=16, rule=StepRule(target=target, up=1.05, down=0.95))
        estimate = hais(model.annealing("prior"), 400, tuning=tuning)(model.simulate(20)[0], seed=SEED)
        assert estimate.acceptance[:, 5:].mean() == pytest.approx(target, abs=0.08)


@pytest.mark.parametrize("tuning", [None, PilotTuning()])
def test_result_does_not_depend_on_batches_of_images_or_chains(tuning):
    x = MODEL.simulate(12)[0]
    whole = hais(chains=10, tuning=tuning)(x, seed=SEED)
    for chunk, cuts in ((10, [1, 5]), (4, [6])):
        estimator = hais(chains=10, chunk=chunk, tuning=tuning)
        parts = [estimator(x[a:b], seed=SEED, first=a) for a, b in zip([0, *cuts], [*cuts, 12], strict=True)]
        for name in ("values", "errors", "acceptance", "step_size"):
            joined = np.concatenate([getattr(part, name) for part in parts])
            np.testing.assert_allclose(joined, getattr(whole, name), rtol=1e-9)


@pytest.mark.parametrize("chains", [4, 6])
def test_more_chains_keep_those_there_were(chains):
    """Chain c has its own noise: the first of many chains are the chains of a smaller run."""
    run = hais()._run
    x = run.prepared(MODEL.simulate(3)[0])
    few, many = (
        run(x, schedule=sigmoid_schedule(20), steps=np.full([5, 3], 0.2), chains=count, seed=SEED, first=0)
        for count in (chains, 16)
    )
    np.testing.assert_allclose(few.log_weights, many.log_weights[:chains], rtol=1e-9)


@pytest.mark.parametrize("leapfrogs", [1, 4])
@pytest.mark.parametrize("rough", [False, True])
def test_a_temperature_costs_exactly_its_leapfrogs(leapfrogs, rough):
    exact, cheap = tf.Variable(0), tf.Variable(0)

    class Counting(MODEL.annealing("prior")):
        def log_target(self, u):
            exact.assign_add(1)
            return super().log_target(u)

    class CountingRough(Counting):
        def gradient_target(self, u):
            cheap.assign_add(1)
            return super(Counting, self).log_target(u)

    hais(CountingRough if rough else Counting, 30, leapfrogs=leapfrogs, tuning=None)(MODEL.simulate(2)[0], seed=SEED)
    gradients, transitions = 1 + 29 * leapfrogs, 29
    assert (int(exact), int(cheap)) == ((1 + transitions, gradients) if rough else (gradients, 0))


def test_rough_gradients_in_bfloat16_leave_it_unbiased():
    model = LinearGaussian(10)
    x = np.repeat(model.simulate(1)[0], 1000, 0).astype("float32")

    class Rough(model.annealing("prior")):
        def gradient_target(self, u):
            return tf.cast(self.log_target(tf.cast(tf.cast(u, tf.bfloat16), tf.float32)), tf.bfloat16)

    ratio = check_unbiased(hais(Rough, 60)(x, seed=SEED), model.log_prob(x[:1]))
    assert not np.array_equal(
        ratio, np.exp(hais(model.annealing("prior"), 60)(x, seed=SEED).values - model.log_prob(x[:1]))
    )


def test_is_compiled_once_for_all_batches_chains_and_temperatures():
    traces = []

    class Tracing(MODEL.annealing("prior")):
        def log_target(self, u):
            traces.append(u.shape)
            return super().log_target(u)

    estimator, x = hais(Tracing, chains=6, chunk=4), MODEL.simulate(9)[0]
    estimator(x, seed=SEED)
    before = len(traces)
    for count in (1, 4):
        estimator(x[:count], seed=[count, 0], first=count)
    estimator.with_temperatures(90)(x, seed=SEED)
    assert len(traces) == before == 2  # where chains begin, and where they move


def test_accumulates_without_float32_drift():
    """At step size 0 the weights telescope: log w = log_target(u0) - log N(u0), over any number of temperatures."""
    x = MODEL.simulate(3)[0].astype("float32")
    options = {"tuning": None, "step_size": 1e-30, "leapfrogs": 1}
    once, often = (hais(temperatures=count, **options)(x, seed=SEED).values for count in (1, 3000))
    np.testing.assert_allclose(often, once, rtol=1e-7)


def test_few_effective_chains_are_told_though_the_error_stays_small():
    """Two temperatures from the prior: nats too low, an error below 1, and a warning that says so."""
    model = LinearGaussian(features=40, seed=1)
    x = model.simulate(20)[0]
    short = hais(model.annealing("prior"), 3, chains=8, tuning=None)
    with pytest.warns(
        UnreliableWeights, match=r"effective ones of 8\) for \d+ of 20 images.*too high.*Half the chains"
    ):
        estimate = short(x, seed=SEED)
    missing = np.mean(model.log_prob(x)) - estimate.mean
    assert missing > 5.0 and estimate.errors.max() <= 1.0
    assert estimate.unreliable.mean() > 0.5 and 0.0 < np.mean(estimate.half_gains) < missing
    fine = hais(model.annealing("exact"), 20, chains=8)(x, seed=SEED)
    assert not fine.unreliable.any() and np.all(np.abs(fine.half_gains) < 0.05)
