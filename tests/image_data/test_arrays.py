"""Arrays become image sets, or are refused with the reason."""

import numpy as np
import PIL.Image
import pytest

from vae_flows.image_data import ImageSpec, Split, from_arrays, load, tile
from vae_flows.image_data.storage import ALIGNMENT, hold_out


def images(count=40, shape=(4, 4, 1)):
    return np.random.default_rng(0).integers(0, 256, (count, *shape)).astype(np.uint8)


def test_given_splits_are_kept():
    whole = images(60)
    given = from_arrays(whole[:30], validation=whole[30:40], test=whole[40:], test_labels=np.arange(20), name="mine")
    assert given.name == "mine" and given.spec == ImageSpec((4, 4, 1))
    for split, expected in ((given.train, whole[:30]), (given.validation, whole[30:40]), (given.test, whole[40:])):
        np.testing.assert_array_equal(split.images, expected)
    assert given.train.labels is None and given.test.labels.dtype == np.int64


def test_missing_splits_are_held_out():
    whole, labels = images(100), np.arange(100) % 5
    made = from_arrays(whole, train_labels=labels)
    parts = [made.train, made.validation, made.test]
    assert [part.count for part in parts] == [80, 10, 10]
    together = {
        (image.tobytes(), label) for part in parts for image, label in zip(part.images, part.labels, strict=True)
    }
    assert together == {(image.tobytes(), label) for image, label in zip(whole, labels, strict=True)}
    assert [np.bincount(part.labels).tolist() for part in parts] == [[16] * 5, [2] * 5, [2] * 5]
    assert from_arrays(whole, test=images(7)).train.count == 90


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("levels", [2, 16, 256])
def test_floats_are_levels_divided(dtype, levels):
    grey = (images() % np.int64(levels)).astype(np.uint8)
    made = from_arrays((grey / (levels - 1)).astype(dtype), validation=grey, test=grey, levels=levels)
    np.testing.assert_array_equal(made.train.images, grey)
    assert made.train.images.dtype == np.uint8


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.int32, np.int64, np.uint64])
def test_integers_of_any_width_are_taken(dtype):
    np.testing.assert_array_equal(from_arrays(images().astype(dtype), test=images()).test.images, images())
    wide = from_arrays(images().astype(dtype), validation=images(), test=images())
    np.testing.assert_array_equal(wide.train.images, images())


@pytest.mark.parametrize(
    ("array", "mended"),
    [
        (2 * (images() / 255.0) - 1, lambda images: (images + 1) / 2),
        (images() * 1.0, lambda images: np.rint(images).astype(np.uint8)),
        (images().astype(np.uint16) * 257, lambda images: np.rint(images * (255 / 65535)).astype(np.uint8)),
    ],
    ids=["from -1 to 1", "floats from 0 to 255", "16 bits"],
)
def test_what_an_error_advises_fits(array, mended):
    with pytest.raises(ValueError, match="Received: values from"):
        from_arrays(array)
    made = from_arrays(mended(array), validation=images(), test=images())
    np.testing.assert_array_equal(made.train.images, images())


def holed(value):
    array = np.zeros([40, 4, 4, 1], np.float32)
    array[3, 2, 1, 0] = value
    return array


@pytest.mark.parametrize(
    ("array", "error", "message"),
    [
        ([[1, 2]], TypeError, r"`train` must be a NumPy array\. Received: list"),
        (images()[..., 0], ValueError, r"`train` must have the axes \[N, H, W, C\]\. Received: shape=\(40, 4, 4\)"),
        (images(0), ValueError, r"at least one image.*Received: shape=\(0, 4, 4, 1\)"),
        (images(shape=(1, 28, 28)), ValueError, r"channels last.*Received: shape=\(40, 1, 28, 28\)"),
        (images().astype(bool), TypeError, r"must be integers, or floats.*dtype=bool.*astype"),
        (
            images().astype(np.uint16) * 257,
            ValueError,
            r"values 0 \.\. 255\. Received: values from 0 to 65535.*/ 65535\)",
        ),
        (images().astype(np.int8), ValueError, r"Received: values from -1\d\d to"),
        (images().astype(complex), TypeError, r"dtype=complex128"),
        (images().astype(np.float32), ValueError, r"must be in \[0, 1\]\. Received: values from 0 to 255.*astype"),
        (holed(-0.5), ValueError, r"must be in \[0, 1\]\. Received: values from -0\.5.*\(images \+ 1\) / 2"),
        (holed(-2.5), ValueError, r"must be in \[0, 1\]\. Received: values from -2\.5.*standardised"),
        (holed(0.5), ValueError, r"must be multiples of 1/255"),
        (holed(np.nan), ValueError, r"must be finite\. Received: NaN or infinity in image 3"),
        (holed(np.inf), ValueError, r"must be finite.*image 3"),
    ],
)
def test_other_arrays_are_refused(array, error, message):
    with pytest.raises(error, match=message):
        from_arrays(array)


