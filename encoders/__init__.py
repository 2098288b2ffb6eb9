"""Networks from an image [B, H, W, C] to a vector [B, features], to be followed by a density; no probability here."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "bottleneck": ["BottleneckEncoder"],
        "convolutional": ["ConvolutionalEncoder"],
        "dense": ["DenseEncoder"],
        "gated_conv": ["GatedConvEncoder"],
        "padded": ["Padded"],
        "resnet": ["ResNetEncoder"],
        "strided": ["StridedEncoder"],
    },
)
