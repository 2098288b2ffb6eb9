"""Autoencoding flows beside their equals on Fashion-MNIST: the same networks, the same steps, the same images.

Run: python -m benchmarks.aef_table --data-dir DIR

Trains every row with `run_script.py` for each latent size, takes the weights that validate best, judges the test images, and
prints a table in Markdown, in bits per dimension with standard errors: log p(x) (exact for the flows with a core of pixels
and for the flow of all pixels, else by importance sampling), the bound that was trained where there is one, and, image by
image, what each row's log p(x) gains over the VAE's, and over the VAE's bound. OUT gets a JSON file for each row and a sheet of
samples for each latent size. Rows that are finished are not repeated, and one that was interrupted goes on: the table may take
several calls. `--measured benchmarks/measured/aef_table` takes the rows that have been measured before as they are.
"""

import base64
import math
import pathlib

import click
import numpy as np
import tensorflow as tf

from benchmarks.table_runs import mean_and_error, measured, slug, trained
from vae_flows.reports.figure_style import save
from vae_flows.reports.images import labelled_rows, to_bytes

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
@click.option("--rows", default="", help="Rows besides the VAE, by parts of their names, with commas.  [default: all]")
@click.option("--steps", default=10_000, show_default=True)
@click.option("--out", default="runs/aef_table", show_default=True, help="Folder of the runs.")
@click.option("--measured", "before", help="Folder of rows that are not to be repeated.")
@click.option("--test-images", type=click.IntRange(min=2), help="The first N test images.  [default: all]")
@click.option("--seed", default=0, show_default=True)
def main(latents, rows, out, before, data_dir, **settings):
    """The table; a block for each latent size."""
    chosen = [name for name in (*ROWS, *WHOLE) if name == REFERENCE or any(part in name for part in rows.split(","))]
    whole = {name: row(name, None, out, before, data_dir, settings) for name in WHOLE if name in chosen}
    blocks = []
    for latent in map(int, latents.split(",")):
        found = {name: row(name, latent, out, before, data_dir, settings) for name in chosen if name in ROWS}
        sheet(found, pathlib.Path(out, f"samples-{latent}.png"))
        blocks.append(table({**found, **whole}, latent))
    print("\n".join([HEAD, *blocks]))


def row(name, latent, out, before, data_dir, settings):
    """Figures of a row: see `judged`."""
    preset, given = {**ROWS, **WHOLE}[name]
    given = [*given, f"iterations={settings['steps']}", *([] if latent is None else [f"latent={latent}"])]
    place = slug(name) if latent is None else f"{slug(name)}-{latent}"

    def make():
        return judged(trained(pathlib.Path(out, place), preset, given, data_dir=data_dir, **settings))

    return measured(place, (out, before), {"preset": preset, "given": given, **settings}, make)


def judged(run):
    """Figures of a run: bits per dimension of each test image, how they were found, and a strip of samples."""
    results, values = run.results, np.load(run.folder.test_images)
    nats = math.prod(run.model.image_shape) * math.log(2.0)

    def bits(nats_of_images):
        return [round(float(value / nats) + math.log2(run.preparation.levels), 5) for value in nats_of_images]

    return {
        "nll": bits(values["nll"]),
        "bound": None if results["test"]["neg_elbo"] is None else bits(values["neg_elbo"]),
        "method": results["test"]["nll"]["method"],
        "samples": results["test"]["nll"]["samples"],
        "unreliable_images": results["test"]["nll"].get("unreliable_images", 0),
        "steps": results["steps"],
        "best_step": results["training"]["best_step"],
        "images_per_second": results["training"]["images_per_second"],
        "pictures": encoded(to_bytes(run.model.sample(SHOWN, seed=0))),
    }


def encoded(images):
    """Images [N, H, W, C], uint8, as the text of a PNG that has them one below the other."""
    return base64.b64encode(tf.io.encode_png(np.concatenate(images)).numpy()).decode()


def decoded(text):
    """The images of such a text: [N, H, W, C]."""
    strip = tf.io.decode_png(base64.b64decode(text)).numpy()
    return strip.reshape(SHOWN, -1, *strip.shape[1:])


def sheet(rows, path):
    """One row of samples of each run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures = np.stack([decoded(row["pictures"]) for row in rows.values()], 1)  # [SHOWN, rows, H, W, C]
    save(labelled_rows(pictures, tuple(rows)), path)


HEAD = "| model | D | bits/dim | by | -ELBO | gain over the VAE | over its bound | images/s |\n" + 8 * "|---" + "|"


def table(rows, latent):
    """Lines of a table, of one latent size."""
    reference, lines = rows[REFERENCE], []
    for name, row in rows.items():
        by = (
            "exact"
            if row["method"] == "exact"
            else f"{row['samples']:,} samples, {row['unreliable_images']:,} unreliable"
        )
        bound = "" if row["bound"] is None else f"{np.mean(row['bound']):.3f}"
        cells = [name, latent if name in ROWS else "", with_error(row["nll"]), by, bound]
        cells += ["" if name == REFERENCE else with_error(np.subtract(reference["nll"], row["nll"]), "+")]
        cells += [with_error(np.subtract(reference["bound"], row["nll"]), "+"), f"{row['images_per_second']:,.0f}"]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def with_error(values, sign=""):
    mean, error = mean_and_error(values)
    return f"{mean:{sign}.3f} ± {error:.3f}"


if __name__ == "__main__":
    main()
