"""Edit and run: trains, judges and exports a model. Every hyperparameter stands in the presets below.

python run_script.py                                          IAF-VAE on the embedded digits, minutes on two cores
python run_script.py mnist_iaf --dataset mnist --data-dir DIR
python run_script.py --list
"""

import dataclasses
import functools
import os
import pathlib
import sys
import time

import click

from vae_flows import (
    blocks,  # these packages load what is used, when it is used: --help needs no TensorFlow
    decoders,
    densities,
    encoders,
    flows,
    iaf,
    image_data,
    latent_models,
    reports,
    run_folder,
    training,
)


def quickstart(data):
    """IAF-VAE with a flow prior, sized for minutes on two cores"""
    image, latent, batch = data.spec, 16, 50
    epoch = data.train.count // batch
    law = densities.Bernoulli(image.shape)
    encoder = encoders.DenseEncoder(image.shape, hidden=(400, 400), activation="elu")
    decoder = decoders.DenseDecoder(
        latent, image_shape=image.shape, outputs=law.context, hidden=(400, 400), activation="elu"
    )
    gated = [flows.Autoregressive(latent, element=flows.Gated(), hidden=(200,), context=200) for _ in range(4)]
    posterior = flows.Flow(
        flows.with_reversals(gated),
        densities.DiagonalNormal(latent, context=400, log_scale_offset=-1.0),
        context_network=blocks.FeatureNet(400, hidden=(200,), activation="elu"),
    )
    masked = [flows.Autoregressive(latent, element=flows.Affine(), hidden=(100,)) for _ in range(2)]
    prior = flows.Flow(flows.with_reversals([flows.Invert(step) for step in masked]), densities.StandardNormal(latent))
    return training.Recipe(
        model=latent_models.VAE(
            encoder=densities.Conditional(encoder, posterior),
            decoder=densities.Conditional(decoder, law),
            prior=prior,
            objective=latent_models.Elbo(kl_weight=latent_models.LinearWarmup(5 * epoch)),
        ),
        preparation=image_data.Binarise(levels=image.levels),
        optimizer=training.Adam(training.halved_every(1e-3, steps=25 * epoch)),
        batch=batch,
        epochs=90,
        evaluation={"importance": {"samples": 1000}, "hais": {"images": 20, "chains": 8, "temperatures": 100}},
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
        evaluation={"importance": {"samples": 5000}, "hais": {"images": 100, "temperatures": 1000}},
    )


def iaf_vae(data, encoder, decoder, *, latent):
    """The IAF-VAE of arXiv:1606.04934 around any encoder and decoder network, with its defaults."""
    batch = 200
    epoch = data.train.count // batch
    posterior = iaf.paper_posterior(latent, context=encoder.features, depth=8, width=1920, log_scale_offset=-3.0)
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
        evaluation={
            "importance": {"samples": 1000},
            "hais": {"images": 100, "chains": 8, "temperatures": 2000, "leapfrogs": 10, "start": "base"},
        },
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


def flow_vae(data, posterior, *, prior=None, activation="relu"):
    """Dense 2 x 400 networks around a posterior given 400 features: what flows are compared in. Try activation="gated"."""
    image, latent, batch = data.spec, posterior.features, 128
    epoch = data.train.count // batch
    law = densities.Bernoulli(image.shape)
    hidden = {"hidden": (400, 400), "activation": activation}
    encoder = encoders.DenseEncoder(image.shape, **hidden)
    decoder = decoders.DenseDecoder(latent, image_shape=image.shape, outputs=law.context, **hidden)
    return training.Recipe(
        model=latent_models.VAE(
            encoder=densities.Conditional(encoder, posterior),
            decoder=densities.Conditional(decoder, law),
            prior=prior or densities.StandardNormal(latent),
            objective=latent_models.Elbo(kl_weight=latent_models.LinearWarmup(5 * epoch)),
        ),
        preparation=image_data.Binarise(levels=image.levels),
        optimizer=training.Adam(training.halved_every(1e-3, steps=10 * epoch)),
        batch=batch,
        epochs=30,
    )


def mnist_no_flow(data):
    """Dense VAE, latent 20: Gaussian posterior, to compare the flows below with"""
    return flow_vae(data, densities.DiagonalNormal(20, context=400))


def mnist_planar(data, **steps):
    """Dense VAE, latent 20: 16 planar maps"""
    return flow_vae(data, flows.premade.planar(20, context=400, layers=16, **steps))


def mnist_radial(data, **steps):
    """Dense VAE, latent 20: 16 radial maps"""
    return flow_vae(data, flows.premade.radial(20, context=400, layers=16, **steps))


def mnist_householder(data, **steps):
    """Dense VAE, latent 20: 16 Householder reflections"""
    return flow_vae(data, flows.premade.householder(20, context=400, layers=16, **steps))


def mnist_nice(data, **steps):
    """Dense VAE, latent 20: 8 additive couplings and a scaling"""
    return flow_vae(data, flows.premade.nice(20, context=400, layers=8, **steps))


