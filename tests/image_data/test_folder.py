"""Folders of images: everybody's images."""

import shutil

import numpy as np
import PIL.Image
import pytest
from matplotlib import cbook
from sklearn.datasets import load_sample_images

from vae_flows.image_data import Binarise, ImageSpec, load, training_batches
from vae_flows.image_data.folder import load_folder


@pytest.fixture(scope="module")
def photographs():
    """Crops of mixed sizes from real photographs."""
    random, crops = np.random.default_rng(0), []
    for number in range(30):
        picture = load_sample_images().images[number % 2]
        height, width = random.integers(40, 200, 2)
        top, left = random.integers(0, 200, 2)
        crops.append(picture[top : top + height, left : left + width])
    return crops


def fill(folder, pictures, suffixes=(".jpg", ".png", ".bmp", ".webp")):
    folder.mkdir(parents=True, exist_ok=True)
    for number, picture in enumerate(pictures):
        PIL.Image.fromarray(picture).save(folder / f"{number:03}{suffixes[number % len(suffixes)]}")


def test_colour_photographs_of_mixed_sizes(tmp_path, photographs):
    fill(tmp_path / "holiday", photographs)
    (tmp_path / "holiday" / "notes.txt").write_text("not an image")
    images = load(str(tmp_path / "holiday"))
    assert images.name == "holiday" and images.spec == ImageSpec((32, 32, 3))
    assert [split.count for split in (images.train, images.validation, images.test)] == [24, 3, 3]
    assert images.train.labels is None and images.train.images.std() > 20
    batch = next(iter(training_batches(images.train, batch=8, preparation=Binarise(), seed=0)))
    assert batch.shape == (8, 32, 32, 3)
    np.testing.assert_array_equal(load(str(tmp_path / "holiday")).test.images, images.test.images)
    assert load(str(tmp_path / "holiday"), image_size=48).spec.shape == (48, 48, 3)


def test_the_central_square_is_kept(tmp_path):
    wide = np.zeros([50, 150, 3], np.uint8)
    wide[:, 50:100] = 90
    fill(tmp_path, [wide] * 3 + [wide.swapaxes(0, 1)] * 3, suffixes=(".png",))
    images = load(str(tmp_path), image_size=20)
    for split in (images.train, images.validation, images.test):
        assert (split.images == 90).all()


def test_a_size_that_all_images_share_is_kept(tmp_path, capsys):
    wide = np.random.default_rng(0).integers(0, 256, (9, 30, 40, 3), np.uint8)
    fill(tmp_path / "one", wide, suffixes=(".png",))
    exif = (turned := PIL.Image.fromarray(wide[0])).getexif()
    exif[0x0112] = 6  # the camera was held sideways
    turned.transpose(PIL.Image.Transpose.ROTATE_90).save(tmp_path / "one" / "turned.png", exif=exif)
    exif[0x0112] = 9  # which says nothing
    turned.save(tmp_path / "one" / "unturned.png", exif=exif)
    images = load(str(tmp_path / "one"))
    assert images.spec.shape == (30, 40, 3) and not capsys.readouterr().out
    whole = {
        part.images[k].tobytes() for part in (images.train, images.validation, images.test) for k in range(part.count)
    }
    assert whole == {picture.tobytes() for picture in wide}


