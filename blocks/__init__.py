"""Deterministic Keras layers that the rest is built of: dense, masked, gated, residual and weight-normalised ones."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "bottleneck": ["BottleneckBlock"],
        "configured": ["Configured"],
        "data_initialised": ["DataInitialised", "initialise_from_data"],
        "feature_net": ["FeatureNet"],
        "gated": ["GatedConv2D", "GatedConv2DTranspose", "GatedDense"],
        "masked": ["MADE", "MaskedDense", "MaskedResidual"],
        "normalised": ["WeightNormalised"],
        "residual": ["ResidualBlock", "UpsamplingResidualBlock"],
    },
)
