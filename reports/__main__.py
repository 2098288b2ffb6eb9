"""Judge, sample and compare finished runs: `python -m vae_flows.reports --help`."""

import math
import pathlib
import shlex
import sys

import click

from vae_flows.reports.settings import CHOICES, SETTINGS
from vae_flows.run_folder.command_line import exit_status, quiet_import, told_in_one_line, warnings_in_one_line

__all__ = ["main", "run"]

_POSITIVE = click.IntRange(min=1)


def _finite(context, option, value):
    if not math.isfinite(value):
        raise click.BadParameter(f"Expected a finite number. Received: {value}.")
    return value


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main():
    """Judge, sample and compare finished runs."""


@main.command()
@click.argument("run", type=click.Path(path_type=pathlib.Path))
@click.option(
    "--method",
    type=click.Choice(list(SETTINGS)),
    help="[default: exact if the model gives log p(x) itself, else importance]",
)
@click.option(
    "--images",
    type=_POSITIVE,
    help="The first N test images, or N simulated ones for `bidirectional`.  [default: all; 50 with chains]",
)
@click.option(
    "--samples",
    type=_POSITIVE,
    help="Importance samples per image.  [default: the training's; 1000 for `bidirectional`]",
)
@click.option("--chains", type=_POSITIVE, help="Chains per image.  [default: 8]")
@click.option(
    "--temperatures", type=click.IntRange(min=2), help="Steps from the start to the posterior.  [default: 500]"
)
@click.option("--start", type=click.Choice(CHOICES["start"]), help="Where the chains start.  [default: posterior]")
@click.option("--leapfrogs", type=_POSITIVE, help="Steps of each trajectory.  [default: 10]")
@click.option(
    "--gradients",
    type=click.Choice(CHOICES["gradients"]),
    help="Precision of the leapfrogs' gradients, float32 for the model's own; the estimate is unbiased with both.  "
    "[default: float32]",
)
def evaluate(run, method, **options):
    """Estimate the NLL, -log p(x) in nats per test image, of the finished RUN.

    What the run's preset says of a method under `evaluation` comes before the defaults named here.
    What is found goes into its results.json, figures/ and report.html. A run that is interrupted goes on where it was when
    the same command is given again.
    """
    given = {name: value for name, value in options.items() if value is not None}
    known = SETTINGS[method or "importance"]
    for name in given.keys() - known:
        raise click.UsageError(
            f"--{name} has no meaning for --method {method or 'importance'}. Expected: {_named(known)}."
        )
    finished = _opened(run)
    from vae_flows.estimators.annealed_run import NoStart
    from vae_flows.reports.judging import checked_method, judge
    from vae_flows.reports.likelihood_table import headline

    with told_in_one_line():
        method = checked_method(finished, method)
    if "images" in given and method != "bidirectional":  # which has as many as it likes
        given["images"] = finished.subject.count(given["images"])
    try:
        with told_in_one_line(OSError, NoStart), warnings_in_one_line():
            said = judge(finished, method, **given)
    except KeyboardInterrupt:
        again = ["evaluate", run, "--method", method]
        again += [word for name, value in given.items() for word in (f"--{name}", value)]
        again = shlex.join(map(str, again))
        click.echo(f"\nWhat is done is kept. Go on with:\n  python -m vae_flows.reports {again}", err=True)
        raise
    click.echo(f"Written to {finished.folder.results} and {finished.folder.report}.")
    for line in dict.fromkeys([said, headline(finished.results)]):  # the figure to believe comes last
        click.echo(line)


@main.command()
@click.argument("run", type=click.Path(path_type=pathlib.Path))
@click.option("--images", type=_POSITIVE, help="The first N test images.  [default: those of the mean squared error]")
@click.option(
    "--weights",
    type=click.Path(exists=True, dir_okay=False, path_type=pathlib.Path),
    help="File of weights without the head.  [default: Keras's of ImageNet, downloaded once]",
)
def features(run, images, weights):
    """Measure how far the images that the finished RUN restores are from the clean ones, in features of Inception v3.

    The distance is the mean squared difference of its 2,048 features, beside that of the corrupted images.
    """
    finished = _opened(run)
    from vae_flows.reports.features import judge_features

    with told_in_one_line():
        said = judge_features(finished, weights=weights, images=images)
    click.echo(f"Written to {finished.folder.results} and {finished.folder.report}.")
    click.echo(said)