@pytest.mark.parametrize(("side", "said"), [(40, "images of 2 sizes"), (300, "images of up to 300 pixels a side")])
def test_a_size_that_is_chosen_is_said(tmp_path, capsys, side, said):
    fill(tmp_path, [np.zeros([side, 300 if side == 300 else 40 + k // 8, 3], np.uint8) for k in range(9)])
    assert load(str(tmp_path)).spec.shape == (32, 32, 3)
    assert f"{said}, cropped to squares and resized to 32 x 32. Another size: --image-size N" in capsys.readouterr().out
    assert load(str(tmp_path), image_size=16).spec.shape == (16, 16, 3) and not capsys.readouterr().out


def test_subfolders_are_classes(tmp_path, photographs):
    fill(tmp_path / "flower", photographs[:10])
    fill(tmp_path / "temple" / "china", photographs[10:30])
    images = load(str(tmp_path))
    assert [np.bincount(part.labels).tolist() for part in (images.train, images.validation, images.test)] == [
        [8, 16],
        [1, 2],
        [1, 2],
    ]
    assert images.classes == ["flower", "temple"]


def test_given_splits_are_kept(tmp_path, photographs):
    fill(tmp_path / "train" / "a", photographs[:10])
    fill(tmp_path / "train" / "b", photographs[10:20])
    fill(tmp_path / "val" / "b", photographs[20:24])
    images = load(str(tmp_path))
    assert [split.count for split in (images.train, images.validation, images.test)] == [18, 4, 2]
    assert images.validation.labels.tolist() == [1] * 4
    fill(tmp_path / "test" / "a", photographs[24:27])
    assert [load(str(tmp_path)).train.count, load(str(tmp_path)).test.count] == [20, 3]


def test_the_majority_decides_between_grey_and_colour(tmp_path, photographs):
    grey = [picture.mean(axis=2).astype(np.uint8) for picture in photographs]
    fill(tmp_path / "grey", grey[:7] + photographs[7:10], suffixes=(".png",))
    fill(tmp_path / "colour", grey[:4] + photographs[4:10], suffixes=(".png",))
    assert load(str(tmp_path / "grey")).spec.shape == (32, 32, 1)
    assert load(str(tmp_path / "colour")).spec.shape == (32, 32, 3)


def test_unusual_files_keep_their_brightness_and_stand_upright(tmp_path):
    pixels = np.zeros([40, 40], np.uint8)
    pixels[:20] = 200
    for number in range(4):
        PIL.Image.fromarray(pixels.astype(np.uint16) * 257).save(tmp_path / f"sixteen-{number}.png")
    PIL.Image.fromarray(pixels).convert("P").save(tmp_path / "palette.png")
    turned = PIL.Image.fromarray(np.ascontiguousarray(pixels.T))
    exif = turned.getexif()
    exif[0x0112] = 6  # the camera was held sideways
    turned.transpose(PIL.Image.Transpose.FLIP_TOP_BOTTOM).save(tmp_path / "turned.png", exif=exif)
    images = load(str(tmp_path), image_size=40)
    assert images.spec.shape == (40, 40, 1)
    for split in (images.train, images.validation, images.test):
        for image in split.images:
            np.testing.assert_allclose(image[..., 0], pixels, atol=1)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_is_white(tmp_path, mode):
    """A drawing whose every pixel is black, more or less transparent: as a viewer shows it on paper."""
    opacity = np.random.default_rng(0).choice(np.array([0, 255], np.uint8), (9, 8, 8))
    for number, each in enumerate(opacity):
        drawing = PIL.Image.merge("LA", (PIL.Image.new("L", (8, 8), 0), PIL.Image.fromarray(each)))
        if mode == "P":
            drawing = PIL.Image.fromarray((each // 255).astype(np.uint8))
            drawing.putpalette([0] * 6)
            drawing.info["transparency"] = b"\x00\xff"
        drawing.convert(mode).save(tmp_path / f"{number}.png")
    images = load(str(tmp_path))
    found = np.concatenate([part.images for part in (images.train, images.validation, images.test)])
    assert {each[..., 0].tobytes() for each in found} == {(255 - each).tobytes() for each in opacity}


@pytest.mark.parametrize(("bits", "told"), [(12, True), (16, False)])
def test_sixteen_bits_that_hold_fewer_are_told(tmp_path, capsys, bits, told):
    for number in range(9):
        pixels = np.random.default_rng(number).integers(0, 2**bits, (8, 8)).astype(np.uint16)
        PIL.Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    load(str(tmp_path))
    assert ("nothing is brighter than 15 of 255" in capsys.readouterr().out) is told


def test_unreadable_files_are_named(tmp_path, photographs, capsys):
    fill(tmp_path, photographs[:12])
    (tmp_path / "empty.png").write_bytes(b"")
    whole = (tmp_path / "000.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])  # has a good header
    with pytest.raises(ValueError, match=r"unreadable files.*Received: empty\.png\..*--skip-unreadable"):
        load(str(tmp_path))
    (tmp_path / "empty.png").unlink()
    with pytest.raises(ValueError, match=r"unreadable files.*Received: cut\.jpg"):
        load(str(tmp_path))
    (tmp_path / "empty.png").write_bytes(b"")
    images = load(str(tmp_path), skip_unreadable=True)
    assert images.train.count + images.validation.count + images.test.count == 12
    assert "empty.png" in (notice := capsys.readouterr().out) and "cut.jpg" in notice
    for path in [*tmp_path.glob("[0-9]*"), tmp_path / "cut.jpg"]:
        path.unlink()
    with pytest.raises(ValueError, match=r"no images to train on.*Received: none that can be read\."):
        load(str(tmp_path), skip_unreadable=True)


@pytest.mark.parametrize(
    ("kind", "values", "outcome"),
    [
        ("uint16", [0, 0x8000, 0xFFFF], [0, 128, 255]),
        ("float32", [0.0, 0.5, 1.0], [0, 128, 255]),
        ("float32", [0.0, 0.5, 1.5], r"0\.tif \(floats from 0 to 1\.5, expected 0 to 1\)"),
        ("float32", [0.0, 0.5, np.nan], r"0\.tif \(floats from nan"),
        (
            "int32",
            [0, 128, 255],
            r"0\.tif \(integers of 32 bits, whose white is not known; save it with 8 or 16 bits\)",
        ),
        ("int16", [0, 128, 255], r"0\.tif \(integers"),
    ],
)
def test_tiffs_of_many_bits_are_scaled_or_refused(kind, values, outcome, tmp_path):
    for number in range(10):
        PIL.Image.fromarray(np.full((4, 4), values[number % 3], kind)).save(tmp_path / f"{number}.tif")
        if isinstance(outcome, str):
            PIL.Image.fromarray(np.array([values, values, values], kind)).save(tmp_path / f"{number}.tif")
    if isinstance(outcome, str):
        with pytest.raises(ValueError, match=outcome):
            load(str(tmp_path), image_size=4)
    else:
        images = load(str(tmp_path), image_size=4)
        assert images.spec.shape == (4, 4, 1)
        assert {int(level) for split in (images.train, images.test) for level in split.images.ravel()} <= set(outcome)
        assert set(np.unique(images.train.images)) == set(outcome)


def test_too_large_images_are_refused_by_a_limit_that_can_be_raised(tmp_path):
    for number in range(10):
        PIL.Image.new("L", (30, 30)).save(tmp_path / f"{number}.png")
    with pytest.raises(ValueError, match=r"0\.png \(900 pixels; raise the limit of 899 with --pixel-limit\)"):
        load(str(tmp_path), pixel_limit=899)
    assert load(str(tmp_path), pixel_limit=900).train.count == 8


def test_folders_without_images_are_refused(tmp_path, photographs):
    with pytest.raises(ValueError, match=r"holds no images to train on.*\.jpg"):
        load(str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"There is no folder"):
        load(str(tmp_path / "missing"))
    fill(tmp_path, photographs[:2])
    with pytest.raises(FileNotFoundError, match=r"This is a file, no folder: .*or a \.npy"):
        load(str(next(path for path in tmp_path.iterdir() if path.is_file())))
    with pytest.raises(ValueError, match=r"Too few images to hold any out.*Received: 2"):
        load(str(tmp_path))
    with pytest.raises(ValueError, match=r"`image_size` must be at least 1"):
        load_folder(tmp_path, image_size=0)


def test_a_folder_that_does_not_fit_is_mapped_and_notices_changes(tmp_path, monkeypatch, photographs):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    fill(tmp_path / "pictures", photographs[:10])
    inside, outside = (load(str(tmp_path / "pictures"), memory_limit=limit) for limit in (10**9, 0))
    assert isinstance(outside.train.images, np.memmap)
    for name in ("train", "validation", "test"):
        np.testing.assert_array_equal(getattr(outside, name).images, getattr(inside, name).images)
    fill(tmp_path / "pictures", photographs[:20])
    assert load(str(tmp_path / "pictures"), memory_limit=0).train.count == 16
    (tmp_path / "pictures" / "cut.jpg").write_bytes((tmp_path / "pictures" / "000.jpg").read_bytes()[:700])
    with pytest.raises(ValueError, match=r"unreadable files.*cut\.jpg"):
        load(str(tmp_path / "pictures"), memory_limit=0)
    assert not list((tmp_path / "cache").rglob(".partial*"))


def test_sample_photograph_of_matplotlib_reads(tmp_path):
    """A real JPEG straight from a camera, as users have them."""
    source = cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    for number in range(3):
        shutil.copyfile(source, tmp_path / f"{number}.JPG")
    image = load(str(tmp_path), image_size=64).train.images[0]
    assert image.shape == (64, 64, 3) and 40 < image.std() < 110
