"""Whether every colour preset trains on photos of several sizes: its loss falls, no step is skipped, nothing is infinite.

Run: python -m benchmarks.colour_stability --dataset PHOTOS
     python -m benchmarks.colour_stability --dataset PHOTOS --presets cifar10_nvae groups=6 channels=32

Trains each preset at each size with each seed, as `run_script.py PRESET --dataset PHOTOS --image-size SIZE --steps STEPS
batch=BATCH NAME=VALUE ...` does, and prints a table in Markdown: for each preset and size, the loss of the first and of the
last tenth of the steps in bits per dimension (ranges over the seeds), the largest loss that was logged after the first tenth,
and the steps that were skipped for their gradients. Photos come from a folder, best with larger ones than the largest size.
Runs that are finished are not repeated, and one that was interrupted goes on: the table may take several calls. OUT gets a
JSON file for each run; `--measured` takes those of runs on the same images as they are.
"""

import multiprocessing
import pathlib

import click

from benchmarks.table_runs import measured
from vae_flows import experiment, image_data
from vae_flows.run_folder import RunFolder, read_json, write_json

PRESETS = "cifar10_vae,cifar10_planar,cifar10_vlae,cifar10_aef,cifar10_aef_vae"


@click.command()
@click.argument("words", nargs=-1, metavar="[NAME=VALUE ...]")
@click.option("--dataset", required=True, help="Folder of photos, or any other data set.")
@click.option("--presets", default=PRESETS, show_default=True)
@click.option("--sizes", default="32,48,64", show_default=True, help="Sides of the images, in pixels.")
@click.option("--seeds", default="0,1,2", show_default=True)
@click.option("--steps", type=click.IntRange(min=100), default=1000, show_default=True)
@click.option("--batch", default=8, show_default=True)
@click.option("--out", default="runs/colour_stability", show_default=True, help="Folder of the runs.")
@click.option("--measured", "before", help="Folder of runs that are not to be repeated.")
def main(words, dataset, presets, sizes, seeds, out, before, **options):
    """The table; a row for each preset and size. NAME=VALUE sets a hyperparameter of all the presets."""
    if not all("=" in word and not word.startswith("batch=") for word in words):
        raise click.ClickException(f"Expected NAME=VALUE, and --batch for a batch. Received: {' '.join(words)}.")
    lines = [
        "| preset, size | bits/dim at first | at last | largest in between | steps skipped |",
        "|---|---|---|---|---|",
    ]
    for size in map(int, sizes.split(",")):
        settings = {**options, "images": image_data.check_fingerprint(image_data.load(dataset, image_size=size), None)}

        def run(preset, seed, size=size, settings=settings):
            name, given = "-".join([preset, *words, str(size), seed]), (preset, words, size, int(seed))
            return measured(
                name, (out, before), settings, lambda: found(*given, pathlib.Path(out, name), dataset, **options)
            )

        for preset in presets.split(","):
            runs = [run(preset, seed) for seed in seeds.split(",")]
            row = " ".join([preset, *words])
            cells = [f"{row}, {size}", *(_range(runs, name) for name in ("first", "last", "largest"))]
            lines.append(f"| {' | '.join([*cells, str(sum(run['skipped'] for run in runs))])} |")
    print("\n".join(lines))


def found(preset, words, size, seed, path, dataset, **options):
    """What a run came to; in a process of its own, which gives its memory back."""
    given = (preset, words, size, seed, path, dataset)
    process = multiprocessing.get_context("spawn").Process(target=train, args=given, kwargs=options, daemon=True)
    process.start()
    process.join()
    if process.exitcode:
        raise click.ClickException(f"{path} did not end; see {path / 'log.txt'}. Call again to go on.")
    return read_json(path / "found.json")


def train(preset, words, size, seed, path, dataset, *, steps, batch):
    """The training of a run as far as it is not done, and what it came to, in its folder."""
    from vae_flows import run_script
    from vae_flows.reports.evaluation import bits_per_dim
    from vae_flows.reports.history import read_history

    if RunFolder(path).config.is_file():
        run = experiment.take_up(path, presets=run_script.PRESETS)
    else:
        given = dict(word.split("=", 1) for word in words) | {"batch": str(batch)}
        about = {"dataset": dataset, "image_size": size, "steps": steps, "seed": seed, "hyperparameters": given}
        run = experiment.begin(preset, presets=run_script.PRESETS, out=path, **about)
    with run.recorded(quiet=True):
        run.train()
    at, losses = read_history(run.folder.tensorboard)["loss"]["train"]
    bits = bits_per_dim(losses, spec=run.data.spec, preparation=run.recipe.preparation)["bits_per_dim"]
    early, late = at <= max(at[0], steps // 10), at > steps - max(1, steps // 10)
    write_json(
        path / "found.json",
        {
            "first": bits[early].mean(),
            "last": bits[late].mean(),
            "largest": bits[~early].max(),
            "skipped": int(run.recipe.model.skips.total),
        },
    )


def _range(runs, name):
    least, most = (f(run[name] for run in runs) for f in (min, max))
    return f"{least:.2f}" if len(runs) == 1 else f"{least:.2f} to {most:.2f}"


if __name__ == "__main__":
    main()
