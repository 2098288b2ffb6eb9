"""Some hundred altered config.json: each run is read as it was, or refused in one line, by who judges it and who goes on."""

import copy
import json
import types

import numpy as np
import pytest

from vae_flows import experiment
from vae_flows.experiment import running
from vae_flows.reports import FinishedRun
from vae_flows.run_folder import RunFolder, read_json, write_json

VALUES = (None, True, -1, 0, 0.5, 1e300, 2**70, "", "x", "../x", [], [1], {}, {"name": "x"}, "\n", [{}], "GreyLevels")


def leaves(value, path=()):
    """The path of every value in nested dictionaries and lists."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in entries:
        yield (*path, key)
        yield from leaves(part, (*path, key))


def altered(config, random):
    """Copies of a configuration with one value replaced, removed, or moved."""
    paths = list(leaves(config))
    shallow = [path for path in paths if len(path) < 3 and path[0] not in ("versions", "command_line")]
    chosen = [path for path in shallow for _ in range(4)] + [paths[i] for i in random.integers(len(paths), size=100)]
    for path in chosen:
        changed = copy.deepcopy(config)
        *above, last = path
        holder = changed
        for key in above:
            holder = holder[key]
        how = random.integers(len(VALUES) + 3)
        if how < len(VALUES):
            holder[last] = VALUES[how]
        elif isinstance(holder, dict):
            moved = holder.pop(last)
            if how == len(VALUES):
                holder[f"{last}x"] = moved
        yield path, changed
    yield from [((), whole) for whole in (None, [], [config], "run", 3, {})]


@pytest.fixture
def readers(place, forget, monkeypatch):
    """What reads a config.json, each but for the model that it would build or load."""
    whole = read_json(place / "run" / "config.json")
    model = FinishedRun.open(place / "run").model

    def judge(folder):
        run = FinishedRun.open(folder)
        run.__dict__["model"] = model
        return run.subject

    def go_on(folder):
        return experiment.take_up(folder)

    def built(folder, preset, about, dataset):
        return running.Run(folder, {**copy.deepcopy(whole), **about}, None, None, {})

    def tiny(data, *, latent=1, hidden=(8,), batch=4, learning_rate=1e-2): ...

    monkeypatch.setattr(running, "_built", built)
    monkeypatch.setattr(running, "find", lambda preset, presets: types.SimpleNamespace(build=tiny))
    return judge, go_on


def test_each_is_read_or_refused_in_one_line(run, readers):
    folder, wrong, refused, count = RunFolder(run), [], 0, 0
    whole = read_json(folder.config)
    for path, config in altered(whole, np.random.default_rng(0)):
        for read in readers:
            folder.config.write_text(json.dumps(config))
            count += 1
            try:
                read(folder.path)
            except (OSError, ValueError) as error:
                refused += 1
                if "\n" in str(error):
                    wrong.append((read.__name__, path, str(error)))
            except Exception as error:
                wrong.append((read.__name__, path, repr(error)))
    assert not wrong, f"{len(wrong)} of {count}: {wrong[:8]}"
    assert count > 400 and refused > 200, (count, refused)


@pytest.mark.parametrize("preparation", [{"name": "Binarise", "levels": 256}, {"name": "Dequantise", "levels": 2}])
def test_a_preparation_that_does_not_fit_the_model_is_refused(preparation, run, readers):
    config = read_json(RunFolder(run).config)
    assert readers[0](run)
    write_json(RunFolder(run).config, {**config, "preparation": preparation})
    with pytest.raises(ValueError, match="does not fit the prepared images|was made for 2 levels"):
        readers[0](run)


def test_a_link_out_of_the_run_is_not_followed(run, tmp_path):
    (tmp_path / "secret.png").write_bytes(b"secret")
    (run / "figures" / "own.png").symlink_to(run / "figures" / "samples.png")
    assert FinishedRun.open(run)
    (run / "figures" / "samples.png").unlink()
    (run / "figures" / "samples.png").symlink_to(tmp_path / "secret.png")
    for read in (FinishedRun.open, experiment.take_up):
        with pytest.raises(OSError, match=r"A link leads out of the run.*samples\.png"):
            read(run)
