"""NumPy files of images: whole or block by block, in memory or kept in files, the same set comes out."""

import os
import tracemalloc
import zipfile

import numpy as np
import pytest

from vae_flows.image_data import ImageSpec, from_arrays, load, storage
from vae_flows.image_data.checks import as_levels

GREY = np.random.default_rng(0).integers(0, 256, (60, 5, 4)).astype(np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 256, (40, 3, 4, 3)).astype(np.uint8)
LABELS = np.arange(60) % 3
SPLITS = ("train", "validation", "test")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache of this test's own, and blocks of few images."""
    monkeypatch.setattr(storage, "_BLOCK", 170)  # 8 grey images, the last block 4
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "vae-flows"  # beside what other packages keep


def assert_same(one, other):
    assert (one.name, one.spec) == (other.name, other.spec)
    for split in SPLITS:
        ours, theirs = getattr(one, split), getattr(other, split)
        np.testing.assert_array_equal(ours.images, theirs.images)
        np.testing.assert_array_equal(ours.labels, theirs.labels)
        assert ours.images.dtype == np.uint8 and (ours.labels is None) == (theirs.labels is None)


def test_numpy_files(tmp_path):
    digits = np.random.default_rng(0).integers(0, 256, (50, 8, 8)).astype(np.uint8)
    np.save(tmp_path / "digits.npy", digits)
    images = load(str(tmp_path / "digits.npy"))
    assert images.name == "digits" and images.spec == ImageSpec((8, 8, 1)) and images.train.count == 40
    np.savez(tmp_path / "keras.npz", x_train=digits, y_train=np.arange(50), x_test=digits[:5], y_test=np.arange(5))
    images = load(str(tmp_path / "keras.npz"))
    assert (images.train.count, images.validation.count, images.test.count) == (45, 5, 5)
    np.testing.assert_array_equal(images.test.images[..., 0], digits[:5])
    np.save(tmp_path / "bits.npy", digits > 128)
    images = load(str(tmp_path / "bits.npy"))
    assert images.spec.levels == 2 and images.train.images.max() == 1


def test_bad_numpy_files_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There is no file .*x\.npy"):
        load(str(tmp_path / "x.npy"))
    np.savez(tmp_path / "other.npz", weights=np.zeros(3))
    with pytest.raises(ValueError, match=r"holds no training images.*x_train.*Received: weights"):
        load(str(tmp_path / "other.npz"))
    np.save(tmp_path / "flat.npy", np.zeros([5, 784], np.uint8))
    with pytest.raises(ValueError, match=r"`train` must have the axes \[N, H, W, C\]"):
        load(str(tmp_path / "flat.npy"))


