"""Edit and run: every hyperparameter stands in the presets below.

python run_script.py                                          IAF-VAE on the embedded digits, minutes on two cores
python run_script.py mnist_iaf --data-dir DIR
python run_script.py mnist_planar layers=32 latent=40         other hyperparameters
python run_script.py --list
python run_script.py --help mnist_planar

A preset is a function whose body is the model; its keyword arguments are what the command line may change.
"""

import math
from typing import Literal

from vae_flows import (
    aef,
    blocks,
    decoders,
    densities,
    encoders,
    experiment,
    flows,
    iaf,
    image_data,
    latent_models,
    nvae_tf,
    training,
    vlae,
)

# To begin with


def quickstart(data, *, latent=16, layers=4, width=200, hidden=(400, 400), warmup=5, batch=50, learning_rate=1e-3):
    """IAF-VAE with a flow prior, sized for minutes on two cores"""
    image, epoch = data.spec, data.train.count // batch
    law = densities.Bernoulli(image.shape)
    encoder = encoders.DenseEncoder(image.shape, hidden=hidden, activation="elu")
    decoder = decoders.DenseDecoder(
        latent, image_shape=image.shape, outputs=law.context, hidden=hidden, activation="elu"
    )
    element, size = flows.Gated(), encoder.features
    gated = [flows.Autoregressive(latent, element=element, hidden=(width,), context=width) for _ in range(layers)]
    posterior = flows.Flow(
        flows.with_reversals(gated),
        densities.DiagonalNormal(latent, context=size, log_scale_offset=-1.0),
        context_network=blocks.FeatureNet(size, hidden=(width,), activation="elu"),
    )
    masked = [flows.Autoregressive(latent, element=flows.Affine(), hidden=(100,)) for _ in range(2)]
    prior = flows.Flow(flows.with_reversals([flows.Invert(step) for step in masked]), densities.StandardNormal(latent))
    return training.Recipe(
        model=latent_models.VAE(
            encoder=densities.Conditional(encoder, posterior),
            decoder=densities.Conditional(decoder, law),
            prior=prior,
            objective=latent_models.Elbo(kl_weight=latent_models.LinearWarmup(warmup * epoch)),
        ),
        preparation=image_data.Binarise(levels=image.levels),
        optimizer=training.Adam(training.halved_every(learning_rate, steps=25 * epoch)),
        batch=batch,
        epochs=90,
        evaluation={"importance": {"samples": 1000}, "hais": {"images": 20, "chains": 8, "temperatures": 100}},
    )


# Variational autoencoder: Kingma, Welling 2013, arXiv:1312.6114


def mnist_vae(data, *, latent=50, hidden=(500, 500), warmup=10, epochs=200, batch=128, learning_rate=1e-3):
    """VAE with a Gaussian posterior, dense 500-500, latent 50"""
    image, epoch = data.spec, data.train.count // batch
    law = densities.Bernoulli(image.shape)
    encoder = encoders.DenseEncoder(image.shape, hidden=hidden)
    decoder = decoders.DenseDecoder(latent, image_shape=image.shape, outputs=law.context, hidden=hidden)
    return training.Recipe(
        model=latent_models.VAE(
            encoder=densities.Conditional(encoder, densities.DiagonalNormal(latent, context=encoder.features)),
            decoder=densities.Conditional(decoder, law),
            prior=densities.StandardNormal(latent),
            objective=latent_models.Elbo(kl_weight=latent_models.LinearWarmup(warmup * epoch)),
        ),
        preparation=image_data.Binarise(levels=image.levels),
        optimizer=training.Adam(
            training.warmed_cosine(learning_rate, final=learning_rate / 100, warmup=0, steps=epochs * epoch)
        ),
        batch=batch,
        epochs=epochs,
        evaluation={"importance": {"samples": 5000}, "hais": {"images": 100, "temperatures": 1000}},
    )


# Inverse autoregressive flow: Kingma et al. 2016, arXiv:1606.04934


