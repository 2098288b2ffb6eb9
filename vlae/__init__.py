"""The variational Laplace autoencoder (arXiv:2211.17267), and the other way to refine a posterior that it is compared with."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__, submod_attrs={"laplace": ["Laplace"], "semi_amortised": ["SemiAmortised"]}
)
