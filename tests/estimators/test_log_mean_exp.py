import numpy as np
import pytest
import scipy.special
import tensorflow as tf

from vae_flows.estimators import LogMean, log_mean_exp


@pytest.mark.parametrize("shift", [0.0, 1e4, -1e4])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_log_mean_exp_is_scipys(shift, axis):
    x = np.random.default_rng(0).normal(size=(5, 7)) + shift
    expected = scipy.special.logsumexp(x, axis) - np.log(x.shape[axis])
    np.testing.assert_allclose(log_mean_exp(tf.constant(x), axis), expected, rtol=1e-12)


@pytest.mark.parametrize("scale", [0.1, 3.0, 30.0])
def test_stream_equals_whole_however_it_is_cut(scale):
    x = scale * np.random.default_rng(1).normal(size=(1000, 4)) - 1e5
    weights = np.exp(x - x.max(0))
    for cuts in ([], [1], [3, 500, 501], range(1, 1000)):
        mean = LogMean.empty([4])
        for part in np.split(x, cuts):
            mean = mean.add(part)
        np.testing.assert_allclose(mean.value, scipy.special.logsumexp(x, 0) - np.log(1000), rtol=1e-15)
        np.testing.assert_allclose(mean.effective_sample_size, weights.sum(0) ** 2 / (weights**2).sum(0), rtol=1e-12)
        relative = weights.std(0, ddof=1) / np.sqrt(1000) / weights.mean(0)
        np.testing.assert_allclose(mean.standard_error, relative, rtol=1e-9)


def test_millions_of_float32_weights_do_not_drift():
    """A float32 sum of 4 million equal terms stops growing at 2^24; this one is exact."""
    part = tf.fill([1 << 18, 1], np.float32(0.1))

    @tf.function
    def stream():
        loop = lambda i, mean: (i + 1, mean.add(part))  # noqa: E731
        return tf.while_loop(lambda i, _: i < 80, loop, (0, LogMean.empty([1])))[1]

    mean = stream()
    assert float(mean.count) == 80 * 2**18 > 2**24
    np.testing.assert_allclose(mean.value, [np.float64(np.float32(0.1))], rtol=1e-13)


def test_weights_of_zero_count_and_do_not_poison():
    nothing = LogMean.empty([2]).add([[-np.inf, -np.inf]])
    assert nothing.value.numpy().tolist() == [-np.inf, -np.inf]
    assert nothing.effective_sample_size.numpy().tolist() == [0.0, 0.0]
    mean = nothing.add([[2.0, -np.inf]])
    np.testing.assert_allclose(mean.value, [2.0 - np.log(2.0), -np.inf])


def test_error_of_one_weight_is_not_known():
    assert LogMean.empty([1]).add([[0.0]]).standard_error.numpy().tolist() == [np.inf]


def test_standard_error_is_the_spread_of_repetitions():
    x = np.random.default_rng(2).normal(size=(400, 5000)) * 0.7
    mean = LogMean.empty([5000]).add(x)
    assert np.std(mean.value) == pytest.approx(float(np.mean(mean.standard_error)), rel=0.05)
