"""Runs side by side: their likelihoods, and how surely one is better than another."""

import dataclasses
import os
from collections.abc import Callable

import numpy as np

from vae_flows.reports.compared_run import Judged, find_runs
from vae_flows.run_folder.configuration import words

__all__ = ["COLUMNS", "Cell", "Column", "Comparison", "compare"]

_TIE = 2.0  # standard errors within which two figures are one


@dataclasses.dataclass(frozen=True)
class Column:
    """What one column shows of a `Judged` run.

    `value` gives a number or word, or None; `error` its standard error; `text` its form. Where `images` is given, less is
    better: it says of how many images the figure is, `flagged` of how many it cannot be believed, `values` under which name
    they are known one by one. A terminal shows the `brief` ones.
    """

    heading: str
    value: Callable
    text: Callable = str
    error: Callable = lambda run: None
    images: Callable | None = None
    flagged: Callable = lambda run: 0
    values: str = ""
    numeric: bool = True
    brief: bool = False


@dataclasses.dataclass(frozen=True)
class Cell:
    """One entry of the table. `mark` is "best", "tie" (with the best) or nothing; what is `flagged` is neither."""

    text: str
    numeric: bool
    mark: str = ""
    flagged: bool = False
    value: float | str | None = None
    error: float | None = None


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Runs that have results, best first within each kind.

    Attributes:
        columns: The `Column`s of which at least one run has a value; the name of the run comes before them.
        runs: The `Judged` runs.
        rows: One tuple of `Cell`s per run.
        left_out: {path: why} of the runs that could not be compared.
        notes: What a reader should know before comparing.
    """

    columns: tuple[Column, ...]
    runs: tuple[Judged, ...]
    rows: tuple[tuple[Cell, ...], ...]
    left_out: dict
    notes: tuple[str, ...]


def compare(paths):
    """The `Comparison` of all runs in the folders `paths`.

    Raises:
        FileNotFoundError: if a folder is not there or none holds a run.
        ValueError: if no run has results that can be read, saying of each why.
    """
    folders, judged, left_out = find_runs(paths), [], {}
    above = os.path.commonpath([folder.path.absolute().parent for folder in folders])
    for folder in folders:
        try:
            judged.append(_checked(Judged.read(folder, os.path.relpath(folder.path, above))))
        except (OSError, ValueError) as error:
            left_out[str(folder.path)] = str(error)
        except (AttributeError, KeyError, TypeError) as error:
            left_out[str(folder.path)] = f"its results.json or config.json is not of this version: {error!r}"
    if not judged:
        raise ValueError(f"None of these runs can be compared. {_told(left_out)}")
    judged.sort(key=lambda run: (run.results["dataset"], run.kind, run.results["test"]["nll"]["value"]))
    judged = [dataclasses.replace(run, hyperparameters=_own(run, judged)) for run in judged]
    judged = [dataclasses.replace(run, difference=_difference(run, judged)) for run in judged]
    columns = [column for column in COLUMNS if any(column.value(run) is not None for run in judged)]
    rows = tuple((Cell(run.name, False, value=run.name), *(_cell(c, run, judged) for c in columns)) for run in judged)
    return Comparison(tuple(columns), tuple(judged), rows, left_out, _notes(judged, rows, left_out))


def _own(run, runs):
    """The hyperparameters that some other run of the same preset has not alike."""
    equals = [other.hyperparameters for other in runs if other.results["preset"] == run.results["preset"]]
    given = run.hyperparameters.items()
    return {name: value for name, value in given if any(name in each and each[name] != value for each in equals)}


def _preset(run):
    return f"{run.results['preset']} {words(run.hyperparameters)}".rstrip()


def _checked(run):
    """The run, if its results have what every column asks for."""
    for column in COLUMNS:
        if column.value(run) is not None:
            column.text(column.value(run))
    return run


def _first(column, runs, kind):
    """The run of a kind with the least value of a column, of those with the most images; None where there is none.

    One of fewer images comes before it where it is surely less on those that both have.
    """
    rivals = [run for run in runs if run.kind == kind and column.value(run) is not None]
    most = max(map(column.images, rivals), default=0)
    least = min((run for run in rivals if column.images(run) == most), key=column.value, default=None)

    def lead(run):
        mean, error, _ = run.minus(least, column.values) or (0.0, None, 0)
        return mean if error is not None and mean < -_TIE * error else 0.0

    return min([least, *rivals], key=lead) if rivals else None


def _difference(run, runs):
    first = _first(_NLL, runs, run.kind)
    return (0.0, None, run.results["test"]["images"]) if run is first else run.minus(first, "nll")


def _cell(column, run, runs):
    value, error, flagged = column.value(run), column.error(run), bool(column.flagged(run))
    if value is None:
        return Cell("-", column.numeric)
    text = column.text(value) + (f" ± {column.text(error).lstrip('+')}" if error is not None else "") + "†" * flagged
    if column.images is not None and column.images(run) != _IMAGES(run):
        text += f" ({column.images(run):,})"
    return Cell(text, column.numeric, "" if column.images is None else _mark(column, run, runs), flagged, value, error)


def _mark(column, run, runs):
    """ "best", "tie" with it, or "". Figures that are flagged or of fewer images get no mark, even if nothing is better."""
    rivals = [other for other in runs if other.kind == run.kind and column.value(other) is not None]
    first, most = _first(column, rivals, run.kind), max(map(column.images, rivals))
    if len(rivals) < 2 or any(column.flagged(each) or column.images(each) < most for each in (run, first)):
        return ""
    if run is first:
        return "best"
    apart = run.minus(first, column.values)
    if apart is None:
        errors = column.error(run), column.error(first)
        apart = column.value(run) - column.value(first), None if None in errors else np.hypot(*errors)
    return "tie" if apart[0] == 0.0 or apart[1] is not None and abs(apart[0]) <= _TIE * apart[1] else ""


def _notes(runs, rows, left_out):
    cells = [cell for row in rows for cell in row]
    notes = ["NLL is -log p(x) in nats per image, ± one standard error over images; the less the better."]
    if any(run.difference for run in runs):
        notes.append("The difference is that to the run at +0.00, image by image of those that both were judged on.")
    if any(cell.mark == "tie" for cell in cells):
        notes.append(f"A tie is within {_TIE:.0f} standard errors of the best.")
    if any(cell.flagged for cell in cells):
        notes.append(
            "† is flagged: of some images the figure is too high by an unknown amount. It is never marked as the best."
        )
    if any(cell.text.endswith(")") and cell.numeric for cell in cells):
        notes.append("A number in brackets is that of the images, where it is not the one in the last column.")
    if len({run.kind for run in runs}) > 1:
        notes.append(
            "Runs on other test images, or on pixels otherwise prepared, do not compare: the best of each kind is marked."
        )
    if len({(run.kind, run.results["test"]["images"]) for run in runs}) > len({run.kind for run in runs}):
        notes.append("A figure of fewer images than another of its kind is never marked as the best.")
    return (*notes, *([f"Left out: {_told(left_out)}"] if left_out else []))


def _told(left_out):
    return " ".join(f"{path}: {reason.rstrip('.')}." for path, reason in left_out.items())


def _nats(value):
    return f"{value:,.2f}"


def _gap(value):
    return f"{value:+,.2f}"


def _test(*names):
    def value(run):
        found = run.results["test"]
        for name in names:
            found = found.get(name)
        return found

    return value


def _part(part):
    return lambda name: lambda run: (run.results.get(part) or {}).get(name)


def _apart(place):
    return lambda run: run.difference and run.difference[place]


_IMAGES, _hais, _restored = _test("images"), _part("hais"), _part("restoration")
_NLL = Column(
    *("NLL", lambda run: run.results["test"]["nll"]["value"], _nats, _test("nll", "standard_error"), _IMAGES),
    flagged=_test("nll", "unreliable_images"),
    values="nll",
    brief=True,
)
COLUMNS = (
    Column("preset", _preset, numeric=False),
    Column("data", lambda run: run.results["dataset"], numeric=False),
    _NLL,
    Column("difference", _apart(0), _gap, _apart(1), brief=True),
    Column(
        *("HAIS", _hais("nll"), _nats, _hais("standard_error"), _hais("images"), _hais("unreliable_images")),
        values="hais",
        brief=True,
    ),
    Column("-ELBO", _test("neg_elbo"), _nats, _test("neg_elbo_standard_error"), _IMAGES, values="neg_elbo", brief=True),
    Column("KL", _test("kl"), _nats),
    Column(
        *("bits/dim", _test("bits_per_dim"), "{:.3f}".format, _test("bits_per_dim_standard_error")),
        **{"images": _IMAGES, "flagged": _NLL.flagged, "values": "nll", "brief": True},
    ),
    Column(
        *("restoration MSE", _restored("mse"), "{:.5f}".format, _restored("standard_error"), _restored("images")),
        values="restoration",
    ),
    Column("weights", lambda run: run.results["parameters"], "{:,}".format),
    Column("steps", lambda run: run.results["steps"], "{:,}".format),
    Column("images", _IMAGES, "{:,}".format, brief=True),
)
