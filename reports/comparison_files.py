"""A comparison of runs as text for a terminal, a page, CSV, Markdown and LaTeX."""

import csv
import io
import re

from vae_flows.reports.comparison import Cell
from vae_flows.reports.curves import overlaid_curves
from vae_flows.reports.figure_style import png
from vae_flows.reports.history import read_history
from vae_flows.reports.page import picture, render
from vae_flows.run_folder.atomic import replacing

__all__ = ["as_csv", "as_latex", "as_markdown", "as_text", "write_comparison"]

_STARS = {"best": "*", "tie": "=", "": ""}
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "†": r"$\dagger$",
}
_NAME = 34  # letters of a run's name in a terminal


def write_comparison(comparison, path):
    """Writes the page at `path`, and beside it the table as .csv, .md and .tex; older ones are replaced."""
    forms = {path.suffix: _page, ".csv": as_csv, ".md": as_markdown, ".tex": as_latex}
    path.parent.mkdir(parents=True, exist_ok=True)
    for suffix, form in forms.items():
        with replacing(path.with_suffix(suffix)) as partial:
            partial.write_text(form(comparison), encoding="utf-8")


def as_text(comparison, *, emphasise=str):
    """The brief table for a terminal: the best entries are `emphasise`d and carry a star, those tied with them a =."""
    kept = [0, *(number for number, column in enumerate(comparison.columns, 1) if column.brief)]
    columns = [_padded([row[number] for row in _table(comparison)], emphasise) for number in kept]
    lines = ["  ".join(entries).rstrip() for entries in zip(*columns, strict=True)]
    return "\n".join([*lines, *(note.replace("A tie is", "A tie (=) is") for note in comparison.notes)])


def as_csv(comparison):
    """All figures unrounded, with their errors and marks in columns of their own."""
    rows = [dict(_unrounded(comparison, row)) for row in comparison.rows]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, dict.fromkeys(name for row in rows for name in row), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def _unrounded(comparison, row):
    for name, cell in zip(["run", *(column.heading for column in comparison.columns)], row, strict=True):
        yield name, cell.value
        if cell.error is not None:
            yield f"{name} error", cell.error
        if cell.mark or cell.flagged:
            yield f"{name} mark", "flagged" if cell.flagged else cell.mark


def as_markdown(comparison):
    """The table in GitHub's Markdown, the best in bold."""
    head, *rows = [[_marked(cell, "**{}**").replace("|", "\\|") for cell in row] for row in _table(comparison)]
    rule = ["---:" if cell.numeric else "---" for cell in _table(comparison)[0]]
    lines = [f"| {' | '.join(row)} |" for row in (head, rule, *rows)]
    return "\n".join([*lines, "", *(f"{note}  " for note in comparison.notes), ""])


def as_latex(comparison):
    """The table for LaTeX with the package booktabs, the best in bold."""
    head, *rows = [
        " & ".join(_marked(cell, r"\textbf{{{}}}", _escaped) for cell in row) + r" \\" for row in _table(comparison)
    ]
    sides = "".join("r" if cell.numeric else "l" for cell in _table(comparison)[0])
    notes = [f"% {note}" for note in comparison.notes]
    begin, end = rf"\begin{{tabular}}{{{sides}}}", r"\end{tabular}"
    return "\n".join([*notes, begin, r"\toprule", head, r"\midrule", *rows, r"\bottomrule", end, ""])


def _page(comparison):
    histories = {}
    for run in comparison.runs:
        histories.setdefault(run.results["dataset"], {})[run.name] = read_history(run.folder.tensorboard)
    curves = overlaid_curves(histories)
    figures = [] if curves is None else [picture(png(curves), title="Validation while training")]
    for run in comparison.runs:
        samples = run.folder.figures / "samples.png"
        if samples.is_file():
            figures.append(picture(samples.read_bytes(), title=run.name, caption="Samples.", text=False))
    return render(
        "comparison.html.j2",
        title="Comparison of runs",
        lead=f"{len(comparison.rows)} run{'s' * (len(comparison.rows) != 1)}, the least NLL of test images first,"
        " or the least error of restored ones.",
        head=_table(comparison)[0],
        rows=comparison.rows,
        width="100rem",
        notes=comparison.notes,
        figures=figures,
    )


def _table(comparison):
    """Rows of cells, the headings first."""
    head = (Cell("run", False), *(Cell(column.heading, column.numeric) for column in comparison.columns))
    return [head, *comparison.rows]


def _marked(cell, bold, escaped=str):
    text = escaped(cell.text)
    return bold.format(text) if cell.mark == "best" else text + " (tie)" * (cell.mark == "tie")


def _escaped(text):
    text = re.sub(r"[\\~^&%$#_{}±†]", lambda found: _LATEX.get(found[0], rf"\{found[0]}"), text)
    return re.sub(r"(^|(?<=\s))([+-])(?=[\d.A-Z])", r"$\2$", text)


def _padded(cells, emphasise):
    """The entries of one column, brought to one width; where one is marked, the others leave room for it."""
    room = any(cell.mark for cell in cells)
    texts = [cell.text if cell.numeric or len(cell.text) <= _NAME else "…" + cell.text[1 - _NAME :] for cell in cells]
    width = max(map(len, texts)) + room
    entries = []
    for cell, text in zip(cells, texts, strict=True):
        entry = text + (_STARS[cell.mark] or " ") * room
        entry = entry.rjust(width) if cell.numeric else entry.ljust(width)
        entries.append(emphasise(entry) if cell.mark == "best" else entry)
    return entries
