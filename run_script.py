"""Edit and run: trains, judges and exports a model. Every hyperparameter stands in the presets below.

python run_script.py                                          IAF-VAE on the embedded digits, minutes on two cores
python run_script.py mnist_iaf --dataset mnist --data-dir DIR
python run_script.py --list
"""

import dataclasses
import os
import pathlib
import sys
import time

import click

import blocks  # noqa: F401  these packages load what is used, when it is used: --help needs no TensorFlow
import decoders
import densities
import encoders
import flows  # noqa: F401
import iaf
import image_data
import latent_models
import reports
import run_folder
import training


def quickstart(data):
    """IAF-VAE sized for minutes on two cores"""
    image, latent, batch = data.spec, 16, 50
    epoch = data.train.count // batch
    law = densities.Bernoulli(image.shape)
    encoder = encoders.DenseEncoder(image.shape, hidden=(400, 400), activation="elu")
    decoder = decoders.DenseDecoder(
        latent, image_shape=image.shape, outputs=law.context, hidden=(400, 400), activation="elu"
    )
    posterior = iaf.iaf_posterior(latent, context=400, layers=4, hidden=(200,), step_context=200, log_scale_offset=-1.0)
    return training.Recipe(
        model=latent_models.VAE(
            encoder=densities.Conditional(encoder, posterior),
            decoder=densities.Conditional(decoder, law),
            prior=densities.StandardNormal(latent),
            objective=latent_models.Elbo(kl_weight=latent_models.LinearWarmup(10 * epoch)),
        ),
        preparation=image_data.Binarise(levels=image.levels),
        optimizer=training.Adam(training.halved_every(1e-3, steps=25 * epoch)),
        batch=batch,
        epochs=100,
        importance_samples=1000,
    )


def mnist_vae(data):
    """VAE with a Gaussian posterior, dense 500-500, latent 50"""
    image, latent, batch = data.spec, 50, 128
    epoch = data.train.count // batch
    law = densities.Bernoulli(image.shape)
    encoder = encoders.DenseEncoder(image.shape, hidden=(500, 500))
    decoder = decoders.DenseDecoder(latent, image_shape=image.shape, outputs=law.context, hidden=(500, 500))
    return training.Recipe(
        model=latent_models.VAE(
            encoder=densities.Conditional(encoder, densities.DiagonalNormal(latent, context=500)),
            decoder=densities.Conditional(decoder, law),
            prior=densities.StandardNormal(latent),
            objective=latent_models.Elbo(kl_weight=latent_models.LinearWarmup(10 * epoch)),
        ),
        preparation=image_data.Binarise(levels=image.levels),
        optimizer=training.Adam(5e-4),
        batch=batch,
        epochs=2000,
        importance_samples=5000,
    )


def iaf_vae(data, encoder, decoder, *, latent):
    """The IAF-VAE of arXiv:1606.04934 around any encoder and decoder network, with its defaults."""
    batch = 200
    epoch = data.train.count // batch
    posterior = iaf.iaf_posterior(
        latent, context=encoder.features, layers=8, hidden=(1920, 1920), step_context=1920, log_scale_offset=-3.0
    )
    return training.Recipe(
        model=latent_models.VAE(
            encoder=densities.Conditional(encoder, posterior),
            decoder=densities.Conditional(decoder, densities.Bernoulli(data.spec.shape)),
            prior=densities.StandardNormal(latent),
            objective=latent_models.Elbo(kl_weight=latent_models.LinearWarmup(200 * epoch)),
        ),
        preparation=image_data.Binarise(levels=data.spec.levels),
        optimizer=training.Adam(training.halved_every(1e-3, steps=800 * epoch)),
        batch=batch,
        epochs=2500,
        importance_samples=1000,
    )


def mnist_iaf(data):
    """IAF-VAE of Kingma et al. 2016 in full: ResNet, latent 64, 8 steps of width 1920"""
    shape, latent = data.spec.shape, 64
    return iaf_vae(
        data,
        encoders.ResNetEncoder(shape),
        decoders.ResNetDecoder(latent, image_shape=shape, outputs=shape[-1]),
        latent=latent,
    )


