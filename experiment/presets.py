"""Presets by name: those that a script hands over in its catalogue, and those of a user's own file."""

import dataclasses
import inspect
import pathlib
from collections.abc import Callable

from vae_flows.experiment.hyperparameters import nearest
from vae_flows.run_folder.user_file import import_file, import_record

__all__ = ["Preset", "catalogue", "find"]


@dataclasses.dataclass(frozen=True)
class Preset:
    """A function that builds a `training.Recipe`, and what belongs to it.

    Args:
        build: `build(data, *, latent=20, ...)`; its name is the preset's, its docstring's first line describes it.
        dataset: The data set that it runs on unless told otherwise.
        section: Under which heading it is listed.
        file: Record of the user's own file that it comes from, or None.
    """

    build: Callable
    dataset: str = "digits"
    section: str = ""
    file: dict | None = None

    @property
    def name(self):
        """The function's name."""
        return self.build.__name__

    @property
    def description(self):
        """What it is, and its data set."""
        return f"{(inspect.getdoc(self.build) or self.name).splitlines()[0]}  [{self.dataset}]"


def catalogue(sections):
    """{name: `Preset`} of a script's presets, in their order; the first one is run where none is named.

    Args:
        sections: {heading: {data set: [function, ...]}}.
    """
    groups = [(title, dataset, builds) for title, section in sections.items() for dataset, builds in section.items()]
    return {each.__name__: Preset(each, dataset, title) for title, dataset, builds in groups for each in builds}


def find(preset, presets=None):
    """The `Preset` that is meant.

    Args:
        preset: A name in `presets`, "FILE.py:FUNCTION", or a preset's function.
        presets: A `catalogue`.

    Raises:
        ValueError: if there is none of that name, naming the nearest one.
        FileNotFoundError: if there is no such file.
    """
    known = presets or {}
    if not isinstance(preset, str):
        return next((each for each in known.values() if each.build is preset), None) or Preset(
            preset, file=_source(preset)
        )
    file, colon, name = preset.rpartition(":")
    if not colon:
        if name not in known:
            raise ValueError(
                f"Unknown preset. Expected one of: {', '.join([*known, 'FILE.py:FUNCTION'])}. "
                f"Received: {name}.{nearest(name, known)}"
            )
        return known[name]
    module = import_file(file)
    own = {key: each for key, each in vars(module).items() if getattr(each, "__module__", "") == module.__name__}
    own = {key: each for key, each in own.items() if inspect.isfunction(each)}
    if name not in own:
        raise ValueError(
            f"There is no such preset in {file}. Expected one of its functions: {', '.join(own) or 'none'}. "
            f"Received: {name}.{nearest(name, own)}"
        )
    return Preset(own[name], file=import_record(file))


def _source(build):
    """Record of the file that a function given as such comes from, if another process can import it under its name."""
    file = pathlib.Path(build.__code__.co_filename)
    return import_record(file) if file.stem == build.__module__ and file.is_file() else None
