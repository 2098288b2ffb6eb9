import numpy as np
import PIL.Image
import pytest

from vae_flows.reports.curves import overlaid_curves, training_curves
from vae_flows.reports.figure_style import save
from vae_flows.reports.images import image_grid, labelled_rows, reconstruction_pairs, to_bytes
from vae_flows.reports.latent_space import latent_map, principal_components
from vae_flows.reports.projector import write_projector

RANDOM = np.random.default_rng(0)


def pixels(figure, path):
    save(figure, path)
    return np.asarray(PIL.Image.open(path).convert("RGB"))


@pytest.mark.parametrize("channels", [1, 3])
def test_every_image_pixel_is_a_square_of_screen_pixels(channels, tmp_path):
    images = RANDOM.integers(0, 256, (8, 6, 6, channels)).astype(np.uint8)
    picture = pixels(image_grid(images, columns=4), tmp_path / "data.png")
    colours = {tuple(colour) for colour in np.broadcast_to(images, (8, 6, 6, 3)).reshape(-1, 3).tolist()}
    shown, counts = np.unique(picture.reshape(-1, 3), axis=0, return_counts=True)
    areas = {
        tuple(colour): count for colour, count in zip(shown.tolist(), counts, strict=True) if tuple(colour) in colours
    }
    assert areas.keys() == colours  # nothing blurred away
    area = min(areas.values())
    assert round(area**0.5) ** 2 == area and area > 100
    assert picture.shape[1] > 1200


def test_sheets_of_colours_have_gaps_that_show_what_is_behind(tmp_path):
    for channels, gaps in ((1, 0), (3, 1)):
        save(image_grid(np.full((4, 6, 6, channels), 255, np.uint8), columns=2), tmp_path / "sheet.png")
        opaque = np.asarray(PIL.Image.open(tmp_path / "sheet.png"))[..., 3] > 0
        inside = opaque[opaque.any(1)][:, opaque.any(0)]  # without what is empty from side to side
        assert inside.all() and np.count_nonzero(np.diff(opaque.any(1))) == 2 + 2 * gaps


def test_fewer_images_than_columns():
    assert image_grid(np.zeros((3, 4, 4, 1), np.uint8)).get_figwidth() > 1