def mnist_iaf_gated(data):
    """The same with gated convolutions"""
    shape, latent = data.spec.shape, 64
    return iaf_vae(
        data,
        encoders.GatedConvEncoder(shape),
        decoders.GatedConvDecoder(latent, image_shape=shape, outputs=shape[-1]),
        latent=latent,
    )


def mnist_iaf_dense(data):
    """The same with dense networks that see their input at every layer"""
    shape, latent = data.spec.shape, 64
    return iaf_vae(
        data,
        encoders.DenseEncoder(shape, hidden=(500, 500), activation="elu", refed=True),
        decoders.DenseDecoder(
            latent, image_shape=shape, outputs=shape[-1], hidden=(500, 500), activation="elu", refed=True
        ),
        latent=latent,
    )


# Name -> (preset, the data set it runs on unless told otherwise).
PRESETS = {
    "quickstart": (quickstart, "digits"),
    "mnist_vae": (mnist_vae, "mnist"),
    "mnist_iaf": (mnist_iaf, "mnist"),
    "mnist_iaf_gated": (mnist_iaf_gated, "mnist"),
    "mnist_iaf_dense": (mnist_iaf_dense, "mnist"),
}


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.argument("preset", default="quickstart")
@click.option("--dataset", help="TFDS name, `digits` (embedded), a folder of images, or a .npy/.npz file.")
@click.option("--data-dir", help="Where prepared TFDS data sets are, or go.")
@click.option("--out", help="Folder of the run.  [default: runs/PRESET/TIME]")
@click.option("--epochs", type=click.IntRange(min=1), help="Instead of the preset's.")
@click.option("--steps", type=click.IntRange(min=1), help="Stop after this many optimizer steps.")
@click.option("--test-images", type=click.IntRange(min=1), help="Evaluate on the first N test images.")
@click.option("--seed", type=click.IntRange(min=0, max=2**31 - 1), default=0, show_default=True)
@click.option("--resume", is_flag=True, help="Go on with the run in --out.")
@click.option("--list", "list_presets", is_flag=True, help="Print the presets.")
def main(preset, list_presets, **options):
    """Trains, judges and exports PRESET (default: quickstart). Hyperparameters: edit this file."""
    if list_presets:
        for name, (build, dataset) in PRESETS.items():
            click.echo(f"{name:18s} {build.__doc__}  [{dataset}]")
        return
    if preset not in PRESETS:
        raise click.ClickException(f"Unknown preset. Expected one of: {', '.join(PRESETS)}. Received: {preset}.")
    run(preset, **options)


def run(preset, *, dataset, data_dir, out, epochs, steps, test_images, seed, resume):
    """One run: data, model, training, judgement, export."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    run_folder.quiet_import("tensorflow")
    build, default = PRESETS[preset]
    out = out or pathlib.Path("runs", preset, time.strftime("%Y-%m-%d_%H-%M-%S"))
    with run_folder.told_in_one_line():
        data = image_data.load(dataset or default, data_dir=data_dir)
        training.seed_first_weights(seed)
        recipe = build(data)
        recipe.model.seed = seed
        if epochs:
            recipe = dataclasses.replace(recipe, epochs=epochs)
        recipe.check_data(data)
        folder = run_folder.RunFolder.create(out, resume=resume)
        config = training.run_config(recipe, preset=preset, dataset=dataset or default, data_dir=data_dir, seed=seed)
        folder.write_json("config.json", config)
    with training.recorded(folder.log):
        print(f"{preset} on {data.name}: {data.train.count} training images, run in {folder.path}")
        with run_folder.told_in_one_line(training.TrainingStopped):
            outcome = training.fit(recipe, data, folder, seed=seed, steps=steps, resume=resume)
        training.export(recipe.model, recipe.preparation, folder.saved_model)
        with run_folder.warnings_in_one_line():
            results = reports.write_report(
                folder,
                model=recipe.model,
                data=data,
                preparation=recipe.preparation,
                preset=preset,
                seed=seed,
                steps=outcome.steps,
                seconds=outcome.seconds,
                images_per_second=outcome.images_per_second,
                samples=recipe.importance_samples,
                test_images=test_images,
            )
        nll = results["test"]["nll"]
        print(f"NLL {nll['value']:.2f} +- {nll['standard_error']:.2f} nats a test image. Report: {folder.report}")


if __name__ == "__main__":
    sys.exit(run_folder.exit_status(main, name="python run_script.py"))
