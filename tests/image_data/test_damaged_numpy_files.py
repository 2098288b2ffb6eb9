"""Some hundred damaged NumPy files: each is read, or refused in one line that names it."""

import io
import re
import zipfile

import numpy as np
import pytest

from vae_flows.image_data import load

GREY = np.random.default_rng(0).integers(0, 256, (30, 4, 3), np.uint8)
WHOLE = {
    "levels.npy": lambda stream: np.save(stream, GREY),
    "floats.npy": lambda stream: np.save(stream, GREY / 255),
    "stored.npz": lambda stream: np.savez(stream, x_train=GREY, y_train=np.arange(30), x_test=GREY[:5]),
    "packed.npz": lambda stream: np.savez_compressed(stream, images=np.asfortranarray(GREY), labels=np.arange(30)),
}
DTYPES = ("u1", "i1", ">u2", "i4", "i8", "u8", "f2", "f4", ">f8", "g", "c8", "?", "S3", "U2", "O", "M8[s]", "u1,f4")
SHAPES = ((), (0,), (30,), (30, 4), (30, 4, 3), (0, 4, 3), (30, 0, 3), (2, 4, 3), (30, 4, 3, 5), (30, 4, 3, 1, 1))


def written(save, *arrays):
    stream = io.BytesIO()
    save(stream, *arrays)
    return stream.getvalue()


def damaged(random):
    """(name, bytes) of files that are cut, altered, or of arrays that are no images."""
    for name, save in WHOLE.items():
        whole = written(save)
        for _ in range(20):
            yield name, whole[: random.integers(len(whole))]
            at, count = random.integers(len(whole)), random.integers(1, 9)
            yield name, whole[:at] + random.bytes(count) + whole[at + count :]
            at = random.integers(128 if name.endswith("npy") else 60)  # in a header
            yield name, whole[:at] + random.bytes(1) + whole[at + 1 :]
            yield name, whole[:at] + random.bytes(count) + whole[at:]
        for shape in (
            b"(30, 9, 3)",
            b"(99, 4, 3)",
            b"(-1, 4, 3)",
            b"(30, 4,  )",
            b"(30, 4, a)",
            b"(30, {}, )",
            b"(9999999,)",
        ):
            yield name, whole.replace(b"(30, 4, 3)", shape)
        for dtype in (b"|O1", b"<u9", b"<M8", b"<f8", b"|V1", b"'''", b"|S0"):
            yield name, whole.replace(b"|u1", dtype)
        yield name, random.bytes(200)
        yield name, b""
    for dtype in DTYPES:
        for shape in SHAPES:
            array = np.ones(shape, dtype)
            yield "other.npy", written(np.save, array)
            yield "other.npz", written(np.savez, array)
    huge = written(np.save, GREY).replace(b"(30, 4, 3), }       ", b"(3000000000, 4, 3),}")
    yield "huge.npy", huge
    yield "huge.npz", written(lambda stream: zipfile.ZipFile(stream, "w").writestr("images.npy", huge))


def test_each_is_read_or_refused_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    refused, wrong = 0, []
    for number, (name, contents) in enumerate(damaged(np.random.default_rng(1))):
        path = tmp_path / f"{number}-{name}"
        path.write_bytes(contents)
        try:
            load(str(path))
        except ValueError as error:
            refused += 1
            if "\n" in str(error) or not re.search(r"Received: \S", str(error)):
                wrong.append((name, str(error)))
        except Exception as error:
            wrong.append((name, repr(error)))
        path.unlink()
    assert not wrong, f"{len(wrong)} of {number + 1}: {wrong[:8]}"
    assert number > 600 and refused > 500


@pytest.mark.parametrize("name", ["images.npy", "images.npz"])
def test_what_numpy_did_not_write_and_images_of_several_sizes_are_told(name, tmp_path):
    path = tmp_path / name
    path.write_text("hello, I am text")
    with pytest.raises(ValueError, match=r"is no array file\. Expected .* numpy\.save or numpy\.savez\. .* b'hello,'"):
        load(str(path))
    uneven = np.array([np.zeros((3, 3)), np.zeros((2, 2))], object)
    path.write_bytes(
        written(np.save, uneven) if name.endswith("npy") else written(lambda to: np.savez(to, train=uneven))
    )
    with pytest.raises(
        ValueError, match=r"holds Python objects\. Expected: `train` .* of one shape, \[N, H, W\].*=object"
    ):
        load(str(path))
