"""Runs behind a table: each trained by `run_script.py` in a folder of its own, once; a table may take several calls."""

import json
import pathlib
import re
import subprocess
import sys

import click
import numpy as np
import scipy.stats

from vae_flows.reports import FinishedRun
from vae_flows.run_folder import RunFolder, read_json
from vae_flows.run_folder.atomic import replacing

__all__ = ["mean_and_error", "measured", "scores", "slug", "trained"]

_SCRIPT = pathlib.Path(__file__).parent.parent / "run_script.py"


def slug(name):
    """The name of a row as that of a folder."""
    return re.sub(r"[^a-z0-9.]+", "-", name.lower())


def trained(path, preset, given, **options):
    """The run in a folder, carried out as far as it is not.

    Args:
        path: The folder.
        preset: Name of the preset.
        given: Its hyperparameters, "NAME=VALUE" each.
        options: Of the command line, by name; None leaves one out.
    """
    folder = RunFolder(path)
    if not folder.test_images.is_file():
        words = [preset, *given, "--out", path]
        words += ["--resume"] if folder.config.is_file() else []
        for name, value in options.items():
            words += [] if value is None else [f"--{name.replace('_', '-')}", value]
        subprocess.run([sys.executable, _SCRIPT, *map(str, words)], check=True)
    return FinishedRun.open(path)


def measured(name, folders, settings, make):
    """What a row came to: from the first of the folders that has it with these settings, else made, and kept in the first.

    Args:
        name: Of the row's file, NAME.json.
        folders: Where it may be; None leaves one out.
        settings: What it depends on, such as steps and images.
        make: Called without arguments where it is nowhere; gives a dict of figures.
    """
    paths = [pathlib.Path(folder, f"{name}.json") for folder in folders if folder is not None]
    for path in paths:
        if path.is_file() and (found := read_json(path))["settings"] == settings:
            return found["figures"]
    figures = make()
    paths[0].parent.mkdir(parents=True, exist_ok=True)
    with replacing(paths[0]) as partial:
        partial.write_text(json.dumps({"settings": settings, "figures": figures}) + "\n", encoding="utf-8")
    return figures


def scores(runs):
    """{name: {"nll", "neg_elbo": of each test image}} of the runs, which must be judged on the same ones."""
    values = {name: dict(np.load(run.folder.test_images)) for name, run in runs.items()}
    counts = {name: len(each["nll"]) for name, each in values.items()}
    if len(set(counts.values())) > 1:
        raise click.ClickException(f"Runs must be judged on the same images. Received: {counts}. Choose another --out.")
    return values


def mean_and_error(values):
    """Mean, and its standard error."""
    return float(np.mean(values)), float(scipy.stats.sem(values))
