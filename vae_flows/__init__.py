"""Deep latent-variable models of images, normalizing flows, and log-likelihoods one can trust.

Everything is imported from here: `vae_flows.VAE`, `vae_flows.flows.Planar`, `from vae_flows.densities import Bernoulli`.
Nothing is loaded, TensorFlow included, before it is used.
"""

import pathlib

import lazy_loader as lazy

_HERE = pathlib.Path(__file__).parent
if not (_HERE / "blocks").is_dir():  # a checkout, where the folders stand beside this one
    __path__.append(str(_HERE.parent))

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submodules=[
        "blocks",
        "decoders",
        "densities",
        "encoders",
        "estimators",
        "experiment",
        "flows",
        "iaf",
        "image_data",
        "latent_models",
        "reports",
        "run_folder",
        "training",
    ],
    submod_attrs={
        "densities": ["Bernoulli", "Conditional", "DiagonalNormal", "LogisticMixture", "StandardNormal"],
        "decoders": ["DenseDecoder"],
        "encoders": ["DenseEncoder"],
        "flows": ["Chain", "Flow"],
        "latent_models": ["VAE", "Elbo", "ExactModel", "Iwae", "LatentModel", "LinearWarmup", "load_model"],
    },
)
