"""Every preset builds a recipe that fits images of its kind, and obeys its keyword arguments."""

import ast
import inspect
import pathlib
import typing

import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_sample_images

import run_script
from vae_flows.blocks import initialise_from_data
from vae_flows.experiment.hyperparameters import completed, keywords
from vae_flows.image_data import from_arrays, training_batches

SHAPES = {"digits": (28, 28, 1), "mnist": (28, 28, 1), "cifar10": (32, 32, 3), "celeb_a": (64, 64, 3)}
PRESETS = run_script.PRESETS
LESS = {name: {"channels": 4, "groups": (1, 1)} for name in PRESETS if "nvae" in name}  # else seconds each
CHOICES = [
    (name, {argument: word})
    for name, preset in PRESETS.items()
    for argument, parameter in keywords(preset.build).items()
    for word in typing.get_args(parameter.annotation)
    if word != parameter.default
]
FLOWS = [name for name, preset in PRESETS.items() if "step_context" in keywords(preset.build)]


@pytest.fixture(scope="module")
def images():
    """Noise of each shape, enough for a batch of any preset."""
    generator = np.random.default_rng(0)
    return {
        shape: from_arrays(generator.integers(0, 256, (500, *shape), dtype="uint8"), name="noise")
        for shape in set(SHAPES.values())
    }


@pytest.mark.parametrize(("name", "given"), [*((name, LESS.get(name, {})) for name in PRESETS), *CHOICES], ids=str)
def test_the_recipe_fits_its_data(name, given, images):
    preset = PRESETS[name]
    data = images[SHAPES[preset.dataset]]
    recipe = preset.build(data, **completed(preset.build, given))
    recipe.check_data(data)
    assert recipe.model.latent_features > 0


def test_the_readme_names_them_all():
    text = (pathlib.Path(run_script.__file__).parent / "README.md").read_text(encoding="utf-8")
    assert not [name for name in PRESETS if f"`{name}`" not in text]


@pytest.mark.parametrize("name", PRESETS)
def test_its_arguments_are_described_and_used(name):
    preset = PRESETS[name]
    assert preset.description and preset.section
    assert {"batch", "learning_rate"} <= set(keywords(preset.build)), (
        "--resume learning_rate=... and small sets need them"
    )
    body = ast.parse(inspect.getsource(preset.build)).body[0].body
    used = {node.id for part in body for node in ast.walk(part) if isinstance(node, ast.Name)}
    assert set(keywords(preset.build)) <= used


@pytest.mark.parametrize("name", FLOWS)
def test_with_static_steps_the_base_alone_depends_on_the_image(name, images):
    preset = PRESETS[name]
    data = images[SHAPES[preset.dataset]]
    static = preset.build(data, step_context=0).model.encoder.density
    assert static.transform.context == 0
    assert static.base.context == static.context == 400
    assert preset.build(data, latent=4).model.encoder.density.transform.context == 64


def test_arguments_reach_the_parts(images):
    data = images[SHAPES["mnist"]]
    recipe = run_script.mnist_planar(data, latent=5, layers=3, hidden=(30, 20), batch=9, learning_rate=0.25)
    assert (recipe.model.latent_features, recipe.batch) == (5, 9)
    assert recipe.model.encoder.density.transform.layers == 3
    assert recipe.model.encoder.network.features == 20
    assert float(recipe.optimizer.learning_rate) == 0.25


def test_first_steps_on_colour_photos_are_calm():
    """Scales of the posterior started at 72 and stood at e^50 after one step, and the loss at 11 nats a pixel."""
    photo = load_sample_images().images[0]
    crops = np.stack([photo[8 * k : 8 * k + 48, 12 * k : 12 * k + 48] for k in range(40)])
    data = from_arrays(crops, validation=crops[:2], test=crops[:2])
    recipe = PRESETS["cifar10_planar"].build(data, batch=32)
    x = next(iter(training_batches(data.train, batch=32, preparation=recipe.preparation, seed=0)))
    model = recipe.model
    first = {"seed": tf.constant([0, 1]), "step": None, "training": False}
    initialise_from_data(model, lambda: model.minimised(x, x, **first))
    losses = [np.mean(model.minimised(x, x, **first).recorded["neg_log_likelihood_given_z"])]
    model.compile(recipe.optimizer, run_eagerly=True)
    for _ in range(2):
        model.train_on_batch(x)
        losses.append(np.mean(model.minimised(x, x, **first).recorded["neg_log_likelihood_given_z"]))
        assert np.min(scales := model.encoder.density.base(model.encoder.network(x)).stddev()) > 0.05
        assert np.max(scales) < 10
    assert max(losses) < 2 * losses[0]


@pytest.mark.parametrize("shape", [(27, 27, 1), (1, 1, 1)])
def test_the_flow_of_all_pixels_takes_images_of_any_size(shape):
    data = from_arrays(np.random.default_rng(0).integers(0, 256, (200, *shape), dtype="uint8"), name="noise")
    recipe = run_script.mnist_pixel_maf(data, layers=1, width=max(8, shape[0] * shape[1]), batch=16)
    recipe.check_data(data)


def test_codes_may_be_longer_than_the_usual_width_of_their_flows(images):
    assert run_script.mnist_aef(images[28, 28, 1], latent=300).model.latent_features == 300
