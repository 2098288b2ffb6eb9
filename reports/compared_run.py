"""Runs that are to be compared: where they are, and what each test image scored."""

import dataclasses
import os
import pathlib

import numpy as np

from vae_flows.run_folder import RunFolder, read_json
from vae_flows.run_folder.configuration import told_hyperparameters

__all__ = ["Judged", "find_runs"]


@dataclasses.dataclass(frozen=True)
class Judged:
    """A run that has results.

    Attributes:
        folder: `RunFolder`.
        name: Its path below the folder that all compared runs have in common.
        results: Contents of its `results.json`.
        kind: What its figures are of: test images and their preparation. Those of different kinds do not compare.
        values: {"nll", "neg_elbo", "hais", "restoration", "features": float64 [N]} of the test images, as far as
            `test_images.npz` has them.
        hyperparameters: Those in which compared runs of its preset differ.
        differences: {name in `values`: (mean, standard error or None, images)} of its values minus those of the run of its
            kind that is best by them, image by image of those that both have been judged on.
    """

    folder: RunFolder
    name: str
    results: dict
    kind: str
    values: dict
    hyperparameters: dict = dataclasses.field(default_factory=dict)
    differences: dict = dataclasses.field(default_factory=dict)

    @classmethod
    def read(cls, folder, name):
        """The run in a folder.

        Raises:
            OSError, ValueError: if it has no results yet, or a file is broken.
            KeyError, TypeError, AttributeError: if a file is not of this version.
        """
        if not folder.results.is_file():
            raise ValueError("it has no results.json: its training or evaluation is not finished")
        results, config = read_json(folder.results), read_json(folder.config)
        images = (config.get("data") or {}).get("test", results["dataset"])
        kind = f"{images} {config['preparation']} {config.get('corruption')}"
        return cls(folder, name, results, kind, _values(folder, results), told_hyperparameters(config))

    def minus(self, other, name):
        """(mean, standard error, images) of the differences from another run, image by image; None without values."""
        pair = [run.values[name] for run in (self, other) if name in run.values]
        if len(pair) < 2:
            return None
        images = min(map(len, pair))
        differences = pair[0][:images] - pair[1][:images]
        return differences.mean(), differences.std(ddof=1) / np.sqrt(images) if images > 1 else None, images


def find_runs(paths):
    """All runs in the folders `paths`, at any depth: {folder: its `RunFolder`}.

    Raises:
        FileNotFoundError: if one of the folders is not there, or none holds a run.
    """
    found = {}
    for path in map(pathlib.Path, paths):
        if not path.is_dir():
            raise FileNotFoundError(f"There is no folder {path}. Expected a run, or a folder of runs.")
        for place, folders, files in os.walk(path):
            folders.sort()
            if "config.json" in files:
                found.setdefault(os.path.realpath(place), RunFolder(place))
                folders.clear()  # a run holds no runs
    if not found:
        raise FileNotFoundError(f"There is no run in {', '.join(map(str, paths))}. Expected a folder with config.json.")
    return list(found.values())


def _values(folder, results):
    """What each test image scored, as far as it is what the results are means of."""
    test, hais = results["test"], results.get("hais") or {}
    means = {"nll": (test["images"], test["nll"]["value"]), "neg_elbo": (test["images"], test["neg_elbo"])}
    means["hais"] = hais.get("images"), hais.get("nll")
    restored = results.get("restoration") or {}
    means["restoration"] = restored.get("images"), restored.get("mse")
    featured = results.get("features") or {}
    means["features"] = featured.get("images"), featured.get("distance")
    try:
        with np.load(folder.test_images) as arrays:
            values = {name: arrays[name].astype(np.float64) for name in means if name in arrays}
    except (OSError, ValueError):
        return {}
    return {name: each for name, each in values.items() if _fits(each, *means[name])}


def _fits(values, images, mean):
    return len(values) == images and mean is not None and np.isclose(values.mean(), mean)
