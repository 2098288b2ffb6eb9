"""Runs side by side: one table, sorted by the likelihood of the test images."""

import dataclasses
from collections.abc import Callable

from vae_flows.reports.page import data_uri, render
from vae_flows.run_folder import RunFolder, read_json

__all__ = ["Cell", "Column", "Comparison", "compare"]


@dataclasses.dataclass(frozen=True)
class Column:
    """What one column shows of a run's `results.json`.

    `value` gives the number or word, `text` its form on the page; where `lower_is_better`, the least value is the best.
    """

    heading: str
    value: Callable
    text: Callable = str
    lower_is_better: bool = False
    numeric: bool = True


@dataclasses.dataclass(frozen=True)
class Cell:
    """One entry of the table."""

    text: str
    numeric: bool
    best: bool = False


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Runs that have results, best first, and those that have none.

    Attributes:
        columns: The `Column`s of which at least one run has a value; the name of the run comes before them.
        rows: One tuple of `Cell`s per run, sorted by -log p(x).
        names: Names of the runs, in the order of the rows.
        folders: Their `RunFolder`s.
        lacking: Names of the runs without results.
        notes: What a reader should know before comparing.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    names: tuple[str, ...]
    folders: tuple[RunFolder, ...]
    lacking: tuple[str, ...]
    notes: tuple[str, ...]

    def text(self, *, emphasise=str):
        """The table for a terminal; `emphasise` is applied to the best entries, which also carry a star."""
        heads = [Cell("run", False), *(Cell(column.heading, column.numeric) for column in self.columns)]
        columns = [_padded(cells, emphasise) for cells in zip(heads, *self.rows, strict=True)]
        lines = ["  ".join(entries).rstrip() for entries in zip(*columns, strict=True)]
        return "\n".join([*lines, *self.notes])

    def page(self):
        """The table and each run's samples as one self-contained HTML page."""
        samples = {name: run.figures / "samples.png" for name, run in zip(self.names, self.folders, strict=True)}
        shown = {name: data_uri(path) for name, path in samples.items() if path.is_file()}
        figures = [{"title": name, "source": source, "caption": "Samples."} for name, source in shown.items()]
        return render(
            "comparison.html.j2",
            title="Comparison of runs",
            lead=f"{len(self.rows)} run{'s' * (len(self.rows) != 1)}, sorted by -log p(x) of the test images.",
            columns=[Column("run", str, numeric=False), *self.columns],
            rows=self.rows,
            notes=self.notes,
            figures=figures,
        )


def compare(paths):
    """The `Comparison` of the runs in the folders `paths`.

    Raises:
        FileNotFoundError: if one of them is no run.
        ValueError: if a file of a run is broken, or if no run has results.
    """
    folders = [RunFolder.open(path) for path in dict.fromkeys(paths)]
    lacking = tuple(str(folder.path) for folder in folders if not folder.results.is_file())
    found = [(folder, _complete(folder)) for folder in folders if folder.results.is_file()]
    if not found:
        raise ValueError(f"None of these runs has results. Expected results.json in one of: {', '.join(lacking)}.")
    found.sort(key=lambda pair: pair[1]["test"]["nll"]["value"])
    results = [result for _, result in found]
    columns = tuple(column for column in _COLUMNS if any(column.value(result) is not None for result in results))
    names = tuple(str(folder.path) for folder, _ in found)
    rows = tuple(
        (Cell(name, False), *(_cell(column, result, results) for column in columns))
        for name, result in zip(names, results, strict=True)
    )
    ordered = tuple(folder for folder, _ in found)
    return Comparison(columns, rows, names, ordered, lacking, _notes(results, lacking))


def _complete(folder):
    """The results of a run, refused by name if what every run's results hold is missing."""
    results = read_json(folder.results)
    try:
        for column in _COLUMNS:
            value = column.value(results)
            if value is not None:
                column.text(value)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"The file {folder.results} is not complete. Expected the keys of this version. Received: no {error}. "
            "Evaluate the run again: python -m vae_flows.reports evaluate RUN."
        ) from error
    return results


def _cell(column, result, results):
    value = column.value(result)
    if value is None:
        return Cell("-", column.numeric)
    rivals = [column.value(other) for other in results if other["dataset"] == result["dataset"]]
    best = column.lower_is_better and len(results) > 1 and value == min(rival for rival in rivals if rival is not None)
    return Cell(column.text(value), column.numeric, best)


def _padded(cells, emphasise):
    """The entries of one column, brought to one width; where one is the best, the others leave room for its star."""
    star = any(cell.best for cell in cells)
    width = max(len(cell.text) for cell in cells) + star
    entries = []
    for cell in cells:
        entry = cell.text + ("*" if cell.best else " ") * star
        entry = entry.rjust(width) if cell.numeric else entry.ljust(width)
        entries.append(emphasise(entry) if cell.best else entry)
    return entries


def _notes(results, lacking):
    notes = []
    if len({result["dataset"] for result in results}) > 1:
        notes.append(
            "The runs are on different data sets, whose likelihoods do not compare: the best of each is marked."
        )
    if len({result["test"]["images"] for result in results}) > 1:
        notes.append("The runs were judged on different numbers of test images.")
    if lacking:
        notes.append(f"Without results, left out: {', '.join(lacking)}.")
    return tuple(notes)


def _nats(value):
    return f"{value:,.2f}"


_COLUMNS = (
    Column("preset", lambda r: r["preset"], numeric=False),
    Column("data", lambda r: r["dataset"], numeric=False),
    Column("-log p(x)", lambda r: r["test"]["nll"]["value"], _nats, lower_is_better=True),
    Column("std. error", lambda r: r["test"]["nll"]["standard_error"], _nats),
    Column("HAIS", lambda r: r["hais"] and r["hais"]["nll"], _nats, lower_is_better=True),
    Column("neg. ELBO", lambda r: r["test"]["neg_elbo"], _nats, lower_is_better=True),
    Column("KL", lambda r: r["test"]["kl"], _nats),
    Column("-log p(x|z)", lambda r: r["test"]["neg_log_likelihood_given_z"], _nats),
    Column("bits/dim", lambda r: r["test"]["bits_per_dim"], "{:.3f}".format, lower_is_better=True),
    Column("restoration MSE", lambda r: (r.get("restoration") or {}).get("mse"), "{:.5f}".format, lower_is_better=True),
    Column("weights", lambda r: r["parameters"], "{:,}".format),
    Column("steps", lambda r: r["steps"], "{:,}".format),
    Column("images", lambda r: r["test"]["images"], "{:,}".format),
)
