"""Deep latent-variable models of images, normalizing flows, and log-likelihoods one can trust.

Everything is imported from here: `vae_flows.VAE`, `vae_flows.flows.Planar`, `from vae_flows.densities import Bernoulli`.
Nothing is loaded, TensorFlow included, before it is used. `keras.models.load_model` knows the classes offered here by name.
"""

import pathlib

import lazy_loader as lazy
import wrapt

_HERE = pathlib.Path(__file__).parent
if not (_HERE / "blocks").is_dir():  # a checkout, where the folders stand beside this one
    __path__.append(str(_HERE.parent))

_OFFERED = {
    "aef": ["AutoencodingFlow"],
    "densities": ["Bernoulli", "Conditional", "DiagonalNormal", "LogisticMixture", "StandardNormal"],
    "decoders": ["DenseDecoder"],
    "encoders": ["DenseEncoder"],
    "flows": ["Chain", "Flow"],
    "latent_models": ["VAE", "Elbo", "ExactModel", "Iwae", "LatentModel", "LinearWarmup", "PixelFlow", "load_model"],
    "nvae_tf": ["NVAE"],
}

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submodules=[
        "aef",
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
        "nvae_tf",
        "reports",
        "run_folder",
        "training",
        "vlae",
    ],
    submod_attrs=_OFFERED,
)


class _Unloaded:
    """Stands in Keras's registry for a class until its module is imported; what that needs, `Configured` imports."""

    def __init__(self, name):
        self.name = name

    def from_config(self, config):
        return __getattr__(self.name).from_config(config)


@wrapt.when_imported("keras")
def _register(keras):
    for name in sum(_OFFERED.values(), []):
        keras.saving.get_custom_objects().setdefault(f"vae_flows>{name}", _Unloaded(name))
