"""Cases of bijectors."""

import math

import tensorflow as tf
from case import STATIC, Case

from vae_flows import flows


class SoftClip(flows.Element):
    """zuko's affine element: y = x exp(s) + m, s = raw / (1 + |raw| / 7)."""

    initial = (0.0, 0.0)

    def forward(self, x, parameters):
        log_scale = parameters[..., 1] / (1.0 + tf.abs(parameters[..., 1]) / 7.0)
        return x * tf.exp(log_scale) + parameters[..., 0], log_scale

    def inverse(self, y, parameters):
        log_scale = parameters[..., 1] / (1.0 + tf.abs(parameters[..., 1]) / 7.0)
        return (y - parameters[..., 0]) * tf.exp(-log_scale)


class Softplus(flows.Element):
    """nflows' affine element: y = x (softplus(raw) + floor) + m."""

    def __init__(self, floor=1e-3):
        self.floor = floor
        self.initial = (0.0, math.log(math.expm1(1.0 - floor)))

    def forward(self, x, parameters):
        scale = tf.nn.softplus(parameters[..., 1]) + self.floor
        return x * scale + parameters[..., 0], tf.math.log(scale)

    def inverse(self, y, parameters):
        return (y - parameters[..., 0]) / (tf.nn.softplus(parameters[..., 1]) + self.floor)


# --- elements of the line, the package's and those that a user might bring ---
ELEMENTS: dict[str, flows.Element] = {
    "Shift": flows.Shift(),
    "Affine": flows.Affine(),
    "Affine unbounded": flows.Affine(log_scale_bound=None),
    "Gated": flows.Gated(bias=1.0),
    "RationalQuadratic": flows.RationalQuadratic(bins=5, bound=3.0),
    "SoftClip": SoftClip(),
    "Softplus": Softplus(floor=0.01),
}


# --- flows: build(features, context=, dtype=), of `features` numbers, 3 where 0 is said; properties: "static" takes no
# context, "amortised" needs one, "triangular" has such a Jacobian, "data-initialised" normalises a first batch ---
def _case(kind, *properties, features=0, **arguments):
    return Case(
        build=lambda features, **given: kind(features, **arguments, **given),
        features=features,
        properties=frozenset(properties),
    )


def _autoregressive(element, **arguments):
    return _case(flows.Autoregressive, "triangular", element=ELEMENTS[element], hidden=(8, 8), **arguments)


def _coupling(element, **arguments):
    return _case(flows.Coupling, features=4, element=ELEMENTS[element], hidden=(8, 8), **arguments)


def _static(kind, *properties, **arguments):
    return Case(
        build=lambda features, context, dtype: kind(features, dtype=dtype, **arguments),
        properties=STATIC | frozenset(properties),
    )


def _chain(features, context, dtype):
    arguments = {"hidden": (8,), "context": context, "dtype": dtype}
    first = flows.Autoregressive(features, element=flows.Gated(), **arguments)
    last = flows.Autoregressive(features, element=flows.Affine(), **arguments)
    return flows.Chain([first, flows.Reverse(features, dtype=dtype), last], dtype=dtype)


def _inverted(features, context, dtype):
    step = flows.Autoregressive(features, element=flows.Affine(), hidden=(8,), context=context, dtype=dtype)
    return flows.Invert(step, dtype=dtype)


def _permutation(features, context, dtype):
    return flows.Permutation(features, order=[*range(1, features), 0], dtype=dtype)


FLOWS: dict[str, Case] = {
    "Autoregressive Gated": _autoregressive("Gated"),
    "Autoregressive Shift": _autoregressive("Shift"),
    "Autoregressive SoftClip residual": _autoregressive("SoftClip", residual_blocks=2),
    "Autoregressive RationalQuadratic": _autoregressive("RationalQuadratic"),
    "Coupling Affine": _coupling("Affine"),
    "Coupling Softplus swapped": _coupling("Softplus", swapped=True),
    "Coupling RationalQuadratic": _coupling("RationalQuadratic"),
    "DiagonalScaling": _case(flows.DiagonalScaling, "triangular"),
    "Planar": _case(flows.Planar),
    "Planar x3": _case(flows.Planar, layers=3),
    "Radial": _case(flows.Radial),
    "Radial x3": _case(flows.Radial, layers=3),
    "Householder": _case(flows.Householder, reflections=3),
    "Householder chained": _case(flows.Householder, "amortised", reflections=3, chained=True),
    "Sylvester orthogonal": _case(flows.Sylvester, basis=flows.GramSchmidtBasis(columns=2)),
    "Sylvester Householder": _case(flows.Sylvester, basis=flows.HouseholderBasis(reflections=2)),
    "Sylvester triangular": _case(flows.Sylvester, basis=flows.StandardBasis(reverse=True)),
    "InvertibleLinear": _case(flows.InvertibleLinear),
    "ActivationNormalisation": _static(flows.ActivationNormalisation, "triangular", "data-initialised"),
    "ActivationNormalisation shared": _static(
        flows.ActivationNormalisation, "triangular", "data-initialised", shared=True
    ),
    "Permutation": Case(build=_permutation, properties=STATIC),
    "Reverse": _static(flows.Reverse),
    "Chain": Case(build=_chain),
    "Invert": Case(build=_inverted, properties=frozenset({"triangular"})),
}

# --- transforms of pixels of [0, 1]: build() ---
PIXELS = (2, 3, 3)
PIXEL_TRANSFORMS: dict[str, Case] = {
    "LogitPixels": Case(build=lambda: flows.LogitPixels(alpha=0.05)),
    "CentredPixels": Case(build=lambda: flows.CentredPixels(PIXELS)),
    "ActivationNormalisedPixels": Case(build=lambda: flows.ActivationNormalisedPixels(PIXELS[-1])),
}