KINDS = {
    "grey levels": lambda grey: grey,
    "half": lambda grey: (grey / 255).astype(np.float16),
    "single": lambda grey: (grey / 255).astype(np.float32),
    "big-endian": lambda grey: (grey / 255).astype(">f4"),
    "double": lambda grey: grey / 255,
    "boolean": lambda grey: grey > 128,
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("kind", KINDS)
def test_archives_give_the_same_in_memory_and_in_files(tmp_path, cache, save, kind):
    stored = KINDS[kind](GREY)
    save(tmp_path / "set.npz", x_train=stored, y_train=LABELS, x_test=stored[:7], unrelated=np.array([{}], object))
    levels = (GREY > 128).astype(np.uint8) if kind == "boolean" else GREY
    expected = from_arrays(
        levels[..., None],
        train_labels=LABELS,
        test=levels[:7, ..., None],
        levels=2 if kind == "boolean" else 256,
        name="set",
    )
    inside, outside = (load(str(tmp_path / "set.npz"), memory_limit=limit) for limit in (10**6, 0))
    assert_same(inside, expected)
    assert_same(outside, expected)
    for split in SPLITS:
        images = getattr(outside, split).images
        assert isinstance(images, np.memmap) and not isinstance(getattr(inside, split).images, np.memmap)
        assert np.shares_memory(np.asarray(memoryview(getattr(outside, split).tensor)), images)
    names = sorted(path.name for path in cache.rglob("*") if path.is_file() and "labels" not in path.name)
    assert names == ["test-0.npy", "train-0.npy", "train-1.npy"]


def test_the_limit_is_that_of_the_whole_set_s_pixels(tmp_path, cache):
    np.savez(tmp_path / "set.npz", train=COLOUR / 255, test=COLOUR[:10])
    pixels = COLOUR.size * 50 // 40
    for limit, mapped in ((pixels, False), (pixels - 1, True)):
        images = load(str(tmp_path / "set.npz"), memory_limit=limit).train.images
        assert isinstance(images, np.memmap) == mapped


def test_single_arrays_are_kept_in_files_too(tmp_path, cache):
    np.save(tmp_path / "set.npy", COLOUR)
    outside = load(str(tmp_path / "set.npy"), memory_limit=0)
    assert isinstance(outside.train.images, np.memmap)
    assert_same(outside, from_arrays(COLOUR, name="set"))


def test_the_second_load_reads_the_cache_until_the_archive_changes(tmp_path, cache):
    path = tmp_path / "set.npz"
    many = np.tile(GREY, [10, 1, 1])  # more than is read with the header
    np.savez(path, images=many, labels=np.tile(LABELS, 10))
    first, state = load(str(path), memory_limit=0), path.stat()
    whole = path.read_bytes()
    pixels = whole.index(many.tobytes())
    path.write_bytes(whole[:pixels] + bytes(many.size) + whole[pixels + many.size :])
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert_same(load(str(path), memory_limit=0), first)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    with pytest.raises(ValueError, match=r"set\.npz is broken\..*CRC"):
        load(str(path), memory_limit=0)


def test_archives_of_one_name_do_not_share_a_cache(tmp_path, cache):
    for folder, images in (("a", GREY), ("b", 255 - GREY)):
        (tmp_path / folder).mkdir()
        np.savez(tmp_path / folder / "set.npz", images)
        os.utime(tmp_path / folder / "set.npz", (0, 0))
    for folder, images in (("a", GREY), ("b", 255 - GREY)):
        loaded = load(str(tmp_path / folder / "set.npz"), memory_limit=0)
        assert_same(loaded, from_arrays(images[..., None], name="set"))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_no_array_is_ever_whole_in_memory(tmp_path, monkeypatch, save):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    save(tmp_path / "set.npz", np.zeros([2000, 64, 64, 1], np.float32))
    tracemalloc.start()
    try:
        load(str(tmp_path / "set.npz"), memory_limit=0)
        outside = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        load(str(tmp_path / "set.npz"))
        inside = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    blocks = 14e6  # a block as the bytes of the archive, and several times in double precision
    assert outside < blocks and 8e6 < inside < 8.2e6 + blocks


def holed(value):
    images = np.zeros([60, 5, 4], np.float32)
    images[37, 2, 1] = value
    return images


@pytest.mark.parametrize(
    ("array", "error", "message"),
    [
        (holed(np.nan), ValueError, r"`train` must be finite\. Received: NaN or infinity in image 37\."),
        (holed(-0.5), ValueError, r"must be in \[0, 1\]\. Received: values from -0\.5 to 0"),
        (holed(0.3), ValueError, r"must be multiples of 1/255"),
        (GREY.astype(np.float32), ValueError, r"must be in \[0, 1\]\. Received: values from \d+ to 2\d\d"),
        (GREY.astype(np.int64) + 1, ValueError, r"values 0 \.\. 255\. Received: values from 1 to 256"),
        (np.array([{}] * 60, object).reshape(60, 1, 1), ValueError, r"Python objects.*dtype=object"),
        (GREY[0], ValueError, r"axes \[N, H, W, C\]\. Received: shape=\(5, 4\)"),
        (GREY[:0], ValueError, r"at least one image.*shape=\(0, 5, 4, 1\)"),
        (GREY[:2], ValueError, r"Too few images to hold any out.*Received: 2"),
    ],
)
@pytest.mark.parametrize("memory_limit", [0, 10**6])
def test_archives_of_other_things_are_refused(tmp_path, cache, array, error, message, memory_limit):
    np.savez(tmp_path / "set.npz", train=array)
    with pytest.raises(error, match=message):
        load(str(tmp_path / "set.npz"), memory_limit=memory_limit)
    assert not [path for path in cache.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"train": GREY, "test": GREY[:, :4]}, r"of one shape.*'test': \(4, 4, 1\)"),
        ({"train": GREY, "train_labels": LABELS[1:]}, r"`train_labels` must have the shape \(60,\).*\(59,\)"),
        ({"train": GREY, "test_labels": LABELS}, r"`test_labels` came without images"),
        (
            {"train": GREY, "train_labels": np.array([{}] * 60, object)},
            r"set\.npz holds .* `train_labels` an array of integers",
        ),
    ],
)
def test_archives_that_do_not_fit_together_are_refused(tmp_path, cache, arrays, message):
    np.savez(tmp_path / "set.npz", **arrays)
    with pytest.raises(ValueError, match=message):
        load(str(tmp_path / "set.npz"), memory_limit=0)


