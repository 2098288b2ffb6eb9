"""Normalizing flows: Keras layers that return TFP bijectors, and `Flow`, a base distribution pushed through one.

`flows.premade` holds functions that build whole flows.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submodules=["premade"],
    submod_attrs={
        "actnorm": ["ActivationNormalisation"],
        "autoregressive": ["Autoregressive"],
        "base": ["Chain", "Invert", "LazyBijector"],
        "bases": ["GramSchmidtBasis", "HouseholderBasis", "StandardBasis"],
        "coupling": ["Coupling", "DiagonalScaling"],
        "elements": ["Affine", "Element", "Gated", "Shift"],
        "flow": ["Flow"],
        "householder": ["Householder"],
        "linear": ["InvertibleLinear"],
        "pixels": [
            "ActivationNormalisedPixels",
            "CentredPixels",
            "LogitPixels",
            "PixelTransform",
            "chained",
            "spread",
        ],
        "permutation": ["Permutation", "Reverse", "with_reversals"],
        "planar": ["Planar"],
        "radial": ["Radial"],
        "spline": ["RationalQuadratic"],
        "sylvester": ["Sylvester"],
        "transformed_pixels": ["TransformedPixels"],
    },
)
