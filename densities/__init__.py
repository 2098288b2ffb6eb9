"""Lazy distributions: Keras layers that return TFP distributions, and the maps of noise behind them."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "base": ["Conditional", "LazyDistribution"],
        "gaussian": ["DiagonalNormal", "StandardNormal"],
        "gaussian_pixels": [
            "FixedScaleGaussian",
            "LatentScaleGaussian",
            "PixelScaleGaussian",
            "SharedScaleGaussian",
        ],
        "logistic": ["LogisticMixture"],
        "pushforward": ["pull", "push", "standard_normal", "standard_normal_log_prob"],
        "pixels": ["Bernoulli"],
        "precision": ["PrecisionNormal"],
    },
)
