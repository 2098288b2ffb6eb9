"""What a flow in the posterior is worth: the same dense VAE with each of them, on dynamically binarised MNIST.

Run: python -m benchmarks.flow_posteriors --data-dir DIR

Trains every preset below with `run_script.py`, its own defaults and one seed, and prints a table in Markdown: the bound and
the likelihood of the test images with their standard errors, and, image by image, what each model gains over the first.
Runs that are finished in OUT are not repeated, and one that was interrupted goes on: a long table may take several calls.
"""

import pathlib

import click

from benchmarks.table_runs import mean_and_error, scores, trained
from vae_flows.reports.likelihood_table import with_error

PRESETS = {
    "none": "mnist_no_flow",
    "planar x16": "mnist_planar",
    "radial x16": "mnist_radial",
    "Householder x16": "mnist_householder",
    "NICE x8": "mnist_nice",
    "RealNVP x8": "mnist_realnvp",
    "Sylvester x8": "mnist_sylvester",
    "spline x4": "mnist_spline",
    "IAF 8 x 320": "mnist_iaf_320",
    "IAF 8 x 320, MAF prior": "mnist_iaf_320_maf_prior",
}


@click.command()
@click.option("--data-dir", required=True, help="Where the prepared TFDS data sets are.")
@click.option("--out", default="runs/flow_posteriors", show_default=True, help="Folder of the runs.")
@click.option("--test-images", type=click.IntRange(min=2), help="The first N test images.  [default: all]")
@click.option("--seed", default=0, show_default=True)
def main(out, seed, **options):
    """The table; one row for each finished run."""
    runs = {
        name: trained(pathlib.Path(out, f"{preset}-{seed}"), preset, [], **options, seed=seed)
        for name, preset in PRESETS.items()
    }
    print(table(runs))


def table(runs):
    """Rows of the runs, each compared with the first."""
    results, values = {name: run.results for name, run in runs.items()}, scores(runs)
    first = next(iter(values.values()))
    samples = next(iter(results.values()))["test"]["nll"]["samples"]
    lines = [
        f"| posterior | -ELBO | gain | -log p(x), K = {samples} | gain | effective samples | images/s |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, each in values.items():
        test, speed = results[name]["test"], results[name]["training"]["images_per_second"]
        cells = [name]
        for figure in ("neg_elbo", "nll"):
            gain = told(first[figure] - each[figure]) if each is not first else ""
            cells += [told(each[figure]), gain]
        lines.append(f"| {' | '.join(cells)} | {test['nll']['effective_sample_size']:.0f} | {speed:,.0f} |")
    return "\n".join(lines)


def told(values):
    return with_error(*mean_and_error(values))


if __name__ == "__main__":
    main()