def mnist_iaf(
    data, *, networks: Literal["resnet", "gated", "dense"] = "resnet", latent=64, layers=8, width=1920, warmup=200,
    batch=200, learning_rate=1e-3,
):  # fmt: skip
    """IAF-VAE in full: ResNet (or gated convolutions, or dense), latent 64, 8 steps of width 1920"""
    image, epoch = data.spec, data.train.count // batch
    outputs, dense = image.shape[-1], {"hidden": (500, 500), "activation": "elu", "refed": True}
    match networks:
        case "resnet":
            encoder = encoders.ResNetEncoder(image.shape)
            decoder = decoders.ResNetDecoder(latent, image_shape=image.shape, outputs=outputs)
        case "gated":
            encoder = encoders.GatedConvEncoder(image.shape)
            decoder = decoders.GatedConvDecoder(latent, image_shape=image.shape, outputs=outputs)
        case "dense":
            encoder = encoders.DenseEncoder(image.shape, **dense)
            decoder = decoders.DenseDecoder(latent, image_shape=image.shape, outputs=outputs, **dense)
    posterior = iaf.paper_posterior(latent, context=encoder.features, depth=layers, width=width, log_scale_offset=-3.0)
    return training.Recipe(
        model=latent_models.VAE(
            encoder=densities.Conditional(encoder, posterior),
            decoder=densities.Conditional(decoder, densities.Bernoulli(image.shape)),
            prior=densities.StandardNormal(latent),
            objective=latent_models.Elbo(kl_weight=latent_models.LinearWarmup(warmup * epoch)),
        ),
        preparation=image_data.Binarise(levels=image.levels),
        optimizer=training.Adam(training.halved_every(learning_rate, steps=800 * epoch)),
        batch=batch,
        epochs=2500,
        evaluation={
            "importance": {"samples": 1000},
            "hais": {"images": 100, "chains": 8, "temperatures": 2000, "leapfrogs": 10},
        },
    )


# What a flow in the posterior is worth: one dense VAE for all. `step_context=0` shares a flow's parameters between images.


def flow_vae(data, posterior, *, hidden, batch, learning_rate, prior=None, activation="relu"):
    """Dense networks around a posterior given the last one's features. Try activation="gated"."""
    image, latent, epoch = data.spec, posterior.features, data.train.count // batch
    law = densities.Bernoulli(image.shape)
    networks = {"hidden": hidden, "activation": activation}
    encoder = encoders.DenseEncoder(image.shape, **networks)
    decoder = decoders.DenseDecoder(latent, image_shape=image.shape, outputs=law.context, **networks)
    return training.Recipe(
        model=latent_models.VAE(
            encoder=densities.Conditional(encoder, posterior),
            decoder=densities.Conditional(decoder, law),
            prior=prior or densities.StandardNormal(latent),
            objective=latent_models.Elbo(kl_weight=latent_models.LinearWarmup(5 * epoch)),
        ),
        preparation=image_data.Binarise(levels=image.levels),
        optimizer=training.Adam(training.halved_every(learning_rate, steps=10 * epoch)),
        batch=batch,
        epochs=30,
    )


def mnist_no_flow(data, *, latent=20, hidden=(400, 400), batch=128, learning_rate=1e-3):
    """Gaussian posterior, to compare the flows with"""
    posterior = densities.DiagonalNormal(latent, context=hidden[-1])
    return flow_vae(data, posterior, hidden=hidden, batch=batch, learning_rate=learning_rate)


def mnist_planar(data, *, latent=20, layers=16, step_context=64, hidden=(400, 400), batch=128, learning_rate=1e-3):
    """16 planar maps"""
    posterior = flows.premade.planar(latent, context=hidden[-1], layers=layers, step_context=step_context)
    return flow_vae(data, posterior, hidden=hidden, batch=batch, learning_rate=learning_rate)


def mnist_radial(data, *, latent=20, layers=16, step_context=64, hidden=(400, 400), batch=128, learning_rate=1e-3):
    """16 radial maps"""
    posterior = flows.premade.radial(latent, context=hidden[-1], layers=layers, step_context=step_context)
    return flow_vae(data, posterior, hidden=hidden, batch=batch, learning_rate=learning_rate)


def mnist_householder(data, *, latent=20, layers=16, step_context=64, hidden=(400, 400), batch=128, learning_rate=1e-3):
    """16 Householder reflections"""
    posterior = flows.premade.householder(latent, context=hidden[-1], layers=layers, step_context=step_context)
    return flow_vae(data, posterior, hidden=hidden, batch=batch, learning_rate=learning_rate)


def mnist_nice(data, *, latent=20, layers=8, step_context=64, hidden=(400, 400), batch=128, learning_rate=1e-3):
    """8 additive couplings and a scaling"""
    posterior = flows.premade.nice(latent, context=hidden[-1], layers=layers, step_context=step_context)
    return flow_vae(data, posterior, hidden=hidden, batch=batch, learning_rate=learning_rate)


