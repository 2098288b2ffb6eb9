"""Runs side by side: their likelihoods, and how surely one is better than another."""

import dataclasses
import os

import numpy as np

from vae_flows.reports.compared_columns import COLUMNS, IMAGES, MSE, NLL, Column
from vae_flows.reports.compared_run import Judged, find_runs

__all__ = ["Cell", "Comparison", "compare"]

_TIE = 2.0  # standard errors within which two figures are one


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
    judged.sort(key=lambda run: (run.results["dataset"], run.kind, MSE.value(run) or NLL.value(run)))
    judged = [dataclasses.replace(run, hyperparameters=_own(run, judged)) for run in judged]
    judged = [dataclasses.replace(run, differences=_differences(run, judged)) for run in judged]
    columns = [column for column in COLUMNS if any(column.value(run) is not None for run in judged)]
    rows = tuple((Cell(run.name, False, value=run.name), *(_cell(c, run, judged) for c in columns)) for run in judged)
    return Comparison(tuple(columns), tuple(judged), rows, left_out, _notes(judged, rows, left_out))


def _own(run, runs):
    """The hyperparameters that some other run of the same preset has not alike."""
    equals = [other.hyperparameters for other in runs if other.results["preset"] == run.results["preset"]]
    given = run.hyperparameters.items()
    return {name: value for name, value in given if any(name in each and each[name] != value for each in equals)}


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


def _differences(run, runs):
    found = {}
    for column in (NLL, MSE):
        first = _first(column, runs, run.kind)
        apart = (0.0, None, column.images(run)) if run is first else first and run.minus(first, column.values)
        found |= {column.values: apart} if apart else {}
    return found


def _cell(column, run, runs):
    value, error, flagged = column.value(run), column.error(run), bool(column.flagged(run))
    if value is None:
        return Cell("-", column.numeric)
    text = column.text(value) + (f" ± {column.text(error).lstrip('+')}" if error is not None else "") + "†" * flagged
    if column.images is not None and column.images(run) != IMAGES(run):
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
    if any(run.differences for run in runs):
        notes.append("A difference is that to the run at +0.00, image by image of those that both were judged on.")
    if any(cell.mark == "tie" for cell in cells):
        notes.append(f"A tie is within {_TIE:.0f} standard errors of the best.")
    if any(cell.flagged for cell in cells):
        notes.append(
            "† is flagged, and never marked as the best: too high by an unknown amount for some images, of an untrained prior, "
            "or an error that is not below that of the corrupted images."
        )
    if any(cell.text.endswith(")") and cell.numeric for cell in cells):
        notes.append("A number in brackets is that of the images, where it is not the one in the last column.")
    if len({run.kind for run in runs}) > 1:
        notes.append(
            "Runs on other test images, or on pixels otherwise prepared, do not compare: the best of each kind is marked."
        )
    if len({(run.kind, run.results["test"]["images"]) for run in runs}) > len({run.kind for run in runs}):
        notes.append("A figure of fewer images than another of its kind is never marked as the best.")
    for run in runs:
        if (step := run.folder.trained_since(run.results["steps"])) is not None:
            notes.append(
                f"{run.name} is in training, at step {step:,}; its figures are of {run.results['steps']:,} steps."
            )
    return (*notes, *([f"Left out: {_told(left_out)}"] if left_out else []))


def _told(left_out):
    return " ".join(f"{path}: {reason.rstrip('.')}." for path, reason in left_out.items())
