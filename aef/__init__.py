"""Autoencoding flows (arXiv:2205.09546): autoencoders with an exact likelihood."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "autoencoding_flow": ["AutoencodingFlow"],
        "extended": ["CoreEncoder", "CorePixels", "ExtendedSpace"],
        "masks": ["CoreMask", "centre", "corners"],
    },
)
