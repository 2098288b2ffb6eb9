"""What a comparison shows of a run, column by column."""

import dataclasses
from collections.abc import Callable

from vae_flows.run_folder.configuration import words

__all__ = ["COLUMNS", "IMAGES", "MSE", "NLL", "Column"]


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


def _preset(run):
    return f"{run.results['preset']} {words(run.hyperparameters)}".rstrip()


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


def _apart(name, place):
    return lambda run: run.differences[name][place] if name in run.differences else None


def _unsure(run):
    """Of how many test images importance sampling is not to be believed."""
    nll = run.results["test"]["nll"]
    return run.results["test"]["images"] if nll.get("untrained_prior") else nll.get("unreliable_images")


def _away(heading, part, name, *, brief=False):
    """A column of how far restored images are from the clean ones; flagged where the corrupted are no farther."""
    found = _part(part)
    return Column(
        heading,
        found(name),
        "{:.5f}".format,
        error=found("standard_error"),
        images=found("images"),
        flagged=lambda run: run.results.get(part) and found(name)(run) >= found(f"corrupted_{name}")(run),
        values=part,
        brief=brief,
    )


IMAGES, _hais, _restored = _test("images"), _part("hais"), _part("restoration")
NLL = Column(
    "NLL",
    lambda run: run.results["test"]["nll"]["value"],
    _nats,
    error=_test("nll", "standard_error"),
    images=IMAGES,
    flagged=_unsure,
    values="nll",
    brief=True,
)
MSE = _away("restoration MSE", "restoration", "mse", brief=True)
COLUMNS = (
    Column("preset", _preset, numeric=False),
    Column("data", lambda run: run.results["dataset"], numeric=False),
    NLL,
    Column("difference", _apart("nll", 0), _gap, _apart("nll", 1), brief=True),
    Column(
        "HAIS",
        _hais("nll"),
        _nats,
        error=_hais("standard_error"),
        images=_hais("images"),
        flagged=_hais("unreliable_images"),
        values="hais",
        brief=True,
    ),
    Column("-ELBO", _test("neg_elbo"), _nats, _test("neg_elbo_standard_error"), IMAGES, values="neg_elbo", brief=True),
    Column("KL", _test("kl"), _nats),
    Column(
        "bits/dim",
        _test("bits_per_dim"),
        "{:.3f}".format,
        error=_test("bits_per_dim_standard_error"),
        images=IMAGES,
        flagged=NLL.flagged,
        values="nll",
        brief=True,
    ),
    MSE,
    Column("MSE difference", _apart("restoration", 0), "{:+.5f}".format, _apart("restoration", 1), brief=True),
    Column("corrupted MSE", _restored("corrupted_mse"), "{:.5f}".format, brief=True),
    _away("distance of features", "features", "distance"),
    Column("weights", lambda run: run.results["parameters"], "{:,}".format),
    Column("steps", lambda run: run.results["steps"], "{:,}".format),
    Column("images", IMAGES, "{:,}".format, brief=True),
)
