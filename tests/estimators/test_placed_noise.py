import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from vae_flows.estimators import PlacedNoise

SEED = [3, 4]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("features", [1, 3, 50])
def test_any_part_is_the_same_part_of_the_whole(dtype, features):
    whole = PlacedNoise.of(SEED, images=40, dtype=dtype).normal(count=64, features=features, moment=2)
    for first, images, start, count in ((0, 40, 0, 17), (7, 5, 16, 40), (39, 1, 48, 16), (3, 30, 32, 1)):
        noise = PlacedNoise.of(SEED, first=first, images=images, dtype=dtype)
        for number in (count, tf.constant(count)):
            part = noise.normal(count=number, features=features, start=start, moment=2)
            np.testing.assert_array_equal(part, whole[start : start + count, first : first + images])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_uniform_parts_too(dtype):
    whole = PlacedNoise.of(SEED, images=40, dtype=dtype, rows=4).uniform(count=64)
    part = PlacedNoise.of(SEED, first=11, images=3, dtype=dtype, rows=4).uniform(count=9, start=20)
    np.testing.assert_array_equal(part, whole[20:29, 11:14])
    assert scipy.stats.kstest(whole.numpy().ravel(), "uniform").pvalue > 1e-3


def test_no_number_comes_twice():
    draws = [
        PlacedNoise.of(seed, images=50, stream=stream, dtype="float64").normal(count=32, features=3, moment=moment)
        for seed, stream, moment in (([0, 0], 0, 0), ([0, 0], 0, 1), ([0, 0], 1, 0), ([0, 1], 0, 0), ([0, 0], 0, 10**6))
    ]
    values = np.concatenate([draw.numpy().ravel() for draw in draws])
    assert len(np.unique(values)) == len(values)


def test_numbers_are_independent_standard_normals():
    noise = PlacedNoise.of(SEED, images=100).normal(count=320, features=10).numpy().astype(np.float64)
    assert scipy.stats.kstest(noise.ravel()[:50_000], "norm").pvalue > 1e-3
    for axis in range(3):
        neighbours = np.moveaxis(noise, axis, 0)
        correlation = np.corrcoef(neighbours[:-1].ravel(), neighbours[1:].ravel())[0, 1]
        assert abs(correlation) < 4.0 / np.sqrt(noise.size)


def test_graph_equals_eager():
    draw = lambda: PlacedNoise.of(SEED, images=5).normal(count=20, features=3)  # noqa: E731
    np.testing.assert_array_equal(tf.function(draw)(), draw())