@main.command()
@click.argument("run", type=click.Path(path_type=pathlib.Path))
@click.option("--count", type=_POSITIVE, default=64, show_default=True, help="Number of images.")
@click.option(
    "--temperature",
    type=click.FloatRange(min=0.0),
    callback=_finite,
    default=1.0,
    show_default=True,
    help="Of the prior.",
)
@click.option("--seed", type=click.IntRange(min=0, max=2**31 - 1), default=0, show_default=True)
@click.option(
    "--out", type=click.Path(path_type=pathlib.Path), required=True, help="New or empty folder for PNG files."
)
def sample(run, count, temperature, seed, out):
    """Draw images from the finished RUN.

    Each becomes a PNG file of its own, and samples.png shows them all.
    """
    _check_new(out)
    finished = _opened(run, data=False)
    from vae_flows.reports.sampling import write_samples

    with told_in_one_line(OSError):
        out.mkdir(parents=True, exist_ok=True)
        write_samples(finished.model, out, count=count, temperature=temperature, seed=seed)
    click.echo(f"{count} images written to {out}.")


@main.command()
@click.argument("run", type=click.Path(path_type=pathlib.Path))
@click.option("--images", type=_POSITIVE, default=8, show_default=True, help="The first N test images.")
@click.option("--seed", type=click.IntRange(min=0, max=2**31 - 1), default=0, show_default=True)
@click.option(
    "--out", type=click.Path(path_type=pathlib.Path), required=True, help="New or empty folder for PNG files."
)
def views(run, images, seed, out):
    """Show how the model of the finished RUN works: its posterior's steps, or its groups of latents one by one."""
    _check_new(out)
    finished = _opened(run)
    from vae_flows.reports.sampling import write_views

    with told_in_one_line():
        written = write_views(finished.subject, out, images=images, seed=seed)
    for name, shown in written.items():
        click.echo(f"{out / name}: {shown}")


@main.command()
@click.argument("runs", metavar="[FOLDER ...]", nargs=-1, type=click.Path(path_type=pathlib.Path))
@click.option(
    *("--out", "out"),
    type=click.Path(path_type=pathlib.Path, dir_okay=False, writable=True),
    default="runs/comparison.html",
    show_default=True,
    help="The page; beside it come the table as .csv, .md and .tex. Older ones are replaced.",
)
def compare(runs, out):
    """Set all runs found in the FOLDERs side by side, the least NLL, -log p(x), first; or the least error of restored images.

    A FOLDER is a run or holds runs, at any depth.  [default: runs]
    """
    quiet_import("tensorflow")  # TensorBoard's reader of curves wants it
    from vae_flows.reports.comparison import compare
    from vae_flows.reports.comparison_files import as_text, write_comparison

    out = out if out.suffix else out.with_suffix(".html")
    with told_in_one_line():
        comparison = compare(runs or [pathlib.Path("runs")])
        write_comparison(comparison, out)
    click.echo(as_text(comparison, emphasise=lambda text: click.style(text, bold=True)))
    click.echo(f"Written to {out}, and beside it as .csv, .md and .tex.")


def _check_new(out):
    with told_in_one_line():
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise FileExistsError(f"--out must be a new or an empty folder. Received: {out}. Choose another one.")


def _opened(path, *, data=True):
    """The run with its parts read, so that whatever is wrong with them is found before any computing starts."""
    from vae_flows.reports.finished_run import FinishedRun

    with told_in_one_line(), warnings_in_one_line():
        run = FinishedRun.open(path)
        quiet_import("tensorflow")
        _ = (run.results, run.preparation, run.data, run.subject) if data else run.model
    return run


def _named(options):
    return ", ".join(f"--{name}" for name in sorted(options))


def run(arguments=None):
    """Run the command line; exit status 0, 1 for a user's mistake, 130 for Ctrl-C."""
    return exit_status(main, arguments=arguments, name="python -m vae_flows.reports")


if __name__ == "__main__":
    sys.exit(run())