def mnist_realnvp(
    data, *, latent=20, layers=8, width=128, step_context=64, hidden=(400, 400), batch=128, learning_rate=1e-3
):
    """8 affine couplings of width 128"""
    posterior = flows.premade.real_nvp(
        latent, context=hidden[-1], layers=layers, hidden=(width, width), step_context=step_context
    )
    return flow_vae(data, posterior, hidden=hidden, batch=batch, learning_rate=learning_rate)


def mnist_sylvester(data, *, latent=20, layers=8, step_context=64, hidden=(400, 400), batch=128, learning_rate=1e-3):
    """8 Sylvester maps, each with 10 orthonormal columns"""
    posterior = flows.premade.sylvester(latent, context=hidden[-1], layers=layers, step_context=step_context)
    return flow_vae(data, posterior, hidden=hidden, batch=batch, learning_rate=learning_rate)


def mnist_spline(
    data, *, latent=20, layers=4, bins=8, width=128, step_context=64, hidden=(400, 400), batch=128, learning_rate=1e-3
):
    """4 spline couplings of 8 bins"""
    posterior = flows.premade.neural_spline(
        latent,
        context=hidden[-1],
        layers=layers,
        hidden=(width, width),
        element=flows.RationalQuadratic(bins=bins),
        step_context=step_context,
    )
    return flow_vae(data, posterior, hidden=hidden, batch=batch, learning_rate=learning_rate)


def mnist_iaf_320(
    data, *, latent=20, layers=8, width=320, step_context=64, hidden=(400, 400), batch=128, learning_rate=1e-3
):
    """8 IAF steps of width 320"""
    posterior = flows.premade.iaf(latent, context=hidden[-1], layers=layers, hidden=(width,), step_context=step_context)
    return flow_vae(data, posterior, hidden=hidden, batch=batch, learning_rate=learning_rate)


def mnist_iaf_320_maf_prior(
    data, *, latent=20, layers=8, width=320, prior_layers=4, hidden=(400, 400), batch=128, learning_rate=1e-3
):
    """8 IAF steps of width 320, and 4 MAF steps of width 256 in the prior"""
    posterior = flows.premade.iaf(latent, context=hidden[-1], layers=layers, hidden=(width,))
    prior = flows.premade.maf(latent, layers=prior_layers, hidden=(256,))
    return flow_vae(data, posterior, prior=prior, hidden=hidden, batch=batch, learning_rate=learning_rate)


def mnist_plane(data, *, layers=8, width=64, hidden=(400, 400), batch=128, learning_rate=1e-3):
    """Two latents and 8 IAF steps, for pictures of the latent plane"""
    posterior = flows.premade.iaf(2, context=hidden[-1], layers=layers, hidden=(width, width))
    return flow_vae(data, posterior, hidden=hidden, batch=batch, learning_rate=learning_rate)


# Grey levels and colours, by any law of the pixels. `gain`: else first steps on larger images overshoot.

Pixels = Literal["logistic", "mixture", "gaussian_fixed", "gaussian_shared", "gaussian_pixel", "gaussian_latent"]


def pixel_law(data, pixels, alpha):
    """A law and the preparation of its images; `alpha` keeps logits finite at black and white."""
    shape, levels = data.spec.shape, data.spec.levels
    if pixels in ("logistic", "mixture"):  # arXiv:1701.05517
        components = 10 if pixels == "mixture" else 1
        law = densities.LogisticMixture(shape, levels=levels, components=components)
        return law, image_data.GreyLevels(levels=levels)
    preparation, logit = image_data.Dequantise(levels=levels), flows.LogitPixels(alpha=alpha)
    spread = flows.spread(preparation(data.train.images[:5000], (0, 0)), [logit])
    match pixels:
        case "gaussian_fixed":
            law = densities.FixedScaleGaussian(shape, scale=1.0)
        case "gaussian_shared":  # one learned scale
            law = densities.SharedScaleGaussian(shape, initial_scale=spread)
        case "gaussian_pixel":  # a learned scale for each pixel
            law = densities.PixelScaleGaussian(shape, initial_scale=spread)
        case "gaussian_latent":  # the decoder gives it
            law = densities.LatentScaleGaussian(shape, floor=0.1)
    return flows.TransformedPixels(law, [logit]), preparation


