"""What tells one set of images from another."""

import re

import numpy as np
import pytest

from vae_flows.image_data import check_fingerprint, fingerprint, fingerprints, from_arrays, located


def images(count=30, shape=(4, 4, 1), levels=256):
    pixels = np.random.default_rng(0).integers(0, levels, (count, *shape)).astype("uint8")
    return from_arrays(pixels, levels=levels)


def altered(split):
    data = images()
    pixels = getattr(data, split).images.copy()
    pixels[-1, 1, 2, 0] ^= 1
    others = {name: getattr(data, name).images for name in ("train", "validation", "test")}
    return from_arrays(**{**others, split: pixels})


def test_the_same_images_have_the_same_wherever_they_lie():
    data = images()
    again = from_arrays(data.train.images.copy(), validation=data.validation.images, test=data.test.images)
    assert fingerprint(data) == fingerprint(again)
    check_fingerprint(again, fingerprint(data))
    check_fingerprint(again, None)


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_one_pixel_tells(split):
    found = re.escape(str({split: {"images": getattr(images(), split).count, "checksum": "X"}})).replace("X", r"\w{8}")
    with pytest.raises(ValueError, match=f"Expected: {found}. Received: {found}. Put"):
        check_fingerprint(altered(split), fingerprint(images()))


@pytest.mark.parametrize(
    ("other", "words"), [({"levels": 4}, "levels"), ({"shape": (4, 2, 2)}, "shape"), ({"count": 31}, "train")]
)
def test_shape_levels_and_count_tell(other, words):
    with pytest.raises(ValueError, match=f"Expected: .*'{words}': .* Received: .*'{words}': "):
        check_fingerprint(images(**other), fingerprint(images()))


def test_of_a_large_split_every_so_many_th_image_is_read(monkeypatch):
    monkeypatch.setattr(fingerprints, "_READ", 24 * 4 * 4 // 3)  # a third of the training images
    data = images()
    before = fingerprint(data)
    data.train.images[1] ^= 1
    assert fingerprint(data) == before
    data.train.images[3] ^= 1
    assert fingerprint(data)["train"] != before["train"]


def test_names_of_folders_and_files_hold_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    (tmp_path / "mnist").mkdir()
    assert [located(name) for name in ("digits", "mnist")] == ["digits", "mnist"]
    assert located("photos") == located("./photos") == str(tmp_path / "photos")
    assert located("./mnist") == str(tmp_path / "mnist")
    assert located("images.npz") == str(tmp_path / "images.npz")