def test_what_does_not_fit_together_is_refused():
    with pytest.raises(ValueError, match=r"of one shape.*'test': \(5, 5, 1\)"):
        from_arrays(images(), test=images(shape=(5, 5, 1)))
    with pytest.raises(ValueError, match=r"`train_labels` must have the shape \(40,\).*\(39,\)"):
        from_arrays(images(), train_labels=np.zeros(39, int))
    with pytest.raises(TypeError, match=r"`test_labels` must be integers.*float64"):
        from_arrays(images(), test=images(), test_labels=np.zeros(40))
    with pytest.raises(ValueError, match=r"`test_labels` came without images"):
        from_arrays(images(), test_labels=np.zeros(40, int))
    with pytest.raises(ValueError, match=r"values 0 \.\. 1\. Received: values from \d+ to 2\d\d\. Give `levels=2"):
        from_arrays(images(), levels=2)
    with pytest.raises(ValueError, match=r"Too few images to hold any out.*at least 3\. Received: 2"):
        from_arrays(images(2))


def test_black_and_white_is_not_taken_for_black(tmp_path):
    """Of 256 levels a 1 is all but black."""
    ink = (images() > 128).astype(np.uint8)
    for number in range(9):
        PIL.Image.fromarray(ink[number, ..., 0]).save(tmp_path / f"{number}.png")
    np.save(tmp_path / "ink.npy", ink.astype(np.int64))
    for attempt in (lambda: from_arrays(ink), lambda: load(str(tmp_path / "ink.npy")), lambda: load(str(tmp_path))):
        with pytest.raises(ValueError, match=r"brighter than 1 somewhere\. Received: 0 and 1 alone.*`levels=2`"):
            attempt()
    assert from_arrays(ink, levels=2).train.images.max() == 1
    assert from_arrays(ink.astype(np.float32)).train.images.max() == 255
    assert not from_arrays(0 * ink).train.images.any()


def test_memory_is_shared_where_it_can_be():
    block = images(64, (8, 8, 1))
    split = Split(block)
    assert split.images.ctypes.data % ALIGNMENT == 0
    assert Split(split.images).images is split.images
    frozen = split.images.view()
    frozen.flags.writeable = False
    np.testing.assert_array_equal(Split(frozen).tensor, block)
    np.testing.assert_array_equal(Split(block[1:, ::2]).tensor, block[1:, ::2])


def test_holding_out_is_fixed_and_disjoint():
    parts = hold_out(1003, parts=2, labels=np.arange(1003) % 3)
    assert sorted(np.concatenate(parts).tolist()) == list(range(1003))
    assert [len(part) for part in parts] == [801, 101, 101]
    np.testing.assert_array_equal(parts[1], hold_out(1003, parts=2, labels=np.arange(1003) % 3)[1])
    assert hold_out(1003, parts=0)[0].tolist() == list(range(1003))


def test_tiles_stand_row_by_row():
    pictures = np.arange(1, 6, dtype=np.uint8).reshape(5, 1, 1, 1) * np.ones([1, 2, 3, 1], np.uint8)
    picture = tile(pictures, columns=2, gap=1)
    assert picture.shape == (8, 7, 1) and picture.dtype == np.uint8
    np.testing.assert_array_equal(picture[::3, ::4, 0], [[1, 2], [3, 4], [5, 0]])
    assert (picture[2] == 0).all() and (picture[:, 3] == 0).all()
    with pytest.raises(ValueError, match=r"`images` must be \[N, H, W, C\]"):
        tile(np.zeros([2, 2]), columns=1)
    with pytest.raises(ValueError, match=r"`columns` must be at least 1"):
        tile(pictures, columns=0)
