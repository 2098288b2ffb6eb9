"""Networks from a latent vector [B, D] to parameters of every pixel [B, H, W, outputs]: the encoders' mirror images."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "bottleneck": ["BottleneckDecoder"],
        "convolutional": ["ConvolutionalDecoder"],
        "cropped": ["Cropped"],
        "dense": ["DenseDecoder"],
        "gated_conv": ["GatedConvDecoder"],
        "resnet": ["ResNetDecoder"],
        "strided": ["StridedDecoder"],
    },
)
