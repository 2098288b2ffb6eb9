"""What a flow in the posterior is worth: the same dense VAE with each of them, on dynamically binarised MNIST.

Run: python -m benchmarks.flow_posteriors --data-dir DIR

Trains every preset below with `run_script.py`, its own defaults and one seed, and prints a table in Markdown: the bound and
the likelihood of the test images with their standard errors, and, image by image, what each model gains over the first.
Runs that are finished in OUT are not repeated, and one that was interrupted goes on: a long table may take several calls.
"""

import pathlib
import subprocess
import sys

import click
import numpy as np
import scipy.stats

from vae_flows.run_folder import RunFolder, read_json

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
SCRIPT = pathlib.Path(__file__).parent.parent / "run_script.py"


@click.command()
@click.option("--data-dir", required=True, help="Where the prepared TFDS data sets are.")
@click.option("--out", default="runs/flow_posteriors", show_default=True, help="Folder of the runs.")
@click.option("--test-images", type=click.IntRange(min=2), help="The first N test images.  [default: all]")
@click.option("--seed", default=0, show_default=True)
def main(data_dir, out, test_images, seed):
    """The table; one row for each finished run."""
    folders = {name: RunFolder(pathlib.Path(out, f"{preset}-{seed}")) for name, preset in PRESETS.items()}
    for name, folder in folders.items():
        if not folder.test_images.is_file():
            words = [PRESETS[name], "--out", folder.path, "--data-dir", data_dir, "--seed", seed]
            words += ["--resume"] if folder.config.is_file() else []
            words += ["--test-images", test_images] if test_images else []
            subprocess.run([sys.executable, SCRIPT, *map(str, words)], check=True)
    print(table(folders))


def table(folders):
    """Rows of the runs, each compared with the first."""
    results = {name: read_json(folder.results) for name, folder in folders.items()}
    values = {name: dict(np.load(folder.test_images)) for name, folder in folders.items()}
    first = next(iter(values.values()))
    counts = {name: len(each["nll"]) for name, each in values.items()}
    if len(set(counts.values())) > 1:
        raise click.ClickException(f"Runs must be judged on the same images. Received: {counts}. Choose another --out.")
    samples = next(iter(results.values()))["test"]["nll"]["samples"]
    lines = [
        f"| posterior | -ELBO | gain | -log p(x), K = {samples} | gain | effective samples | images/s |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, each in values.items():
        test, speed = results[name]["test"], results[name]["training"]["images_per_second"]
        cells = [name]
        for figure in ("neg_elbo", "nll"):
            gain = mean_and_error(first[figure] - each[figure]) if each is not first else ""
            cells += [mean_and_error(each[figure]), gain]
        lines.append(f"| {' | '.join(cells)} | {test['nll']['effective_sample_size']:.0f} | {speed:,.0f} |")
    return "\n".join(lines)


def mean_and_error(values):
    return f"{np.mean(values):.2f} ± {scipy.stats.sem(values):.2f}"


if __name__ == "__main__":
    main()