def test_pairs_stand_one_above_the_other(tmp_path):
    originals = np.full((5, 4, 4, 1), 200, np.uint8)
    figure = reconstruction_pairs(originals, np.full((5, 4, 4, 1), 40 / 255), columns=2)
    assert [text.get_text() for text in figure.texts] == ["original", "reconstruction"] * 2
    picture = pixels(figure, tmp_path / "pairs.png")[..., 0]
    for text, level in zip(figure.texts, (200, 40, 200, 40), strict=True):
        row = picture[round((1.0 - text.get_position()[1]) * picture.shape[0])]
        assert np.median(row[picture.shape[1] // 2 :]) == level


def test_pairs_of_different_shapes_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        reconstruction_pairs(np.zeros((2, 4, 4, 1)), np.zeros((2, 4, 4, 3)))


def test_bytes_round_and_clip():
    assert to_bytes(np.array([-1.0, 0.0, 0.5, 1.0, 7.0])).tolist() == [0, 0, 128, 255, 255]


def test_principal_components_find_the_plane():
    plane = RANDOM.normal(size=(200, 2)) * [5.0, 2.0]
    basis = np.linalg.qr(RANDOM.normal(size=(7, 2)))[0]
    coordinates, shares = principal_components(plane @ basis.T + 3.0)
    assert shares.sum() == pytest.approx(1.0)
    distances = np.linalg.norm(coordinates[:, None] - coordinates, axis=-1)
    np.testing.assert_allclose(distances, np.linalg.norm(plane[:, None] - plane, axis=-1), atol=1e-9)


@pytest.mark.parametrize("label", ["step 4", "encoder, -3109.0", "the encoder's own law, -12345.6"])
def test_no_label_of_a_row_is_cut_off(label):
    figure = labelled_rows(RANDOM.random((3, 2, 5, 4, 1)), (label, "image"))
    figure.canvas.draw()
    assert [text.get_text() for text in figure.texts] == [label, "image"]
    assert min(text.get_window_extent().x0 for text in figure.texts) >= 0


def test_latent_map_has_one_colour_per_label():
    codes, labels = RANDOM.normal(size=(60, 5)), np.arange(60) % 4
    (axes,) = latent_map(codes, labels=labels).axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["0", "1", "2", "3"]
    assert sum(len(points.get_offsets()) for points in axes.collections) == 60
    (axes,) = latent_map(codes, labels=labels, classes=["bus", "cat", "dog", "elk"]).axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["bus", "cat", "dog", "elk"]
    (axes,) = latent_map(codes, labels=None).axes
    assert axes.get_legend() is None and len(axes.collections) == 1


def test_two_features_also_show_the_decoded_plane():
    seen = []

    def decode(z):
        seen.append(z)
        return np.tile(z[:, None, None, :1] > 0, (1, 4, 4, 1)).astype(float)

    codes = RANDOM.normal(size=(400, 2)) * [3.0, 1.0]
    figure = latent_map(codes, decode=decode, cells=8)
    scatter, plane = figure.axes
    np.testing.assert_array_equal(scatter.collections[0].get_offsets(), codes)  # no rotation
    (image,) = plane.images
    picture = np.asarray(image.get_array())
    assert picture[:, : picture.shape[1] // 3].mean() < 10 < 200 < picture[:, -picture.shape[1] // 3 :].mean()
    assert seen[0].shape == (64, 2)
    assert seen[0][0, 1] > seen[0][-1, 1]  # the top row is the largest z[1]


def test_codes_of_one_feature_are_refused():
    with pytest.raises(ValueError, match="at least 2"):
        latent_map(np.zeros((5, 1)))


def test_curves_show_what_was_logged():
    steps = np.arange(0, 1000, 10)
    falling = (steps, 100.0 + 900.0 * np.exp(-steps / 10.0))
    history = {
        "neg_elbo": {"train": falling, "validation": falling},
        "kl": {"train": falling},
        "other": {"train": falling},
    }
    figure = training_curves(history)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Negative ELBO, nats per image", "KL, nats"]
    assert [line.get_label() for line in figure.axes[0].lines] == ["train", "validation"]
    assert figure.axes[0].get_ylim()[1] < 110  # the first plunge does not flatten the rest
    constant = {"neg_elbo": {"train": falling}, "learning_rate": {"train": (steps, np.full(100, 5e-4, "float32"))}}
    low, high = training_curves(constant).axes[1].get_ylim()
    assert low == 0.0 and high > 5.5e-4  # a level line, not its last digits
    (alone,) = training_curves({"neg_elbo": {"train": falling}}).axes
    assert len(alone.lines) == 1
    with pytest.raises(ValueError, match="neg_elbo"):
        training_curves({"kl": {}})


def test_the_projector_s_sheet_of_pictures_is_a_square(tmp_path):
    images = RANDOM.integers(1, 256, (6, 4, 4, 1)).astype(np.uint8)
    write_projector(tmp_path, RANDOM.normal(size=(6, 5)), images)
    sheet = np.asarray(PIL.Image.open(tmp_path / "codes.png"))  # TensorBoard takes as many rows as columns
    assert sheet.shape == (12, 12, 3) and not sheet[8:].any()
    np.testing.assert_array_equal(sheet[4:8, 8:, 0], images[5, ..., 0])


def test_a_short_run_beside_a_long_one_is_in_the_picture():
    steps = np.arange(1, 101)
    runs = {"long": (steps * 100, 80.0 + 50.0 / steps), "short": (steps, 150.0 + 500.0 / steps)}
    figure = overlaid_curves({"set": {run: {"neg_elbo": {"validation": line}} for run, line in runs.items()}})
    low, high = figure.axes[0].get_ylim()
    assert low < 80.5 and 156.0 < high < 200.0


def test_curves_of_runs_are_of_what_each_is_trained_by_with_the_names_below():
    line = np.arange(1, 5), np.array([4.0, 3.0, 2.0, 1.0])
    trained, judged = {"train": line, "validation": line}, {"validation": line}
    extended = {"neg_elbo": judged, "neg_log_extended": trained}
    runs = {f"autoencoding-flow-{place}": extended for place in range(5)} | {"vae": {"neg_elbo": trained}}
    figure = overlaid_curves({"set": runs})
    assert [len(axes.lines) for axes in figure.axes] == [5, 1]
    assert "of image and core" in figure.axes[0].get_title(loc="left") and "ELBO" in figure.axes[1].get_title(
        loc="left"
    )
    figure.canvas.draw()
    for axes in figure.axes:
        key, within = axes.get_legend().get_window_extent(), axes.get_window_extent()
        assert key.y1 < within.y0 and key.x0 > 0 and key.x1 < figure.bbox.width
