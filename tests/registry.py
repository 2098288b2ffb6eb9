"""One dictionary of cases per kind of part; the property tests run over all of them.

A case builds a small instance. Every concrete public class of a folder must have one: `tests/test_house.py` checks it.
"""

from case import EXACT, STATIC, Case
from flow_cases import ELEMENTS, FLOWS, PIXEL_TRANSFORMS, PIXELS
from network_cases import DECODERS, ENCODERS
from tiny_models import BernoulliMixture, GradientSteps

from vae_flows import aef, densities, estimators, flows, iaf, latent_models, nvae_tf, vlae
from vae_flows.decoders import DenseDecoder
from vae_flows.encoders import DenseEncoder

__all__ = [
    "DECODERS", "DENSITIES", "ELEMENTS", "ENCODERS", "ESTIMATORS", "FLOWS", "IMAGE", "LATENT_MODELS", "LEVELS", "MODELS",
    "PIXELS", "PIXEL_LAWS", "PIXEL_TRANSFORMS", "STATIC", "Case",
]  # fmt: skip

# --- latent laws: build(features, context=, dtype=) ---
DENSITIES: dict[str, Case] = {
    "StandardNormal": Case(
        build=lambda features, context, dtype: densities.StandardNormal(features, dtype=dtype), properties=STATIC
    ),
    "DiagonalNormal": Case(
        build=lambda features, context, dtype: densities.DiagonalNormal(features, context=context, dtype=dtype)
    ),
}

# --- laws of pixels: build(dtype=) on images of `PIXELS`; properties: "binary", "levels" (discrete), else continuous ---
LEVELS = 5
PIXEL_LAWS: dict[str, Case] = {
    "Bernoulli": Case(build=lambda dtype: densities.Bernoulli(PIXELS, dtype=dtype), properties=frozenset({"binary"})),
    "LogisticMixture": Case(
        build=lambda dtype: densities.LogisticMixture(PIXELS, levels=LEVELS, components=3, dtype=dtype),
        properties=frozenset({"levels"}),
    ),
    "FixedScaleGaussian": Case(build=lambda dtype: densities.FixedScaleGaussian(PIXELS, scale=0.2, dtype=dtype)),
    "SharedScaleGaussian": Case(build=lambda dtype: densities.SharedScaleGaussian(PIXELS, dtype=dtype)),
    "PixelScaleGaussian": Case(build=lambda dtype: densities.PixelScaleGaussian(PIXELS, dtype=dtype)),
    "LatentScaleGaussian": Case(build=lambda dtype: densities.LatentScaleGaussian(PIXELS, dtype=dtype)),
    "TransformedPixels": Case(
        build=lambda dtype: flows.TransformedPixels(
            densities.FixedScaleGaussian(PIXELS, dtype=dtype), [flows.LogitPixels(alpha=0.05, dtype=dtype)], dtype=dtype
        )
    ),
}


# --- models: build() on images of `IMAGE`, each ready to compile ---
IMAGE = (6, 6, 1)


def _vae(posterior, *, encoder=None, prior=None, **options):
    law = densities.Bernoulli(IMAGE)
    return latent_models.VAE(
        encoder=encoder or densities.Conditional(DenseEncoder(IMAGE, hidden=(16,)), posterior),
        decoder=densities.Conditional(
            DenseDecoder(3, image_shape=IMAGE, outputs=law.context, hidden=(16,), activation="tanh"), law
        ),
        prior=prior or densities.StandardNormal(3),
        **options,
    )


def _iaf(context=16):
    return iaf.paper_posterior(3, context=context, depth=2, width=8)


def _flow_prior():
    step = flows.Invert(flows.Autoregressive(3, element=flows.Affine(), hidden=(8,)))
    return flows.Flow(flows.Chain([step, flows.Reverse(3)]), densities.StandardNormal(3))


def _warmup():
    return latent_models.Elbo(kl_weight=latent_models.LinearWarmup(4, floor=0.1), free_bits=0.01)


def _nvae():
    sizes = {"groups": (1, 1), "latent": 1, "channels": 4, "blocks": 0, "block_cells": 1}
    options = {"encoder_cells": 1, "decoder_cells": 1, "spectral": nvae_tf.SpectralRegularisation()}
    return nvae_tf.NVAE(densities.Bernoulli(IMAGE), **sizes, **options)


