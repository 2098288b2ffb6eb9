"""Batches are functions of (seed, step); every image is seen, and evaluated, once."""

import pathlib
import resource

import numpy as np
import pytest
import tensorflow as tf
from tiny_models import BernoulliMixture

from vae_flows.image_data import (
    Binarise,
    Dequantise,
    GreyLevels,
    Split,
    evaluation_batches,
    pipeline,
    training_batches,
)
from vae_flows.image_data.storage import allocate
from vae_flows.latent_models.seeds import Purpose, key

PREPARATIONS = [Binarise(), GreyLevels(), Dequantise()]


def numbered(count):
    """A split whose images are 2 x 2 and spell their own number."""
    digits = np.stack([np.arange(count) // 256, np.arange(count) % 256, np.full(count, 100), np.full(count, 200)], 1)
    return Split(digits.astype(np.uint8).reshape(count, 2, 2, 1))


def numbers(batch):
    levels = np.rint(255 * batch.numpy()).astype(int)
    return (levels[:, 0, 0, 0] * 256 + levels[:, 0, 1, 0]).tolist()


def arrays(dataset):
    return [batch.numpy() for batch in dataset]


@pytest.mark.parametrize("preparation", PREPARATIONS, ids=lambda p: type(p).__name__)
@pytest.mark.parametrize("start", [1, 4, 5, 13])
def test_starting_at_a_step_equals_skipping_to_it(preparation, start):
    options = {"batch": 4, "preparation": preparation, "seed": 5, "flips": True}
    whole = arrays(training_batches(numbered(21), **options).take(16))
    resumed = arrays(training_batches(numbered(21), start_step=start, **options).take(16 - start))
    np.testing.assert_array_equal(whole[start:], resumed)


def test_an_epoch_sees_each_image_once_in_an_order_of_its_own():
    batches = training_batches(numbered(1000), batch=100, preparation=GreyLevels(), seed=0)
    seen = np.array([numbers(batch) for batch in batches.take(30)]).reshape(3, 1000)
    np.testing.assert_array_equal(np.sort(seen, axis=1), np.tile(np.arange(1000), (3, 1)))
    for first, second in ((0, 1), (1, 2), (0, 2)):
        assert abs(np.corrcoef(seen[first], seen[second])[0, 1]) < 0.15
    assert abs(np.corrcoef(seen[0, :-1], seen[0, 1:])[0, 1]) < 0.15


def test_what_does_not_fill_a_batch_is_left_out_of_its_epoch():
    batches = training_batches(numbered(10), batch=4, preparation=GreyLevels(), seed=0)
    epochs = [sum((numbers(batch) for batch in batches.skip(2 * epoch).take(2)), []) for epoch in range(20)]
    assert all(len(set(epoch)) == 8 for epoch in epochs)
    assert set().union(*epochs) == set(range(10))


def test_seeds_give_other_orders_and_other_noise():
    def first(seed, preparation):
        return next(iter(training_batches(numbered(64), batch=64, preparation=preparation, seed=seed)))

    assert numbers(first(0, GreyLevels())) != numbers(first(1, GreyLevels()))
    whole = Split(np.full([64, 2, 2, 1], 128, np.uint8))
    noise = [next(iter(training_batches(whole, batch=64, preparation=Binarise(), seed=s))).numpy() for s in (0, 1)]
    assert (noise[0] != noise[1]).any()


def test_noise_is_fresh_at_each_step():
    grey = Split(np.full([8, 4, 4, 1], 128, np.uint8))
    one, two = arrays(training_batches(grey, batch=8, preparation=Binarise(), seed=0).take(2))
    assert 0.3 < (one != two).mean() < 0.7


def test_flips_mirror_half_of_the_images_left_to_right():
    images = np.zeros([1000, 2, 3, 1], np.uint8)
    images[:, 0, 0] = 255
    (batch,) = arrays(training_batches(Split(images), batch=1000, preparation=GreyLevels(), seed=0, flips=True).take(1))
    left, right = batch[:, 0, 0, 0], batch[:, 0, 2, 0]
    assert (left + right == 1).all() and batch.sum() == 1000
    assert 430 < right.sum() < 570


@pytest.mark.parametrize("count", [1, 255, 256, 257, 600])
@pytest.mark.parametrize("batch", [1, 100, 1000])
def test_evaluation_sees_each_image_once_in_order(count, batch):
    dataset = evaluation_batches(numbered(count), batch=batch, preparation=GreyLevels(), seed=0)
    seen = [numbers(images) for images in dataset]
    assert sum(seen, []) == list(range(count))
    assert int(dataset.cardinality()) == len(seen) == -(-count // batch)


@pytest.mark.parametrize("preparation", [Binarise(), Dequantise()], ids=lambda p: type(p).__name__)
def test_evaluation_noise_belongs_to_the_image(preparation):
    split = Split(np.full([300, 8, 8, 1], 128, np.uint8))
    reference = np.concatenate(arrays(evaluation_batches(split, batch=300, preparation=preparation, seed=2)))
    for batch, part in ((7, split), (256, split), (50, split.first(270))):
        other = np.concatenate(arrays(evaluation_batches(part, batch=batch, preparation=preparation, seed=2)))
        np.testing.assert_array_equal(other, reference[: part.count])
    assert len({image.tobytes() for image in reference}) == 300
    again = np.concatenate(arrays(evaluation_batches(split, batch=300, preparation=preparation, seed=3)))
    assert (again != reference).any()


def test_training_is_infinite_and_shapes_are_known():
    batches = training_batches(numbered(8), batch=4, preparation=GreyLevels(), seed=0)
    assert int(batches.cardinality()) == tf.data.INFINITE_CARDINALITY
    assert batches.element_spec == tf.TensorSpec([4, 2, 2, 1], tf.float32)


def test_images_are_held_once():
    split = numbered(5000)
    assert np.shares_memory(np.asarray(memoryview(split.tensor)), split.images)
    assert split.images.base is not None and split.first(10).images.ctypes.data == split.images.ctypes.data


@pytest.mark.parametrize("make", [training_batches, evaluation_batches])
def test_batches_need_little_memory_beside_the_images(make):
    status = pathlib.Path("/proc/self/statm")
    if not status.exists():
        pytest.skip("memory is read from /proc, which this system lacks")

    def megabytes():
        return int(status.read_text().split()[1]) * resource.getpagesize() / 2**20

    store = allocate([250_000, 28, 28, 1])
    store[...] = 1
    split = Split(store)
    next(iter(make(numbered(64), batch=1, preparation=GreyLevels(), seed=0)))  # what TensorFlow needs the first time
    before = megabytes()
    for _ in make(split, batch=100, preparation=GreyLevels(), seed=0).take(200):
        pass
    assert megabytes() - before < 0.3 * store.nbytes / 2**20


def test_bad_arguments_are_refused():
    split, options = numbered(8), {"preparation": GreyLevels(), "seed": 0}
    with pytest.raises(ValueError, match=r"`batch` must not be larger than the split, which has 8 images.*batch=9"):
        training_batches(split, batch=9, **options)
    with pytest.raises(ValueError, match=r"`batch` must be at least 1.*batch=0"):
        evaluation_batches(split, batch=0, **options)
    with pytest.raises(ValueError, match=r"`start_step` must be at least 0.*-1"):
        training_batches(split, batch=4, start_step=-1, **options)
    with pytest.raises(ValueError, match=r"`seed` must be between 0 and .*-1"):
        training_batches(split, batch=4, preparation=GreyLevels(), seed=-1)


def test_no_two_purposes_share_a_key():
    """Images were shuffled and binarised by the very bits that drew the latents of the first steps."""
    model, places = BernoulliMixture((2, 2, 1), seed=3), range(8)
    kinds = [pipeline._ORDER, pipeline._NOISE, pipeline._FLIPS, pipeline._EVALUATION]
    kinds += [pipeline._CORRUPTION, pipeline._CORRUPTED_EVALUATION]
    keys = [pipeline._seed(3, kind, index) for kind in kinds for index in places]
    keys += [model._step_seed(tf.constant(step)) for step in places] + [key(3, purpose) for purpose in Purpose]
    keys += [model._step_seed(None), tf.constant([3, 0])]
    assert len({tuple(each.numpy()) for each in keys}) == len(keys)
