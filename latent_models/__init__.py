"""Latent-variable models of images: the contract, the VAE, and what training minimises."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "image_model": ["ImageModel"],
        "latent_use": ["LatentUse", "latent_use"],
        "objectives": ["Elbo", "Iwae"],
        "saving": ["load_model"],
        "schedules": ["Constant", "LinearWarmup"],
        "terms": ["Annealing", "ElboTerms"],
        "vae": ["VAE"],
    },
)
