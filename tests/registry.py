"""One dictionary of cases per kind of part; the property tests run over all of them.

A case builds a small instance. Every concrete public class of a folder must have one: `tests/test_house.py` checks it.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import decoders
import densities
import encoders
import estimators
import flows
import iaf
import latent_models
from decoders import DenseDecoder
from encoders import DenseEncoder

STATIC = frozenset({"static"})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """How to build one small instance, and what its tests need to know.

    `build(context=C, dtype=...)` for flows and densities, `build()` for the rest. `properties` holds flags of a kind.
    """

    build: Callable[..., Any]
    features: int = 0
    context: int = 0
    properties: frozenset = frozenset()


# --- flows: build(features, context=, dtype=), of `features` numbers, 3 where 0 is said; properties: "static" takes no
# context, "amortised" needs one, "triangular" has such a Jacobian, "data-initialised" normalises a first batch ---
def _autoregressive(name, **arguments):
    kind = getattr(flows, name)
    return Case(
        build=lambda features, **given: kind(features, hidden=(8, 8), **arguments, **given),
        properties=frozenset({"triangular"}),
    )


def _chain(features, context, dtype):
    step = flows.GatedAutoregressive(features, hidden=(8,), context=context, dtype=dtype)
    last = flows.MaskedAutoregressive(features, hidden=(8,), context=context, dtype=dtype)
    return flows.Chain([step, flows.Reverse(features, dtype=dtype), last], dtype=dtype)


def _inverted(features, context, dtype):
    return flows.Invert(flows.MaskedAutoregressive(features, hidden=(8,), context=context, dtype=dtype), dtype=dtype)


def _coupling(name, **arguments):
    kind = getattr(flows, name)
    return Case(build=lambda features, **given: kind(features, hidden=(8, 8), **arguments, **given), features=4)


def _flow(name, *properties, **arguments):
    kind = getattr(flows, name)
    return Case(build=lambda features, **given: kind(features, **arguments, **given), properties=frozenset(properties))


def _static(name, *properties, **arguments):
    kind = getattr(flows, name)
    return Case(
        build=lambda features, context, dtype: kind(features, dtype=dtype, **arguments),
        properties=STATIC | frozenset(properties),
    )


def _permutation(features, context, dtype):
    return flows.Permutation(features, order=[*range(1, features), 0], dtype=dtype)


FLOWS: dict[str, Case] = {
    "GatedAutoregressive": _autoregressive("GatedAutoregressive"),
    "ShiftAutoregressive": _autoregressive("ShiftAutoregressive"),
    "MaskedAutoregressive": _autoregressive("MaskedAutoregressive"),
    "MaskedAutoregressive residual": _autoregressive("MaskedAutoregressive", residual_blocks=2),
    "AutoregressiveSpline": _autoregressive("AutoregressiveSpline", bins=5, bound=3.0),
    "AdditiveCoupling": _coupling("AdditiveCoupling"),
    "AffineCoupling": _coupling("AffineCoupling"),
    "AffineCoupling swapped": _coupling("AffineCoupling", swapped=True),
    "SplineCoupling": _coupling("SplineCoupling", bins=5, bound=3.0),
    "DiagonalScaling": _flow("DiagonalScaling", "triangular"),
    "Planar": _flow("Planar"),
    "Planar x3": _flow("Planar", layers=3),
    "Radial": _flow("Radial"),
    "Radial x3": _flow("Radial", layers=3),
    "Householder": _flow("Householder", reflections=3),
    "Householder chained": _flow("Householder", "amortised", reflections=3, chained=True),
    "Sylvester orthogonal": _flow("Sylvester", basis=flows.GramSchmidtBasis(columns=2)),
    "Sylvester Householder": _flow("Sylvester", basis=flows.HouseholderBasis(reflections=2)),
    "Sylvester triangular": _flow("Sylvester", basis=flows.StandardBasis(reverse=True)),
    "InvertibleLinear": _flow("InvertibleLinear"),
    "ActivationNormalisation": _static("ActivationNormalisation", "triangular", "data-initialised"),
    "ActivationNormalisation shared": _static("ActivationNormalisation", "triangular", "data-initialised", shared=True),
    "Permutation": Case(build=_permutation, properties=STATIC),
    "Reverse": _static("Reverse"),
    "Chain": Case(build=_chain),
    "Invert": Case(build=_inverted, properties=frozenset({"triangular"})),
}

# --- transforms of pixels of [0, 1]: build() ---
PIXELS = (2, 3, 3)
PIXEL_TRANSFORMS: dict[str, Case] = {
    "LogitPixels": Case(build=lambda: flows.LogitPixels(alpha=0.05)),
    "CentredPixels": Case(build=lambda: flows.CentredPixels(PIXELS)),
    "ActivationNormalisedPixels": Case(build=lambda: flows.ActivationNormalisedPixels(PIXELS[-1])),
}

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


# --- encoders and decoders: build() ---
def _network(kind, first, **arguments):
    return Case(build=lambda: kind(first, **arguments))


BLOCKS = {
    "": {"blocks": 1},
    " bottleneck": {"bottleneck": True},
    " plain": {"weight_normalised": False},
    " bottleneck plain": {"bottleneck": True, "weight_normalised": False},
}
ENCODERS: dict[str, Case] = {
    f"ConvolutionalEncoder{name}": _network(encoders.ConvolutionalEncoder, (8, 12, 3), features=6, filters=4, **given)
    for name, given in BLOCKS.items()
} | {
    "DenseEncoder": _network(DenseEncoder, (6, 5, 2), hidden=(8, 7)),
    "DenseEncoder refed": _network(DenseEncoder, (6, 5, 2), hidden=(8, 7), activation="elu", refed=True),
    "DenseEncoder gated": _network(DenseEncoder, (6, 5, 2), hidden=(8, 7), activation="gated"),
    "GatedConvEncoder": _network(encoders.GatedConvEncoder, (8, 12, 3), features=6, filters=(4,) * 5, kernel=3),
    "ResNetEncoder": _network(encoders.ResNetEncoder, (8, 12, 3), features=6, filters=4),
    "ResNetEncoder plain": _network(
        encoders.ResNetEncoder, (8, 8, 1), features=6, filters=4, strides=(2, 1), weight_normalised=False
    ),
    "Padded": Case(build=lambda: encoders.Padded(DenseEncoder((8, 8, 1), hidden=(6,)), padding=((1, 1), (0, 2)))),
}
SMALL = {"image_shape": (6, 5, 2), "outputs": 4}
LARGE = {"image_shape": (8, 12, 3), "outputs": 6}
DECODERS: dict[str, Case] = {
    f"ConvolutionalDecoder{name}": _network(decoders.ConvolutionalDecoder, 3, filters=4, **LARGE, **given)
    for name, given in BLOCKS.items()
} | {
    "DenseDecoder": _network(DenseDecoder, 3, hidden=(7, 8), **SMALL),
    "DenseDecoder refed": _network(DenseDecoder, 3, hidden=(7,), activation="elu", refed=True, **SMALL),
    "DenseDecoder gated": _network(DenseDecoder, 3, hidden=(7,), activation="gated", refed=True, **SMALL),
    "GatedConvDecoder": _network(decoders.GatedConvDecoder, 3, filters=(4,) * 6, kernel=3, **LARGE),
    "ResNetDecoder": _network(decoders.ResNetDecoder, 3, filters=4, **LARGE),
    "ResNetDecoder plain": _network(decoders.ResNetDecoder, 3, filters=4, weight_normalised=False, **LARGE),
    "Cropped": Case(build=lambda: decoders.Cropped(DenseDecoder(3, hidden=(5,), **SMALL), cropping=1)),
}

# --- models: build() on images of `IMAGE`, each ready to compile ---
IMAGE = (6, 6, 1)


def _vae(posterior, *, prior=None, objective=None):
    law = densities.Bernoulli(IMAGE)
    return latent_models.VAE(
        encoder=densities.Conditional(DenseEncoder(IMAGE, hidden=(16,)), posterior),
        decoder=densities.Conditional(
            DenseDecoder(3, image_shape=IMAGE, outputs=law.context, hidden=(16,), activation="tanh"), law
        ),
        prior=prior or densities.StandardNormal(3),
        objective=objective,
    )


def _iaf(context=16):
    return iaf.iaf_posterior(3, context=context, layers=2, hidden=(8,), step_context=8)


def _flow_prior():
    step = flows.Invert(flows.MaskedAutoregressive(3, hidden=(8,)))
    return flows.Flow(flows.Chain([step, flows.Reverse(3)]), densities.StandardNormal(3))


def _warmup():
    return latent_models.Elbo(kl_weight=latent_models.LinearWarmup(4, floor=0.1), free_bits=0.01)


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
}


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
    "AdaptiveTemperatures": Case(
        build=lambda model: estimators.AdaptiveTemperatures(_hais(model), tolerance=0.1, limit=160)
    ),
    "BidirectionalMonteCarlo": Case(
        build=lambda model: estimators.BidirectionalMonteCarlo(_hais(model)), properties=frozenset({"pairs"})
    ),
}