def pixel_vae(data, encoder, decoder, posterior, law, preparation, *, batch, learning_rate, epochs, flips=False):
    """A VAE for any pixel law."""
    epoch = data.train.count // batch
    return training.Recipe(
        model=latent_models.VAE(
            encoder=densities.Conditional(encoder, posterior),
            decoder=densities.Conditional(decoder, law),
            prior=densities.StandardNormal(posterior.features),
            objective=latent_models.Elbo(kl_weight=latent_models.LinearWarmup(10 * epoch)),
        ),
        preparation=preparation,
        optimizer=training.Adam(learning_rate),
        batch=batch,
        epochs=epochs,
        flips=flips,
    )


def mnist_grey(data, *, pixels: Pixels = "logistic", latent=50, hidden=(500, 500), batch=128, learning_rate=5e-4):
    """Dense VAE, latent 50, on all grey levels, by any pixel law"""
    law, preparation = pixel_law(data, pixels, alpha=1e-6)
    encoder = encoders.DenseEncoder(data.spec.shape, hidden=hidden)
    decoder = decoders.DenseDecoder(latent, image_shape=data.spec.shape, outputs=law.context, hidden=hidden)
    posterior = densities.DiagonalNormal(latent, context=encoder.features, gain=0.1)
    settings = {"batch": batch, "learning_rate": learning_rate, "epochs": 500}
    return pixel_vae(data, encoder, decoder, posterior, law, preparation, **settings)


def cifar10_vae(data, *, pixels: Pixels = "mixture", latent=128, features=512, batch=128, learning_rate=5e-4):
    """ResNet VAE, latent 128, on flipped colour images, by any pixel law"""
    law, preparation = pixel_law(data, pixels, alpha=0.05)
    encoder = encoders.ResNetEncoder(data.spec.shape, features=features)
    decoder = decoders.ResNetDecoder(latent, image_shape=data.spec.shape, outputs=law.context)
    posterior = densities.DiagonalNormal(latent, context=features, gain=0.1)
    settings = {"batch": batch, "learning_rate": learning_rate, "epochs": 200, "flips": True}
    return pixel_vae(data, encoder, decoder, posterior, law, preparation, **settings)


def cifar10_planar(data, *, latent=32, layers=16, filters=32, features=450, batch=128, learning_rate=5e-4):
    """Convolutional VAE, latent 32, with 16 planar maps: Gaussian logits of one learned scale"""
    law, preparation = pixel_law(data, "gaussian_shared", alpha=0.05)
    sizes = {"filters": filters, "scales": 3, "blocks": 2, "bottleneck": True}
    encoder = encoders.ConvolutionalEncoder(data.spec.shape, features=features, **sizes)
    decoder = decoders.ConvolutionalDecoder(latent, image_shape=data.spec.shape, outputs=law.context, **sizes)
    posterior = flows.Flow(
        flows.Planar(latent, context=64, layers=layers),
        densities.DiagonalNormal(latent, context=features, gain=0.1),
        context_network=blocks.FeatureNet(features, hidden=(64,), activation="elu"),
    )
    settings = {"batch": batch, "learning_rate": learning_rate, "epochs": 40, "flips": True}
    return pixel_vae(data, encoder, decoder, posterior, law, preparation, **settings)


# Variational Laplace, and what it is compared with: Park et al. 2019, arXiv:2211.17267
# Differs from the paper: Keras's first weights; means and spread of the logits from 5,000 training images.

Compared = Literal["vlae", "vae", "sa_vae", "householder", "iaf", "iwae", "dreg", "sticking"]


def centred_law(data, pixels):
    """Bernoulli, or Gaussian logits around their means with one learned scale; and the preparation of the images."""
    shape, levels = data.spec.shape, data.spec.levels
    if pixels == "bernoulli":
        return densities.Bernoulli(shape), image_data.Binarise(levels=levels)
    preparation, logit = image_data.Dequantise(levels=levels), flows.LogitPixels(alpha=0.05)
    x, centred = preparation(data.train.images[:5000], (0, 0)), flows.CentredPixels(shape)
    centred.centre_on(flows.chained([logit]).forward(x))
    law = densities.SharedScaleGaussian(shape, initial_scale=flows.spread(x, [logit]))
    return flows.TransformedPixels(law, [logit, centred]), preparation