def mnist_realnvp(data, **steps):
    """Dense VAE, latent 20: 8 affine couplings"""
    return flow_vae(data, flows.premade.real_nvp(20, context=400, layers=8, hidden=(128, 128), **steps))


def mnist_sylvester(data, **steps):
    """Dense VAE, latent 20: 8 Sylvester maps, each with 10 orthonormal columns"""
    return flow_vae(data, flows.premade.sylvester(20, context=400, layers=8, **steps))


def mnist_spline(data, **steps):
    """Dense VAE, latent 20: 4 spline couplings of 8 bins"""
    spline = flows.RationalQuadratic(bins=8)
    return flow_vae(data, flows.premade.neural_spline(20, context=400, layers=4, element=spline, **steps))


def mnist_iaf_320(data):
    """Dense VAE, latent 20: 8 IAF steps of width 320"""
    return flow_vae(data, flows.premade.iaf(20, context=400, layers=8, hidden=(320,)))


def mnist_iaf_320_maf_prior(data):
    """Dense VAE, latent 20: 8 IAF steps of width 320, and 4 MAF steps of width 256 in the prior"""
    posterior = flows.premade.iaf(20, context=400, layers=8, hidden=(320,))
    return flow_vae(data, posterior, prior=flows.premade.maf(20, layers=4, hidden=(256,)))


def mnist_plane(data):
    """Dense VAE with two latents and 8 IAF steps in the posterior, for pictures of the latent plane"""
    return flow_vae(data, flows.premade.iaf(2, context=400, layers=8, hidden=(64, 64)))


def pixel_vae(data, encoder, decoder, posterior, law, preparation, *, epochs, flips=False):
    """A VAE for any pixel law."""
    epoch = data.train.count // 128
    return training.Recipe(
        model=latent_models.VAE(
            encoder=densities.Conditional(encoder, posterior),
            decoder=densities.Conditional(decoder, law),
            prior=densities.StandardNormal(posterior.features),
            objective=latent_models.Elbo(kl_weight=latent_models.LinearWarmup(10 * epoch)),
        ),
        preparation=preparation,
        optimizer=training.Adam(5e-4),
        batch=128,
        epochs=epochs,
        flips=flips,
    )


def dense_pixel_vae(data, pixels):
    """Dense VAE, latent 50, on all grey levels"""
    (law, preparation), latent = pixels(data, alpha=1e-6), 50
    encoder = encoders.DenseEncoder(data.spec.shape, hidden=(500, 500))
    decoder = decoders.DenseDecoder(latent, image_shape=data.spec.shape, outputs=law.context, hidden=(500, 500))
    posterior = densities.DiagonalNormal(latent, context=500)
    return pixel_vae(data, encoder, decoder, posterior, law, preparation, epochs=500)


def resnet_pixel_vae(data, pixels):
    """ResNet VAE, latent 128, on flipped colour images"""
    (law, preparation), latent = pixels(data, alpha=0.05), 128
    encoder = encoders.ResNetEncoder(data.spec.shape, features=512)
    decoder = decoders.ResNetDecoder(latent, image_shape=data.spec.shape, outputs=law.context)
    posterior = densities.DiagonalNormal(latent, context=512, log_scale_offset=-3.0)  # else the first steps overshoot
    return pixel_vae(data, encoder, decoder, posterior, law, preparation, epochs=200, flips=True)


def logistic(data, alpha, components=1):
    """one discretised logistic a pixel"""
    law = densities.LogisticMixture(data.spec.shape, levels=data.spec.levels, components=components)
    return law, image_data.GreyLevels(levels=data.spec.levels)


def mixture(data, alpha):
    """mixture of 10 discretised logistics"""
    return logistic(data, alpha, components=10)


def logit_pixels(data, alpha, gaussian):
    """Dequantised pixels on the logit scale: `gaussian` makes their law from their shape and spread; their preparation."""
    preparation, logit = image_data.Dequantise(levels=data.spec.levels), flows.LogitPixels(alpha=alpha)
    spread = flows.spread(preparation(data.train.images[:5000], (0, 0)), [logit])
    return flows.TransformedPixels(gaussian(data.spec.shape, spread), [logit]), preparation


def gaussian_fixed(data, alpha):
    """Gaussian logits of scale 1"""
    return logit_pixels(data, alpha, lambda shape, spread: densities.FixedScaleGaussian(shape, scale=1.0))


def gaussian_shared(data, alpha):
    """Gaussian logits of one learned scale"""
    return logit_pixels(data, alpha, lambda shape, spread: densities.SharedScaleGaussian(shape, initial_scale=spread))


def gaussian_pixel(data, alpha):
    """Gaussian logits, a learned scale for each pixel"""
    return logit_pixels(data, alpha, lambda shape, spread: densities.PixelScaleGaussian(shape, initial_scale=spread))


