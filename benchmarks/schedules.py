"""What schedules and first weights are worth: the dense VAE 500-500, latent 50, on dynamically binarised MNIST.

Run: python -m benchmarks.schedules --data-dir DIR --epochs 30
     python -m benchmarks.schedules --data-dir DIR --epochs 200

Trains every row with each seed, takes the weights that validate best, judges the test images, and prints a table in Markdown:
negative ELBO and -log p(x) by 100 importance samples, in nats per image; each a mean over the seeds, with the distance between
the largest and the smallest; the gain over the first row, seed by seed, with its standard error over the seeds; and of each
seed, how many latent variables are active, and the epoch of the best weights. Rows that are finished are not repeated, and one
that was interrupted goes on: the table may take several calls. OUT gets a JSON file for each run;
`--measured benchmarks/measured/schedules` takes those measured before as they are.
"""

import functools
import pathlib

import click
import numpy as np

from benchmarks.table_runs import mean_and_error, measured, slug, trained
from vae_flows import decoders, densities, encoders, image_data, latent_models, training

ROWS = {
    "nothing": [],
    "KL warm-up, 10 epochs": ["warmup=10"],
    "rate falls to 1/100": ["falling=true"],
    "rate 1e-3": ["learning_rate=1e-3"],
    "rate falls from 1e-3": ["falling=true", "learning_rate=1e-3"],
    "warm-up, rate falls from 1e-3": ["warmup=10", "falling=true", "learning_rate=1e-3"],
    "head x 0.1": ["gain=0.1"],
    "posterior starts at e^-3": ["offset=-3"],
    "decoder starts at the mean image": ["mean_image=true"],
}


EPOCH = 54_000 // 128  # steps


def dense_vae(
    data, *, warmup=0, falling=False, gain=1.0, offset=0.0, mean_image=False, epochs=30, batch=128, learning_rate=5e-4
):
    """Dense VAE 500-500, latent 50"""
    shape, epoch, hidden, latent = data.spec.shape, data.train.count // batch, (500, 500), 50
    law = densities.Bernoulli(shape)
    encoder = encoders.DenseEncoder(shape, hidden=hidden)
    decoder = decoders.DenseDecoder(latent, image_shape=shape, outputs=law.context, hidden=hidden)
    if mean_image:
        brightness = np.clip(np.mean(data.train.images, 0) / (data.spec.levels - 1), 1e-3, 1 - 1e-3)
        decoder.net.parts[-1].bias.assign(np.log(brightness / (1.0 - brightness)).ravel())
    posterior = densities.DiagonalNormal(latent, context=hidden[-1], gain=gain, log_scale_offset=offset)
    rate = training.warmed_cosine(learning_rate, final=learning_rate / 100, warmup=0, steps=epochs * epoch)
    return training.Recipe(
        model=latent_models.VAE(
            encoder=densities.Conditional(encoder, posterior),
            decoder=densities.Conditional(decoder, law),
            prior=densities.StandardNormal(latent),
            objective=latent_models.Elbo(kl_weight=latent_models.LinearWarmup(warmup * epoch)),
        ),
        preparation=image_data.Binarise(levels=data.spec.levels),
        optimizer=training.Adam(rate if falling else learning_rate),
        batch=batch,
        epochs=epochs,
        evaluation={"importance": {"samples": 100}},
    )


@click.command()
@click.option("--data-dir", help="Where the prepared TFDS data sets are.")
@click.option("--epochs", default=30, show_default=True)
@click.option("--seeds", default="0,1,2", show_default=True)
@click.option(
    "--rows", default="", help="Rows besides the first, by parts of their names, with commas.  [default: all]"
)
@click.option("--out", default="runs/schedules", show_default=True, help="Folder of the runs.")
@click.option("--measured", "before", help="Folder of runs that are not to be repeated.")
@click.option("--test-images", type=click.IntRange(min=2), help="The first N test images.  [default: all]")
def main(data_dir, epochs, seeds, rows, out, before, test_images):
    """The table; a row for each way to train."""
    first, *others = ROWS
    chosen = [first, *(name for name in others if not rows or any(part in name for part in rows.split(",")))]
    runs = {}
    for seed in map(int, seeds.split(",")):
        settings = {"epochs": epochs, "test_images": test_images, "seed": seed}
        for name in chosen:
            place = f"{slug(name)}-{epochs}-{seed}"
            make = functools.partial(judged, name, pathlib.Path(out, place), data_dir=data_dir, **settings)
            runs.setdefault(name, []).append(measured(place, (out, before), settings, make))
    print(table(runs))


def judged(name, path, *, epochs, **about):
    """What a run came to."""
    preset = f"{pathlib.Path(__file__).resolve()}:dense_vae"
    results = trained(path, preset, [f"epochs={epochs}", *ROWS[name]], dataset="mnist", **about).results
    active = {"active_units": results["latents"]["active_units"]}
    return {name: results[name] for name in ("test", "training", "steps")} | active


def table(runs):
    """Lines of the table."""
    lines = [
        "| trained with | -ELBO | range | gain | -log p(x), K = 100 | gain | active units | epoch of the best weights |",
        "|---|---|---|---|---|---|---|---|",
    ]
    figures = {name: values(results) for name, results in runs.items()}
    first = next(iter(figures.values()))
    for name, each in figures.items():
        cells = [name, f"{each[0].mean():.2f}", f"{np.ptp(each[0]):.2f}", gain(first[0] - each[0])]
        cells += [f"{each[1].mean():.2f}", gain(first[1] - each[1])]
        cells += [", ".join(str(each["active_units"]) for each in runs[name])]
        cells += [", ".join(str(round(each["training"]["best_step"] / EPOCH)) for each in runs[name])]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def values(results):
    """Negative ELBO and -log p(x) of the test images, of each seed: [2, seeds]."""
    tests = [each["test"] for each in results]
    return np.array([[test["neg_elbo"] for test in tests], [test["nll"]["value"] for test in tests]])


def gain(differences):
    """Their mean, with its standard error where there are two or more; nothing for the first row."""
    if not np.any(differences):
        return ""
    return "{:+.2f} ± {:.2f}".format(*mean_and_error(differences)) if len(differences) > 1 else f"{differences[0]:+.2f}"


if __name__ == "__main__":
    main()
