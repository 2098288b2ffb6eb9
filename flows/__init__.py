"""Normalizing flows: Keras layers that return TFP bijectors, and `Flow`, a base distribution pushed through one."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "autoregressive": ["GatedAutoregressive", "MaskedAutoregressive", "ShiftAutoregressive"],
        "base": ["Chain", "Invert", "LazyBijector"],
        "flow": ["Flow"],
        "pixels": [
            "ActivationNormalisedPixels",
            "CentredPixels",
            "LogitPixels",
            "PixelTransform",
            "TransformedPixels",
            "spread",
        ],
        "permutation": ["Reverse"],
    },
)
