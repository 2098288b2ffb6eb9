"""Every preset builds a recipe that fits images of its kind."""

import numpy as np
import pytest

import run_script
from vae_flows.image_data import from_arrays

SHAPES = {"digits": (28, 28, 1), "mnist": (28, 28, 1), "cifar10": (32, 32, 3)}
PRESETS = run_script.presets()


@pytest.fixture(scope="module")
def images():
    """Noise of each shape, enough for a batch of any preset."""
    generator = np.random.default_rng(0)
    return {
        shape: from_arrays(generator.integers(0, 256, (300, *shape), dtype="uint8"), name="noise")
        for shape in set(SHAPES.values())
    }


@pytest.mark.parametrize("name", PRESETS)
def test_the_recipe_fits_its_data(name, images):
    build, description, dataset = PRESETS[name]
    data = images[SHAPES[dataset]]
    recipe = build(data)
    recipe.check_data(data)
    assert recipe.model.latent_features > 0
    assert description and "\n" not in description


@pytest.mark.parametrize("flow", run_script.FLOWS, ids=lambda flow: flow.__name__)
def test_a_static_flow_has_its_base_alone_depend_on_the_image(flow, images):
    build, _, dataset = PRESETS[f"{flow.__name__}_static"]
    posterior = build(images[SHAPES[dataset]]).model.encoder.density
    assert posterior.transform.context == 0
    assert posterior.base.context == posterior.context == 400
    amortised = flow(images[SHAPES[dataset]]).model.encoder.density
    assert amortised.transform.context == 64
