"""A pixel law is trained on images it is a law of, or not at all."""

import keras
import numpy as np
import pytest
import registry

from vae_flows.decoders import DenseDecoder
from vae_flows.densities import (
    Bernoulli,
    Conditional,
    DiagonalNormal,
    FixedScaleGaussian,
    LatentScaleGaussian,
    LogisticMixture,
    PixelScaleGaussian,
    SharedScaleGaussian,
    StandardNormal,
)
from vae_flows.encoders import DenseEncoder
from vae_flows.flows import LogitPixels, TransformedPixels
from vae_flows.image_data import Binarise, Dequantise, GreyLevels, ImageSet, ImageSpec, Split
from vae_flows.latent_models import VAE
from vae_flows.training import Recipe, fit

SHAPE = (2, 2, 1)
DENSITIES = {
    kind.__name__: kind(SHAPE)
    for kind in (FixedScaleGaussian, SharedScaleGaussian, PixelScaleGaussian, LatentScaleGaussian)
}
DENSITIES["TransformedPixels"] = TransformedPixels(FixedScaleGaussian(SHAPE), [LogitPixels()])


def recipe(law, preparation):
    model = VAE(
        encoder=Conditional(DenseEncoder(SHAPE, hidden=(3,)), DiagonalNormal(2, context=3)),
        decoder=Conditional(DenseDecoder(2, image_shape=SHAPE, outputs=law.context, hidden=(3,)), law),
        prior=StandardNormal(2),
    )
    return Recipe(model=model, preparation=preparation, optimizer=keras.optimizers.Adam(), batch=2, epochs=1)


def images(levels):
    split = Split(np.zeros([4, *SHAPE], np.uint8))
    return ImageSet(name="blank", spec=ImageSpec(SHAPE, levels), train=split, validation=split, test=split)


@pytest.mark.parametrize("name", registry.MODELS)
def test_models_say_how_many_levels_a_pixel_takes(name):
    assert registry.MODELS[name].build().pixel_levels == (None if "Flow" in name else 2)


def test_a_change_of_variables_around_a_discrete_law_is_refused():
    with pytest.raises(ValueError, match="must be a density.* Received: Bernoulli of 2 levels"):
        TransformedPixels(Bernoulli(SHAPE), [LogitPixels()])


@pytest.mark.parametrize(
    ("preparation", "levels", "expected"),
    [(Binarise, 2, False), (GreyLevels, 16, False), (Dequantise, 16, True)],
)
def test_preparations_say_what_they_make(preparation, levels, expected):
    made = preparation(levels=16)
    assert made.continuous is expected
    assert made.spec_after(ImageSpec(SHAPE, 16)).levels == levels


ACCEPTED = [
    (Bernoulli(SHAPE), Binarise(), 256),
    (Bernoulli(SHAPE), Binarise(levels=2), 2),
    (Bernoulli(SHAPE), GreyLevels(levels=2), 2),
    (LogisticMixture(SHAPE), GreyLevels(), 256),
    (LogisticMixture(SHAPE, levels=16), GreyLevels(levels=16), 16),
    (LogisticMixture(SHAPE, levels=2), Binarise(), 256),
    *((law, Dequantise(), 256) for law in DENSITIES.values()),
    (DENSITIES["SharedScaleGaussian"], Dequantise(levels=2), 2),
]


@pytest.mark.parametrize(("law", "preparation", "levels"), ACCEPTED)
def test_pairs_that_fit_are_accepted(law, preparation, levels):
    assert recipe(law, preparation).check_data(images(levels)) is None


REFUSED = [
    (
        (Bernoulli(SHAPE), GreyLevels(), 256),
        r"Expected: pixels of 2 levels\. Received: pixels of 256 levels, which GreyLevels makes of blank\. "
        r"Use image_data\.Binarise\(levels=256\), or a law of 256 levels\.$",
    ),
    (
        (LogisticMixture(SHAPE), GreyLevels(levels=16), 16),
        r"Expected: pixels of 256 levels\. Received: pixels of 16 levels, which GreyLevels .* Use a law of 16 levels\.$",
    ),
    (
        (LogisticMixture(SHAPE), Binarise(), 256),
        r"Expected: pixels of 256 levels\. Received: pixels of 2 levels, which Binarise .* "
        r"Use image_data\.GreyLevels\(levels=256\), or a law of 2 levels\.$",
    ),
    (
        (Bernoulli(SHAPE), Dequantise(), 256),
        r"Expected: pixels of 2 levels\. Received: continuous pixels, which Dequantise .* "
        r"Use image_data\.Binarise\(levels=256\), or a density\.$",
    ),
    (
        (LogisticMixture(SHAPE, levels=16), Dequantise(levels=16), 16),
        r"Expected: pixels of 16 levels\. Received: continuous pixels, .* Use image_data\.GreyLevels\(levels=16\), or a den",
    ),
    *(
        (
            (law, preparation(levels=16), 16),
            rf"Expected: continuous pixels, as a density is unbounded on discrete ones\. Received: pixels of {levels} levels, "
            rf"which {preparation.__name__} .* Use image_data\.Dequantise\(levels=16\), or a law of {levels} levels\.$",
        )
        for law in DENSITIES.values()
        for preparation, levels in ((Binarise, 2), (GreyLevels, 16))
    ),
]


@pytest.mark.parametrize(("pair", "message"), REFUSED)
def test_pairs_that_do_not_fit_are_refused_on_one_line(pair, message):
    law, preparation, levels = pair
    with pytest.raises(
        ValueError, match=f"^The model's pixel law does not fit the prepared images. {message}"
    ) as caught:
        recipe(law, preparation).check_data(images(levels))
    assert "\n" not in str(caught.value)


def test_levels_of_another_preparation_are_refused_first():
    with pytest.raises(ValueError, match="GreyLevels was made for 256 levels. Expected the images' 16"):
        recipe(LogisticMixture(SHAPE), GreyLevels()).check_data(images(16))


def test_training_does_not_begin_on_them(new_folder):
    folder = new_folder()
    with pytest.raises(ValueError, match="pixel law does not fit"):
        fit(recipe(Bernoulli(SHAPE), GreyLevels()), images(256), folder=folder, seed=0)
    assert not list(folder.checkpoints.iterdir()) and not folder.model.exists()
