"""Variational Laplace beside its equals: the same dense networks, epochs, seed and images, Gaussian logits.

Run: python -m benchmarks.vlae_table --data-dir DIR

Trains every row with `run_script.py mnist_vlae model=...` on each data set, takes the weights that validate best, judges the
test images, and prints a table in Markdown, in nats per image with standard errors: the negative ELBO; -log p(x) by
importance sampling with 5,000 samples; what it gains over the VAE, image by image; the same without the Jacobian of the logit,
as published; -log p(x) of the first 100 images by annealing, beside importance sampling's of the same. The last row is the
VAE trained for as long as VLAE took: what the steps are worth at equal time. OUT gets a JSON file for each data set. Rows that
are finished are not repeated, and one that was interrupted goes on: the table may take several calls.
"""

import json
import pathlib

import click
import numpy as np
import tensorflow as tf

from benchmarks.table_runs import mean_and_error, scores, slug, trained
from vae_flows import flows

REFERENCE, SLOW, LONGER = "VAE", "VLAE", "VAE, VLAE's time"
ROWS = {
    REFERENCE: "vae",
    "SA-VAE": "sa_vae",
    "HF": "householder",
    "IAF": "iaf",
    "IWAE": "iwae",
    SLOW: "vlae",
}


@click.command()
@click.option("--data-dir", help="Where the prepared TFDS data sets are.")
@click.option("--datasets", default="fashion_mnist,mnist", show_default=True)
@click.option("--epochs", default=30, show_default=True)
@click.option("--out", default="runs/vlae_table", show_default=True, help="Folder of the runs.")
@click.option("--test-images", type=click.IntRange(min=2), help="The first N test images.  [default: all]")
@click.option("--equal-time/--equal-epochs", default=True, show_default=True, help="Whether to train the last row.")
@click.option("--seed", default=0, show_default=True)
def main(datasets, out, epochs, equal_time, **options):
    """The table; a block for each data set."""
    for dataset in datasets.split(","):
        folder = pathlib.Path(out) / dataset

        def run(name, model, epochs, folder=folder, dataset=dataset):
            given = [f"model={model}", f"epochs={epochs}"]
            return trained(folder / slug(name), "mnist_vlae", given, dataset=dataset, **options)

        runs = {name: run(name, model, epochs) for name, model in ROWS.items()}
        if equal_time:
            seconds = {name: runs[name].results["training"]["seconds"] for name in (REFERENCE, SLOW)}
            runs[LONGER] = run(LONGER, "vae", max(epochs, round(epochs * seconds[SLOW] / seconds[REFERENCE])))
        rows = figures(runs)
        (folder / "table.json").write_text(json.dumps(rows, indent=1))
        print(table(dataset, rows))


def figures(runs):
    """Of each run: nats per image with errors, and the gain over the reference, image by image."""
    values = scores(runs)
    found = {}
    for name, run in runs.items():
        results, nll = run.results, values[name]["nll"]
        hais = results.get("hais")
        found[name] = {
            "neg_elbo": mean_and_error(values[name]["neg_elbo"]),
            "nll": (results["test"]["nll"]["value"], results["test"]["nll"]["standard_error"]),
            "samples": results["test"]["nll"]["samples"],
            "gain": mean_and_error(values[REFERENCE]["nll"] - nll),
            "jacobian": float(np.mean(jacobian(run, len(nll)))),
            "hais": hais and (hais["nll"], hais["standard_error"]),
            "nll_of_those": hais and float(np.mean(nll[: hais["images"]])),
            "images_per_second": results["training"]["images_per_second"],
            "seconds": results["training"]["seconds"],
            "steps": results["steps"],
            "images": len(nll),
        }
    return found


def jacobian(run, images):
    """log|det| of the logit at each of the first test images: what published figures leave out, [N]."""
    x = tf.constant(run.subject.prepared(images))
    return flows.chained(run.model.decoder.density.transforms).forward_log_det_jacobian(x, event_ndims=3)


def table(dataset, rows):
    """Lines of a table, of one data set."""
    first = rows[REFERENCE]
    lines = [
        f"| {dataset}, {first['images']:,} test images | -ELBO | -log p(x), K = {first['samples']:,} | gain over the VAE "
        "| log-likelihood without Jacobian | HAIS (importance sampling), 100 images | images/s | steps |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        annealed = "" if row["hais"] is None else f"{_with_error(row['hais'])} ({row['nll_of_those']:.2f})"
        cells = [name, _with_error(row["neg_elbo"]), _with_error(row["nll"])]
        cells += ["" if name == REFERENCE else _with_error(row["gain"], "+"), f"{-row['nll'][0] - row['jacobian']:.2f}"]
        cells += [annealed, f"{row['images_per_second']:,.0f}", f"{row['steps']:,}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _with_error(pair, sign=""):
    return f"{pair[0]:{sign}.2f} ± {pair[1]:.2f}"


if __name__ == "__main__":
    main()
