"""What is refused before Keras reads it."""

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