def member(path, *, header, content):
    """An archive with one array of a given header, whatever its content."""
    with zipfile.ZipFile(path, "w") as archive, archive.open("train.npy", "w") as stream:
        header(stream)
        stream.write(content)


def test_damaged_archives_are_refused_by_name(tmp_path, cache):
    path = tmp_path / "set.npz"
    facts = {"descr": "|u1", "fortran_order": False, "shape": GREY.shape}
    member(path, header=lambda stream: np.lib.format.write_array_header_1_0(stream, facts), content=bytes(700))
    with pytest.raises(ValueError, match=r"set\.npz is broken.*train\.npy declares 1,200 bytes .* and holds 828"):
        load(str(path), memory_limit=0)
    member(path, header=lambda stream: None, content=b"no array")
    with pytest.raises(ValueError, match=r"set\.npz is broken.*magic"):
        load(str(path))
    member(path, header=lambda stream: stream.write(np.lib.format.magic(3, 0)), content=b"")
    with pytest.raises(ValueError, match=r"set\.npz is broken.*version \(3, 0\)"):
        load(str(path))
    np.savez_compressed(path, GREY)
    whole = bytearray(path.read_bytes())
    whole[600:700] = bytes(100)
    path.write_bytes(whole)
    with pytest.raises(ValueError, match=r"set\.npz is broken"):
        load(str(path), memory_limit=0)
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_long_headers_are_read(tmp_path, cache):
    facts = {"descr": "|u1", "fortran_order": False, "shape": GREY.shape}
    member(
        tmp_path / "set.npz",
        header=lambda stream: np.lib.format.write_array_header_2_0(stream, facts),
        content=GREY.tobytes(),
    )
    assert_same(load(str(tmp_path / "set.npz"), memory_limit=0), from_arrays(GREY[..., None], name="set"))


def test_arrays_in_fortran_order_are_read_whole_or_refused(tmp_path, cache):
    expected = from_arrays(COLOUR, name="set")
    np.savez(tmp_path / "set.npz", np.asfortranarray(COLOUR))
    assert_same(load(str(tmp_path / "set.npz")), expected)
    with pytest.raises(ValueError, match=r"too large to be read whole.*Received: Fortran order.*ascontiguousarray"):
        load(str(tmp_path / "set.npz"), memory_limit=0)
    np.save(tmp_path / "set.npy", np.asfortranarray(COLOUR))
    assert_same(load(str(tmp_path / "set.npy"), memory_limit=0), expected)


def test_levels_given_are_given_back_uncopied():
    assert as_levels(COLOUR, split="train", levels=256) is COLOUR
