import json

import keras
import numpy as np
import pytest
import registry

from vae_flows.image_data import GreyLevels, ImageSet, ImageSpec, Preparation, Split
from vae_flows.run_folder import read_json, write_json
from vae_flows.training import Recipe, halved_every, run_config


@pytest.mark.parametrize("name", ["batch", "epochs", "checkpoint_every", "keep", "steps_per_execution", "log_every"])
@pytest.mark.parametrize("value", [0, -1, 2.0, True, None])
def test_counts_are_positive_integers(name, value, new_recipe):
    with pytest.raises(ValueError, match=f"`{name}` must be a positive integer. Received: {name}={value}"):
        new_recipe(**{name: value})


@pytest.mark.parametrize("name", ["model", "optimizer", "preparation"])
def test_parts_are_objects_not_names(name, new_recipe):
    recipe = new_recipe()
    parts = {part: getattr(recipe, part) for part in ("model", "optimizer", "preparation")}
    with pytest.raises(TypeError, match=f"`{name}` must be a .* Received: {name}='adam'"):
        Recipe(**{**parts, name: "adam"}, batch=4, epochs=1)


@pytest.mark.parametrize("given", [{"use_ema": True, "ema_overwrite_frequency": 5}, {"gradient_accumulation_steps": 2}])
def test_optimizers_whose_step_is_not_the_batch_s_are_refused(given, new_recipe):
    recipe = new_recipe()
    with pytest.raises(ValueError, match=f"Received: {list(given)[-1]}="):
        Recipe(
            model=recipe.model,
            preparation=recipe.preparation,
            optimizer=keras.optimizers.Adam(**given),
            batch=4,
            epochs=1,
        )


def images(shape=registry.IMAGE, levels=256, train=8, validation=2):
    parts = {"train": train, "validation": validation, "test": 2}
    splits = {name: Split(np.zeros([count, *shape], np.uint8)) for name, count in parts.items()}
    return ImageSet(name="blank", spec=ImageSpec(shape, levels), **splits)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shape": (8, 6, 3)}, r"Expected: images of shape \(6, 6, 1\). Received: blank .* \(8, 6, 3\)"),
        ({"levels": 2}, "Binarise was made for 256 levels.*Expected the images' 2"),
        ({"train": 3}, "Expected: at least batch=4. Received: blank with 3"),
        ({"validation": 0}, "validation images. Received: blank with none"),
    ],
)
def test_images_that_do_not_fit_are_refused(changes, message, new_recipe):
    new_recipe().check_data(images())
    with pytest.raises(ValueError, match=message):
        new_recipe().check_data(images(**changes))


def test_the_record_of_a_run_rebuilds_its_parts(new_recipe, tmp_path):
    recipe = new_recipe("VAE with IAF posterior", learning_rate=halved_every(0.01, steps=5))
    record = run_config(recipe, preset="small", dataset="ramps", seed=7, command_line=["run"], data_dir=tmp_path)
    write_json(tmp_path / "config.json", record)
    read = read_json(tmp_path / "config.json")
    assert (read["preset"], read["seed"], read["batch"], read["data_dir"]) == ("small", 7, 4, str(tmp_path))
    assert read["versions"]["keras"] == keras.__version__
    assert Preparation.from_config(read["preparation"]) == recipe.preparation
    optimizer = keras.saving.deserialize_keras_object(read["optimizer"])
    assert optimizer.get_config() == recipe.optimizer.get_config()
    model = keras.saving.deserialize_keras_object(read["model"])
    assert json.dumps(model.get_config()) == json.dumps(recipe.model.get_config())


def test_another_preparation_is_recorded(new_recipe):
    record = run_config(new_recipe(preparation=GreyLevels(levels=2)), preset="small", dataset="ramps", seed=0)
    assert record["preparation"] == {"name": "GreyLevels", "levels": 2}


def test_halved_rates_are_exact_and_survive_serialisation():
    rate = halved_every(1e-3, steps=800)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(rate))
    for step, halvings in [(0, 0), (799, 0), (800, 1), (1599, 1), (8000, 10)]:
        assert float(again(step)) == pytest.approx(1e-3 * 0.5**halvings, rel=1e-6)
    with pytest.raises(ValueError, match="steps=0"):
        halved_every(1e-3, steps=0)