def gaussian_latent(data, alpha):
    """Gaussian logits whose scale the decoder gives"""
    return logit_pixels(data, alpha, lambda shape, spread: densities.LatentScaleGaussian(shape, floor=0.1))


def cifar10_vae(data):
    """ResNet VAE, latent 128, on flipped colour images: mixture of 10 discretised logistics"""
    return resnet_pixel_vae(data, mixture)


def cifar10_planar(data):
    """Convolutional VAE, latent 32, with 16 planar maps: Gaussian logits of one learned scale"""
    shape, (law, preparation), latent = data.spec.shape, gaussian_shared(data, alpha=0.05), 32
    sizes = {"filters": 32, "scales": 3, "blocks": 2, "bottleneck": True}
    encoder = encoders.ConvolutionalEncoder(shape, features=450, **sizes)
    decoder = decoders.ConvolutionalDecoder(latent, image_shape=shape, outputs=law.context, **sizes)
    posterior = flows.premade.planar(latent, context=450, layers=16)
    return pixel_vae(data, encoder, decoder, posterior, law, preparation, epochs=40, flips=True)


# By the data set that they run on unless told otherwise.
PRESETS = {
    "digits": [quickstart],
    "mnist": [
        mnist_vae, mnist_iaf, mnist_iaf_gated, mnist_iaf_dense, mnist_plane, mnist_no_flow, mnist_iaf_320,
        mnist_iaf_320_maf_prior,
    ],
    "cifar10": [cifar10_vae, cifar10_planar],
}  # fmt: skip
FLOWS = [mnist_planar, mnist_radial, mnist_householder, mnist_nice, mnist_realnvp, mnist_sylvester, mnist_spline]
PIXELS = [logistic, mixture, gaussian_fixed, gaussian_shared, gaussian_pixel, gaussian_latent]


def presets():
    """Name -> (function that builds it, its description, its data set)."""
    found = {each.__name__: (each, each.__doc__, dataset) for dataset, group in PRESETS.items() for each in group}
    for each in FLOWS:
        found[each.__name__] = (each, each.__doc__, "mnist")
        static = functools.partial(each, step_context=0)
        found[f"{each.__name__}_static"] = (static, f"{each.__doc__}, which all images share", "mnist")
    for build, dataset in ((dense_pixel_vae, "mnist"), (resnet_pixel_vae, "cifar10")):
        for each in PIXELS:
            made = functools.partial(build, pixels=each)
            found[f"{dataset}_{each.__name__}"] = (made, f"{build.__doc__}: {each.__doc__}", dataset)
    return found


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
        for name, (_, description, dataset) in presets().items():
            click.echo(f"{name:24s} {description}  [{dataset}]")
        return
    if preset not in presets():
        raise click.ClickException(f"Unknown preset. Expected one of: {', '.join(presets())}. Received: {preset}.")
    run(preset, **options)


def run(preset, *, dataset, data_dir, out, epochs, steps, test_images, seed, resume):
    """One run: data, model, training, judgement, export."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    run_folder.quiet_import("tensorflow")
    build, _, usual = presets()[preset]
    dataset = dataset or usual
    out = out or pathlib.Path("runs", preset, time.strftime("%Y-%m-%d_%H-%M-%S"))
    with run_folder.told_in_one_line():
        data = image_data.load(dataset, data_dir=data_dir)
        training.seed_first_weights(seed)
        recipe = build(data)
        recipe.model.seed = seed
        if epochs:
            recipe = dataclasses.replace(recipe, epochs=epochs)
        recipe.check_data(data)
        reports.check_evaluation(recipe.evaluation)
        folder = run_folder.RunFolder.create(out, resume=resume)
        config = training.run_config(recipe, preset=preset, dataset=dataset, data_dir=data_dir, seed=seed)
        folder.write_json("config.json", config)
    with training.recorded(folder.log):
        print(f"{preset} on {data.name}: {data.train.count} training images, run in {folder.path}")
        with run_folder.told_in_one_line(training.TrainingStopped):
            outcome = training.fit(recipe, data, folder, seed=seed, steps=steps, resume=resume)
        training.export(recipe.model, recipe.preparation, folder.saved_model)
        with run_folder.warnings_in_one_line():
            subject = reports.Subject(recipe.model, data, recipe.preparation, seed=seed)
            run = reports.FinishedRun.trained(folder, subject)
            speed = {"seconds": outcome.seconds, "images_per_second": outcome.images_per_second}
            said = reports.write_report(run, training=speed, steps=outcome.steps, test_images=test_images)
            for method in () if steps else recipe.evaluation:  # a training cut short is a trial
                if method not in ("exact", "importance"):
                    print(reports.judge(run, method, at_most=test_images))
        print(f"{said} Report: {folder.report}")


def run_from_terminal():
    """The command `vae-flows`, and `python run_script.py`."""
    name = "python run_script.py" if __name__ == "__main__" else "vae-flows"
    sys.exit(run_folder.exit_status(main, name=name))


if __name__ == "__main__":
    run_from_terminal()