def mnist_vlae(
    data, *, model: Compared = "vlae", pixels: Literal["gaussian", "bernoulli"] = "gaussian", steps=4, through=True,
    samples=10, latent=50, hidden=(500, 500), epochs=2000, batch=128, learning_rate=5e-4,
):  # fmt: skip
    """VLAE, dense 500-500, latent 50, 4 steps; or VAE, SA-VAE, Householder or IAF posterior of so many steps, or IWAE

    `through` is heeded by vlae alone, `samples` by iwae and dreg, `steps` by those that have some.
    """
    law, preparation = centred_law(data, pixels)
    encoder = encoders.DenseEncoder(data.spec.shape, hidden=hidden)
    decoder = decoders.DenseDecoder(latent, image_shape=data.spec.shape, outputs=law.context, hidden=hidden)
    posterior, size = densities.DiagonalNormal(latent, context=encoder.features), {"context": encoder.features}
    refine, objective = None, latent_models.Elbo()
    match model:
        case "vlae":
            refine = vlae.Laplace(steps=steps, through=through)
        case "sa_vae":
            refine = vlae.SemiAmortised(steps=steps)
        case "householder":
            posterior = flows.premade.householder(latent, layers=steps, step_context=None, **size)
        case "iaf":
            posterior = flows.premade.iaf(latent, layers=steps, hidden=(500,), step_context=None, **size)
        case "iwae":
            objective = latent_models.Iwae(samples)
        case "dreg":
            objective = latent_models.DoublyReparameterised(samples)
        case "sticking":
            objective = latent_models.StickingTheLanding()
    return training.Recipe(
        model=latent_models.VAE(
            encoder=densities.Conditional(encoder, posterior),
            decoder=densities.Conditional(decoder, law),
            prior=densities.StandardNormal(latent),
            refine=refine,
            objective=objective,
        ),
        preparation=preparation,
        optimizer=training.Adam(learning_rate),
        batch=batch,
        epochs=epochs,
        evaluation={"importance": {"samples": 5000}, "hais": {"images": 100, "chains": 8, "temperatures": 1000}},
    )


def cifar10_vlae(
    data, *, model: Compared = "vlae", pixels: Literal["gaussian", "bernoulli"] = "gaussian", steps=4, through=True,
    samples=10, latent=50, hidden=(500, 500), epochs=2000, batch=128, learning_rate=5e-4,
):  # fmt: skip
    """The same on colours; and on SVHN, by --dataset svhn_cropped"""
    given = {"model": model, "pixels": pixels, "steps": steps, "through": through, "samples": samples}
    settings = {"latent": latent, "hidden": hidden, "epochs": epochs, "batch": batch, "learning_rate": learning_rate}
    return mnist_vlae(data, **given, **settings)


# NVAE: Vahdat, Kautz 2020, arXiv:2007.03898. `epochs=`, or --epochs of a new run, sets the lengths of the schedules, too.


