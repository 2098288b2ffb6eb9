"""Folders of runs as a finished training leaves them, without any training."""

import copy

import numpy as np
import pytest

from vae_flows.reports.figure_style import save
from vae_flows.reports.images import image_grid
from vae_flows.run_folder import RunFolder, write_json

RESULTS = {
    "preset": "quickstart",
    "dataset": "digits",
    "seed": 3,
    "steps": 2000,
    "parameters": 1234567,
    "training": {"seconds": 143.25, "images_per_second": 2043.0},
    "validation": {"neg_elbo": 113.2},
    "test": {
        "images": 500,
        "neg_elbo": 112.9,
        "neg_elbo_standard_error": 1.34,
        "kl": 25.1,
        "neg_log_likelihood_given_z": 87.8,
        "nll": {
            "method": "importance",
            "value": 108.32,
            "standard_error": 1.21,
            "samples": 1000,
            "effective_sample_size": 42.1,
            "unreliable_images": 451,
        },
        "bits_per_dim": None,
        "bits_per_dim_standard_error": None,
    },
    "latents": None,
    "hais": None,
    "bidirectional": None,
}
CONFIG = {
    "preset": "quickstart",
    "dataset": "digits",
    "data_dir": None,
    "seed": 3,
    "command": "run_script.py quickstart <script>alert(1)</script>",
    "preparation": {"name": "Binarise"},
    "model": {"layers": ["<b>"]},
}


@pytest.fixture
def results():
    """Contents of a `results.json` that a test may change."""
    return copy.deepcopy(RESULTS)


@pytest.fixture
def make_run(tmp_path):
    """Makes a run's folder: `make_run("name", nll=99.0, ...)`; `results=False` for one without results."""

    def make(name, *, nll=108.32, results=True, **changes):
        folder = RunFolder.create(tmp_path / name)
        write_json(folder.config, CONFIG)
        save(image_grid(np.zeros((4, 6, 6, 1), np.uint8)), folder.figures / "samples.png")
        if results:
            contents = {**copy.deepcopy(RESULTS), **changes}
            contents["test"]["nll"]["value"] = nll
            write_json(folder.results, contents)
        return folder

    return make
