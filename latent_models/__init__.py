"""Latent-variable models of images: the contract, the VAE, and what training minimises."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "exact_model": ["ExactModel"],
        "image_model": ["ImageModel"],
        "images": ["check_images"],
        "inference": ["Inference", "VectorInference"],
        "latent_model": ["LatentModel"],
        "latent_use": ["LatentUse", "LatentUseMeter"],
        "objectives": ["Elbo", "Iwae", "Objective", "Reconstruction"],
        "path_gradients": ["DoublyReparameterised", "StickingTheLanding"],
        "pixel_flow": ["PixelFlow"],
        "refiner": ["Refiner"],
        "saving": ["load_model"],
        "schedules": ["Constant", "LinearWarmup", "LogLinear"],
        "seeds": ["Purpose", "as_seed", "key"],
        "terms": ["ElboTerms", "Minimised", "View"],
        "vae": ["VAE"],
        "views": ["interpolations", "restorations", "restored", "temperatures"],
    },
)
