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
        build: `build(data, *, latent=20, ...)`; its docstring's first line describes it, its name is the preset's.
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
        """The first line of its docstring."""
        return (inspect.getdoc(self.build) or "").partition("\n")[0]


def catalogue(sections):
    """{name: `Preset`} of a script's presets, in their order; the first one is run where none is named.

    Args:
        sections: {heading: {data set: [function, ...]}}.

    Example:
        >>> def tiny(data, *, latent=2):
        ...     "VAE with two latents"
        >>> catalogue({"To begin with": {"digits": [tiny]}})["tiny"].description
        'VAE with two latents'
    """
    return {
        build.__name__: Preset(build, dataset, section)
        for section, groups in sections.items()
        for dataset, builds in groups.items()
        for build in builds
    }


def find(preset, presets=None):
    """The `Preset` that is meant.

    Args:
        preset: A name in `presets`, "FILE.py:FUNCTION", a preset's function, or a `Preset`.
        presets: A `catalogue`.

    Raises:
        ValueError: if there is none of that name, naming the nearest one.
        FileNotFoundError: if there is no such file.
    """
    if isinstance(preset, Preset):
        return preset
    known = presets or {}
    if inspect.isfunction(preset):
        return next((each for each in known.values() if each.build is preset), None) or Preset(
            preset, file=_source(preset)
        )
    file, colon, name = str(preset).rpartition(":")
    if not colon:
        if preset not in known:
            raise ValueError(
                f"Unknown preset. Expected one of: {', '.join([*known, 'FILE.py:FUNCTION'])}. "
                f"Received: {preset}.{nearest(preset, known)}"
            )
        return known[preset]
    module = import_file(file)
    own = [
        key for key, value in vars(module).items() if inspect.isfunction(value) and value.__module__ == module.__name__
    ]
    if name not in own:
        raise ValueError(
            f"There is no such preset in {file}. Expected one of its functions: {', '.join(own) or 'none'}. "
            f"Received: {name}.{nearest(name, own)}"
        )
    return Preset(getattr(module, name), file=import_record(file))


def _source(build):
    """Record of the file that a function given as such comes from, if another process can import it."""
    file = inspect.getsourcefile(build)
    if build.__module__ == "__main__" or file is None or not pathlib.Path(file).is_file():
        return None
    return import_record(file) if build.__module__ == pathlib.Path(file).stem else None