def _autoencoding_flow():
    law = densities.LatentScaleGaussian(IMAGE, floor=0.3)
    decoder = DenseDecoder(3, image_shape=IMAGE, outputs=law.context, hidden=(16,), activation="tanh")
    return aef.AutoencodingFlow(
        encoder=densities.Conditional(DenseEncoder(IMAGE, hidden=(16,)), densities.DiagonalNormal(3, context=16)),
        decoder=densities.Conditional(decoder, law),
        prior=_flow_prior(),
        core=_flow_prior(),
        mask=aef.centre(IMAGE, features=3),
        transforms=[flows.LogitPixels(alpha=0.05)],
    )


def _linear_core():
    encoder = densities.Conditional(DenseEncoder(IMAGE, hidden=(16,)), densities.DiagonalNormal(3, context=16))
    linear = DenseEncoder(IMAGE, hidden=(3,), activation="linear")
    return _vae(
        None, encoder=aef.CoreEncoder(encoder, core=_flow_prior(), network=linear), objective=aef.ExtendedSpace()
    )


MODELS: dict[str, Case] = {
    "VAE": Case(build=lambda: _vae(densities.DiagonalNormal(3, context=16))),
    "VAE with IAF posterior": Case(build=lambda: _vae(_iaf(), objective=_warmup())),
    "VAE with planar posterior": Case(
        build=lambda: _vae(flows.premade.planar(3, context=16, layers=2, step_context=4))
    ),
    "VAE with flow prior": Case(build=lambda: _vae(densities.DiagonalNormal(3, context=16), prior=_flow_prior())),
    "VAE with IAF posterior, flow prior, IWAE": Case(
        build=lambda: _vae(_iaf(), prior=_flow_prior(), objective=latent_models.Iwae(5))
    ),
    "VAE with a refined posterior": Case(
        build=lambda: _vae(densities.DiagonalNormal(3, context=16), refine=GradientSteps())
    ),
    "VAE with a refined posterior by Laplace": Case(
        build=lambda: _vae(densities.DiagonalNormal(3, context=16), prior=_flow_prior(), refine=vlae.Laplace(steps=2))
    ),
    "VAE with a refined posterior, semi-amortised": Case(
        build=lambda: _vae(densities.DiagonalNormal(3, context=16), refine=vlae.SemiAmortised(steps=2))
    ),
    "VAE, sticking the landing": Case(
        build=lambda: _vae(densities.DiagonalNormal(3, context=16), objective=latent_models.StickingTheLanding())
    ),
    "VAE, doubly reparameterised": Case(
        build=lambda: _vae(densities.DiagonalNormal(3, context=16), objective=latent_models.DoublyReparameterised(5))
    ),
    "NVAE": Case(build=_nvae),
    "VAE that is an autoencoding flow with a linear core": Case(build=_linear_core),
    "AutoencodingFlow": Case(build=_autoencoding_flow, properties=EXACT),
    "PixelFlow": Case(
        build=lambda: latent_models.PixelFlow(
            flows.premade.maf(36, layers=1, hidden=(40,), residual_blocks=0),
            image_shape=IMAGE,
            transforms=[flows.LogitPixels(alpha=0.05)],
        ),
        properties=EXACT,
    ),
    "mixture, exact": Case(build=lambda: BernoulliMixture(IMAGE), properties=EXACT),
}
LATENT_MODELS = {name: case for name, case in MODELS.items() if not case.properties & EXACT}


# --- estimators: build(model) on a `LinearGaussian`; "pairs" are called with (x, exact noise) ---
def _hais(model, **options):
    schedule = estimators.sigmoid_schedule(40)
    return estimators.HamiltonianAIS(model.annealing("base"), schedule=schedule, chains=16, leapfrogs=4, **options)


def _importance(model):
    return estimators.ImportanceSampling(model.log_weight("base"), features=model.features, samples=200)


ESTIMATORS: dict[str, Case] = {
    "ImportanceSampling": Case(build=_importance),
    "HamiltonianAIS": Case(build=_hais),
    "HamiltonianAIS, partial momentum": Case(build=lambda model: _hais(model, momentum_persistence=0.5)),
    "HamiltonianAIS, chains in parts": Case(build=lambda model: _hais(model, chunk=8)),
    "BidirectionalMonteCarlo": Case(
        build=lambda model: estimators.BidirectionalMonteCarlo(_hais(model)), properties=frozenset({"pairs"})
    ),
}