def nvae(
    data, law, preparation, *, batch, epochs, warmup, learning_rate, penalty, averages=0.0, evaluation=None, **sizes
):
    """The hierarchy and its training as in the paper; `averages` is the momentum of the weights' averages, if any."""
    epoch = max(data.train.count // batch, 1)
    rate = training.warmed_cosine(
        learning_rate, final=learning_rate / 100, warmup=warmup * epoch, steps=max(epochs, warmup + 1) * epoch
    )
    kept = {"use_ema": True, "ema_momentum": averages} if averages else {}
    return training.Recipe(
        model=nvae_tf.NVAE(
            law,
            spectral=nvae_tf.SpectralRegularisation(penalty),
            objective=nvae_tf.BalancedElbo(kl_weight=latent_models.LinearWarmup(0.3 * epochs * epoch, floor=1e-4)),
            **sizes,
        ),
        preparation=preparation,
        optimizer=training.Adamax(rate, epsilon=1e-3, l2=3e-4, **kept),
        batch=batch,
        epochs=epochs,
        flips=law.levels != 2,
        evaluation=evaluation or {"importance": {"samples": 1000}},
    )


def mnist_nvae(
    data, *, groups=(5, 10), latent=20, channels=32, cells=2, penalty=1e-2, batch=400, epochs=400, warmup=5,
    learning_rate=1e-2,
):  # fmt: skip
    """NVAE in full: 15 groups on 4 x 4 and 8 x 8 maps, 32 channels, for GPUs"""
    sizes = {"groups": groups, "latent": latent, "channels": channels, "encoder_cells": cells, "decoder_cells": cells}
    schedule = {"batch": batch, "epochs": epochs, "warmup": warmup, "learning_rate": learning_rate}
    law, preparation = densities.Bernoulli(data.spec.shape), image_data.Binarise(levels=data.spec.levels)
    return nvae(data, law, preparation, penalty=penalty, **schedule, **sizes)


def mnist_nvae_small(
    data, *, groups=(2, 4), latent=20, channels=16, cells=1, penalty=1e-2, averages=0.999, batch=100, epochs=30,
    warmup=1, learning_rate=1e-2,
):  # fmt: skip
    """NVAE for two cores: 6 groups, 16 channels, one cell where the paper has two or three, two hours"""
    sizes = {"groups": groups, "latent": latent, "channels": channels, "encoder_cells": cells, "decoder_cells": cells}
    schedule = {"batch": batch, "epochs": epochs, "warmup": warmup, "learning_rate": learning_rate}
    law, preparation = densities.Bernoulli(data.spec.shape), image_data.Binarise(levels=data.spec.levels)
    others = {"block_cells": cells, "averages": averages, "evaluation": {"importance": {"samples": 100}}}
    return nvae(data, law, preparation, penalty=penalty, **schedule, **sizes, **others)


def colour_nvae(data, *, components, **settings):
    """The same for grey levels, by mixtures of discretised logistics."""
    law = densities.LogisticMixture(data.spec.shape, levels=data.spec.levels, components=components)
    return nvae(data, law, image_data.GreyLevels(levels=data.spec.levels), blocks=1, block_cells=2, **settings)


def cifar10_nvae(
    data, *, groups=(30,), latent=20, channels=128, flows=1, components=10, penalty=1e-2, batch=256, epochs=400,
    warmup=5, learning_rate=1e-2,
):  # fmt: skip
    """NVAE in full: 30 groups on 16 x 16 maps, 128 channels, flows in the posteriors, for GPUs"""
    sizes = {"groups": groups, "latent": latent, "channels": channels, "flows": flows, "components": components}
    schedule = {"batch": batch, "epochs": epochs, "warmup": warmup, "learning_rate": learning_rate}
    return colour_nvae(data, penalty=penalty, **schedule, **sizes)


def celeba64_nvae(
    data, *, groups=(5, 10, 20), latent=20, channels=64, flows=1, components=10, penalty=1e-1, batch=128, epochs=90,
    warmup=5, learning_rate=1e-2,
):  # fmt: skip
    """NVAE in full: 35 groups on 8 x 8 to 32 x 32 maps, 64 channels, flows in the posteriors, for GPUs"""
    sizes = {"groups": groups, "latent": latent, "channels": channels, "flows": flows, "components": components}
    schedule = {"batch": batch, "epochs": epochs, "warmup": warmup, "learning_rate": learning_rate}
    return colour_nvae(data, penalty=penalty, **schedule, **sizes)


# Autoencoding flows, and their equals made of the same parts: Silvestri et al. 2022, arXiv:2205.09546
# Differs from the paper: the learning rate falls along a cosine (from 3e-3 for small networks), where the paper keeps 1e-3;
# a scale that the decoder gives has a floor of 0.01; residual networks are at least 32 wide.

Networks = Literal["small", "residual"]
Scale = Literal["fixed", "pixel", "latent"]
Steps = Literal["none", "maf", "iaf"]


def aef_parts(data, latent, networks, scale):
    """Encoder, decoder network, law of the prepared pixels, and their transforms."""
    shape = data.spec.shape
    match scale:
        case "fixed":
            law = densities.FixedScaleGaussian(shape)
        case "pixel":
            law = densities.PixelScaleGaussian(shape)
        case "latent":
            law = densities.LatentScaleGaussian(shape, floor=0.01)
    match networks:
        case "small":
            encoder = encoders.StridedEncoder(shape, filters=(64, 128))
            decoder = decoders.StridedDecoder(latent, image_shape=shape, outputs=law.context, filters=(128, 64))
        case "residual":
            sizes = {"width": max(latent, 32), "blocks": (3,) * math.gcd(*shape[:2], 8).bit_length()}
            encoder = encoders.BottleneckEncoder(shape, **sizes)
            decoder = decoders.BottleneckDecoder(latent, image_shape=shape, outputs=law.context, **sizes)
    code = densities.Conditional(encoder, densities.DiagonalNormal(latent, context=encoder.features))
    return code, decoder, law, aef_transforms(shape[-1])


def aef_transforms(channels):
    """What the pixels become before a Gaussian law."""
    return [flows.LogitPixels(alpha=1e-6 if channels == 1 else 0.05), flows.ActivationNormalisedPixels(channels)]


def aef_flow(latent, flow, context=0):
    """The law of a core, a prior or a posterior: four steps of width 256, or of that of a longer code."""
    step = {"layers": 4, "hidden": (max(256, latent),), "residual_blocks": 2, "normalised": True, "context": context}
    match flow:
        case "maf":
            return flows.premade.maf(latent, **step)
        case "iaf":
            return flows.premade.iaf(latent, element=flows.Affine(), **step)
    return densities.DiagonalNormal(latent, context=context) if context else densities.StandardNormal(latent)


def aef_recipe(data, model, *, iterations, batch, learning_rate, warmup=0, **others):
    """So many steps, to the end of an epoch, unless validation, every 500 of them, has long been no better."""
    rate = training.warmed_cosine(learning_rate, final=0.0, warmup=min(warmup, iterations - 1), steps=iterations)
    return training.Recipe(
        model=model,
        preparation=image_data.Dequantise(levels=data.spec.levels),
        optimizer=training.Adam(rate, global_clipnorm=200.0),
        batch=batch,
        epochs=-(-iterations // (data.train.count // batch)),
        validate_every=500,
        patience=20,
        steps_per_execution=10,
        evaluation={"importance": {"samples": 500}},
        **others,
    )


def mnist_aef(
    data, *, core: Literal["centre", "corners", "linear"] = "centre", latent=32, networks: Networks = "small",
    scale: Scale = "pixel", flow: Steps = "maf", iterations=100_000, batch=128, learning_rate=3e-3,
):  # fmt: skip
    """Autoencoding flow: exact with a core of pixels in the centre or the corners, else in an extended space"""
    encoder, decoder, law, transforms = aef_parts(data, latent, networks, scale)
    prior, noise, shape = aef_flow(latent, flow), aef_flow(latent, flow), data.spec.shape
    if core == "linear":
        linear = encoders.DenseEncoder(shape, hidden=(latent,), activation="linear")
        model = latent_models.VAE(
            encoder=aef.CoreEncoder(encoder, core=noise, network=linear),
            decoder=densities.Conditional(decoder, flows.TransformedPixels(law, transforms)),
            prior=prior,
            objective=aef.ExtendedSpace(),
        )
    else:
        mask = {"centre": aef.centre, "corners": aef.corners}[core](shape, features=latent)
        model = aef.AutoencodingFlow(
            encoder, densities.Conditional(decoder, law), prior, core=noise, mask=mask, transforms=transforms
        )
    warmup = 100 if core == "linear" else 0  # its first steps would overshoot by far
    return aef_recipe(data, model, iterations=iterations, batch=batch, learning_rate=learning_rate, warmup=warmup)


def mnist_aef_vae(
    data, *, objective: Literal["elbo", "iwae", "reconstruction"] = "elbo", posterior: Steps = "none",
    prior: Steps = "none", latent=32, networks: Networks = "small", scale: Scale = "pixel", iterations=100_000,
    batch=128, learning_rate=3e-3,
):  # fmt: skip
    """Its equal: VAE, IWAE of 10 samples or plain autoencoder, with flows in posterior and prior"""
    encoder, decoder, law, transforms = aef_parts(data, latent, networks, scale)
    goals = {
        "elbo": latent_models.Elbo(),
        "iwae": latent_models.Iwae(10),
        "reconstruction": latent_models.Reconstruction(),
    }
    model = latent_models.VAE(
        encoder=densities.Conditional(encoder.network, aef_flow(latent, posterior, context=encoder.network.features)),
        decoder=densities.Conditional(decoder, flows.TransformedPixels(law, transforms)),
        prior=aef_flow(latent, prior),
        objective=goals[objective],
    )
    return aef_recipe(data, model, iterations=iterations, batch=batch, learning_rate=learning_rate)


def mnist_pixel_maf(data, *, layers=4, width=1024, iterations=100_000, batch=128, learning_rate=1e-3):
    """Masked autoregressive flow of all pixels, without a code (arXiv:1705.07057)"""
    flow = flows.premade.maf(data.spec.pixels, layers=layers, hidden=(width,), residual_blocks=1, normalised=True)
    model = latent_models.PixelFlow(flow, image_shape=data.spec.shape, transforms=aef_transforms(data.spec.shape[-1]))
    return aef_recipe(data, model, iterations=iterations, batch=batch, learning_rate=learning_rate)


def mnist_restore(
    data, *, model: Literal["aef", "vae", "ae"] = "aef", noise=0.25, latent=32, iterations=100_000,
    batch=128, learning_rate=3e-3,
):  # fmt: skip
    """Takes normal noise (of deviation `noise`, white is 1) off images: AEF with a central core, or the equal VAE or AE"""
    shape = data.spec.shape
    encoder, decoder, _, _ = aef_parts(data, latent, "small", "fixed")
    objective = {"aef": aef.ExtendedSpace(), "vae": latent_models.Elbo(), "ae": latent_models.Reconstruction()}[model]
    if model == "aef":
        pixels = aef.CorePixels(aef.centre(shape, features=latent))
        encoder = aef.CoreEncoder(encoder, core=aef_flow(latent, "maf"), network=pixels)
    law = densities.SharedScaleGaussian(shape, initial_scale=0.3)  # of the pixels themselves, whose error is judged
    prior = aef_flow(latent, "none" if model == "ae" else "maf")
    built = latent_models.VAE(encoder, densities.Conditional(decoder, law), prior, objective=objective)
    others = {"learning_rate": learning_rate, "corruption": image_data.GaussianNoise(noise)}
    return aef_recipe(data, built, iterations=iterations, batch=batch, **others)


def cifar10_aef(
    data, *, core: Literal["centre", "corners", "linear"] = "centre", latent=128, networks: Networks = "residual",
    scale: Scale = "pixel", flow: Steps = "maf", iterations=100_000, batch=128, learning_rate=1e-3,
):  # fmt: skip
    """Autoencoding flow with residual networks; for images of 64 x 64, too"""
    given = {"core": core, "networks": networks, "scale": scale, "flow": flow}
    return mnist_aef(data, latent=latent, iterations=iterations, batch=batch, learning_rate=learning_rate, **given)


def cifar10_aef_vae(
    data, *, objective: Literal["elbo", "iwae", "reconstruction"] = "elbo", posterior: Steps = "none",
    prior: Steps = "none", latent=128, networks: Networks = "residual", scale: Scale = "pixel", iterations=100_000,
    batch=128, learning_rate=1e-3,
):  # fmt: skip
    """Its equal: VAE, IWAE or plain autoencoder"""
    given = {"objective": objective, "posterior": posterior, "prior": prior, "networks": networks, "scale": scale}
    return mnist_aef_vae(data, latent=latent, iterations=iterations, batch=batch, learning_rate=learning_rate, **given)


# By section, and by the data set that they run on unless told otherwise.

PRESETS = experiment.catalogue(
    {
        "To begin with": {"digits": [quickstart]},
        "Variational autoencoder (arXiv:1312.6114)": {"mnist": [mnist_vae]},
        "Inverse autoregressive flow (arXiv:1606.04934)": {"mnist": [mnist_iaf]},
        "What a flow in the posterior is worth: one dense VAE, latent 20": {
            "mnist": [
                mnist_no_flow, mnist_planar, mnist_radial, mnist_householder, mnist_nice, mnist_realnvp,
                mnist_sylvester, mnist_spline, mnist_iaf_320, mnist_iaf_320_maf_prior, mnist_plane,
            ]
        },
        "Variational Laplace, and its equals (arXiv:2211.17267); for fashion_mnist, omniglot, svhn_cropped, too": {
            "mnist": [mnist_vlae], "cifar10": [cifar10_vlae],
        },
        "NVAE (arXiv:2007.03898)": {
            "mnist": [mnist_nvae, mnist_nvae_small], "cifar10": [cifar10_nvae], "celeb_a": [celeba64_nvae],
        },
        "Grey levels and colours": {"mnist": [mnist_grey], "cifar10": [cifar10_vae, cifar10_planar]},
        "Autoencoding flows and their equals (arXiv:2205.09546)": {
            "mnist": [mnist_aef, mnist_aef_vae, mnist_pixel_maf, mnist_restore],
            "cifar10": [cifar10_aef, cifar10_aef_vae],
        },
    }
)  # fmt: skip
run_from_terminal = experiment.command_line(PRESETS)

if __name__ == "__main__":
    run_from_terminal()
