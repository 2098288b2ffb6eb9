"""NVAE: a deep hierarchical variational autoencoder (arXiv:2007.03898)."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "nvae": ["NVAE", "adaptive_groups"],
        "objective": ["BalancedElbo"],
        "spectral": ["SpectralNormalisation", "SpectralRegularisation"],
    },
)
