"""Autoencoding flows beside their equals on Fashion-MNIST: the same networks, the same steps, the same images.

Run: python -m benchmarks.aef_table --data-dir DIR

Trains every row with `run_script.py` for each latent size, takes the weights that validate best, judges the test images, and
prints a table in Markdown, in bits per dimension with standard errors: log p(x) (exact for the flows with a core of pixels
and for the flow of all pixels, else by importance sampling), the bound that was trained where there is one, and, image by
image, what each row gains over the VAE. OUT gets a JSON file for each row and a sheet of samples for each latent size.
Rows that are finished are not repeated, and one that was interrupted goes on: the table may take several calls.
"""

import json
import math
import pathlib

import click
import numpy as np

from benchmarks.table_runs import mean_and_error, scores, slug, trained
from vae_flows.reports.figure_style import save
from vae_flows.reports.images import labelled_rows

REFERENCE = "VAE"
ROWS = {
    "AEF, centre": ("mnist_aef", ["core=centre"]),
    "AEF, corners": ("mnist_aef", ["core=corners"]),
    "AEF, linear": ("mnist_aef", ["core=linear"]),
    REFERENCE: ("mnist_aef_vae", ["prior=maf"]),
    "VAE without flows": ("mnist_aef_vae", []),
    "VAE-IAF": ("mnist_aef_vae", ["prior=maf", "posterior=iaf"]),
    "IWAE": ("mnist_aef_vae", ["prior=maf", "objective=iwae"]),
}
WHOLE = {"MAF of all pixels": ("mnist_pixel_maf", [])}  # one for all latent sizes
SHOWN = 12  # samples of each row


@click.command()
@click.option("--data-dir", help="Where the prepared TFDS data sets are.")
@click.option("--dataset", default="fashion_mnist", show_default=True)
@click.option("--latents", default="2,8,32", show_default=True, help="Latent sizes D.")
@click.option("--steps", default=10_000, show_default=True)
@click.option("--out", default="runs/aef_table", show_default=True, help="Folder of the runs.")
@click.option("--test-images", type=click.IntRange(min=2), help="The first N test images.  [default: all]")
@click.option("--seed", default=0, show_default=True)
def main(latents, out, **options):
    """The table; a block for each latent size."""
    out, blocks, length = pathlib.Path(out), [], f"iterations={options['steps']}"
    whole = {
        name: trained(out / slug(name), preset, [*given, length], **options) for name, (preset, given) in WHOLE.items()
    }
    for latent in map(int, latents.split(",")):
        runs = {
            name: trained(out / f"{slug(name)}-{latent}", preset, [*given, length, f"latent={latent}"], **options)
            for name, (preset, given) in ROWS.items()
        }
        rows = figures({**runs, **whole}, latent)
        for name, row in rows.items():
            (out / f"{slug(name)}-{latent}.json").write_text(json.dumps(row, indent=1))
        samples(runs, out / f"samples-{latent}.png")
        blocks.append(table(rows))
    print("\n".join([HEAD, *blocks]))


def figures(runs, latent):
    """Of each run: bits per dimension with errors, and the gain over the reference, image by image."""
    values = scores(runs)
    found = {}
    for name, run in runs.items():
        results, levels = run.results, run.preparation.levels
        nats = math.prod(run.model.image_shape) * math.log(2.0)
        bits, error = mean_and_error(values[name]["nll"] / nats)
        bound = results["test"]["neg_elbo"]
        gain, gain_error = mean_and_error((values[REFERENCE]["nll"] - values[name]["nll"]) / nats)
        found[name] = {
            "name": name,
            "latent": latent if name in ROWS else "",
            "bits_per_dim": bits + math.log2(levels),
            "standard_error": error,
            "method": results["test"]["nll"]["method"],
            "samples": results["test"]["nll"]["samples"],
            "unreliable_images": results["test"]["nll"].get("unreliable_images", 0),
            "bound": None if bound is None else bound / nats + math.log2(levels),
            "gain": gain,
            "gain_error": gain_error,
            "images": len(values[name]["nll"]),
            "steps": results["steps"],
            "images_per_second": results["training"]["images_per_second"],
        }
    return found


HEAD = "| model | D | bits/dim | by | -ELBO | gain over the VAE | images/s |\n|---|---|---|---|---|---|---|"


def table(rows):
    """Lines of a table, of one latent size."""
    lines = []
    for name, row in rows.items():
        by = "exact" if row["method"] == "exact" else f"{row['samples']} samples, {row['unreliable_images']} unreliable"
        bound = "" if row["bound"] is None else f"{row['bound']:.3f}"
        gain = "" if name == REFERENCE else f"{row['gain']:+.3f} ± {row['gain_error']:.3f}"
        cells = [name, row["latent"], f"{row['bits_per_dim']:.3f} ± {row['standard_error']:.3f}", by, bound, gain]
        lines.append(f"| {' | '.join(map(str, [*cells, format(row['images_per_second'], ',.0f')]))} |")
    return "\n".join(lines)


def samples(runs, path):
    """One row of samples of each run."""
    pictures = np.stack([run.model.sample(SHOWN, seed=0).numpy() for run in runs.values()], 1)  # [SHOWN, runs, H, W, C]
    save(labelled_rows(pictures, tuple(runs)), path)


if __name__ == "__main__":
    main()
