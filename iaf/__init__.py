"""The VAE with an inverse autoregressive posterior (arXiv:1606.04934)."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(__name__, submod_attrs={"posterior": ["paper_posterior"]})
