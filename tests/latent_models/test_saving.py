"""What is refused before Keras reads it."""

import json
import sys
import zipfile

import pytest

from vae_flows.latent_models import load_model


def test_a_configuration_that_unpacks_to_too_much_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "model.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", " " * 5000)
    with pytest.raises(ValueError, match=r"too large. Expected: at most 4,999 bytes. Received: 5,000.*`config_limit`"):
        load_model(tmp_path / "model.keras", config_limit=4999)


def test_what_is_no_archive_is_refused(tmp_path):
    (tmp_path / "model.keras").write_bytes(b"no archive")
    with pytest.raises(ValueError, match="not a Keras model"):
        load_model(tmp_path / "model.keras")
    with pytest.raises(FileNotFoundError, match="No model at"):
        load_model(tmp_path / "none.keras")


@pytest.mark.parametrize("module", ["vlae", "keras_hub", "keras_cv.layers", "aef.model"])
def test_no_module_of_the_working_directory_is_imported(module, tmp_path, monkeypatch):
    (tmp_path / f"{module.split('.')[0]}.py").write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    part = {"module": module, "class_name": "Part", "registered_name": "Part", "config": {}}
    model = {"module": "vae_flows.latent_models.vae", "class_name": "VAE", "config": {"encoder": [part]}}
    with zipfile.ZipFile("model.keras", "w") as archive:
        archive.writestr("config.json", json.dumps(model))
    with pytest.raises(ValueError, match=rf"names foreign modules. Expected: .*vae_flows.* Received: {module}\."):
        load_model("model.keras")
    assert module not in sys.modules


def test_a_damaged_model_is_refused_in_one_line(tmp_path):
    import keras

    keras.Sequential([keras.Input([3]), keras.layers.Dense(50)]).save(tmp_path / "model.keras")
    whole = (tmp_path / "model.keras").read_bytes()
    for at in range(10, len(whole), len(whole) // 40):
        for damaged in (whole[:at], whole[:at] + bytes(20) + whole[at + 20 :]):
            (tmp_path / "model.keras").write_bytes(damaged)
            try:
                load_model(tmp_path / "model.keras")
            except ValueError as error:
                assert "\n" not in str(error) and "model.keras" in str(error)
