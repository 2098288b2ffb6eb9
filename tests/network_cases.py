"""Cases of encoders and decoders."""

from case import Case

from vae_flows import aef, decoders, encoders
from vae_flows.decoders import DenseDecoder
from vae_flows.encoders import DenseEncoder


# --- encoders and decoders: build() ---
def _network(kind, first, **arguments):
    return Case(build=lambda: kind(first, **arguments))


BLOCKS = {  # a bottleneck of one channel has normalised kernels of one number, which no gradient moves
    "": {"filters": 4, "blocks": 1},
    " bottleneck": {"filters": 8, "bottleneck": True},
    " plain": {"filters": 4, "weight_normalised": False},
    " bottleneck plain": {"filters": 8, "bottleneck": True, "weight_normalised": False},
}
ENCODERS: dict[str, Case] = {
    f"ConvolutionalEncoder{name}": _network(encoders.ConvolutionalEncoder, (8, 12, 3), features=6, **given)
    for name, given in BLOCKS.items()
} | {
    "DenseEncoder": _network(DenseEncoder, (6, 5, 2), hidden=(8, 7)),
    "DenseEncoder refed": _network(DenseEncoder, (6, 5, 2), hidden=(8, 7), activation="elu", refed=True),
    "DenseEncoder gated": _network(DenseEncoder, (6, 5, 2), hidden=(8, 7), activation="gated"),
    "GatedConvEncoder": _network(encoders.GatedConvEncoder, (8, 12, 3), features=6, filters=(4,) * 5, kernel=3),
    "ResNetEncoder": _network(encoders.ResNetEncoder, (8, 12, 3), features=6, filters=4),
    "ResNetEncoder plain": _network(
        encoders.ResNetEncoder, (8, 8, 1), features=6, filters=4, strides=(2, 1), weight_normalised=False
    ),
    "BottleneckEncoder": _network(encoders.BottleneckEncoder, (8, 12, 3), width=8, blocks=(1, 1, 2)),
    "StridedEncoder": _network(encoders.StridedEncoder, (8, 12, 3), filters=(4, 6)),
    "CorePixels": Case(build=lambda: aef.CorePixels(aef.corners((6, 5, 2), features=7))),
    "Padded": Case(build=lambda: encoders.Padded(DenseEncoder((8, 8, 1), hidden=(6,)), padding=((1, 1), (0, 2)))),
}
SMALL = {"image_shape": (6, 5, 2), "outputs": 4}
LARGE = {"image_shape": (8, 12, 3), "outputs": 6}
DECODERS: dict[str, Case] = {
    f"ConvolutionalDecoder{name}": _network(decoders.ConvolutionalDecoder, 3, **LARGE, **given)
    for name, given in BLOCKS.items()
} | {
    "DenseDecoder": _network(DenseDecoder, 3, hidden=(7, 8), **SMALL),
    "DenseDecoder refed": _network(DenseDecoder, 3, hidden=(7,), activation="elu", refed=True, **SMALL),
    "DenseDecoder gated": _network(DenseDecoder, 3, hidden=(7,), activation="gated", refed=True, **SMALL),
    "GatedConvDecoder": _network(decoders.GatedConvDecoder, 3, filters=(4,) * 6, kernel=3, **LARGE),
    "ResNetDecoder": _network(decoders.ResNetDecoder, 3, filters=4, **LARGE),
    "ResNetDecoder plain": _network(decoders.ResNetDecoder, 3, filters=4, weight_normalised=False, **LARGE),
    "BottleneckDecoder": _network(decoders.BottleneckDecoder, 3, width=8, blocks=(2, 1), **LARGE),
    "StridedDecoder": _network(decoders.StridedDecoder, 3, filters=(6, 4), **LARGE),
    "Cropped": Case(build=lambda: decoders.Cropped(DenseDecoder(3, hidden=(5,), **SMALL), cropping=1)),
}
