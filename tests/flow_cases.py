"""Cases of bijectors."""

from case import STATIC, Case

from vae_flows import flows


# --- flows: build(features, context=, dtype=), of `features` numbers, 3 where 0 is said; properties: "static" takes no
# context, "amortised" needs one, "triangular" has such a Jacobian, "data-initialised" normalises a first batch ---
def _autoregressive(name, **arguments):
    kind = getattr(flows, name)
    return Case(
        build=lambda features, **given: kind(features, hidden=(8, 8), **arguments, **given),
        properties=frozenset({"triangular"}),
    )


def _chain(features, context, dtype):
    step = flows.GatedAutoregressive(features, hidden=(8,), context=context, dtype=dtype)
    last = flows.MaskedAutoregressive(features, hidden=(8,), context=context, dtype=dtype)
    return flows.Chain([step, flows.Reverse(features, dtype=dtype), last], dtype=dtype)


def _inverted(features, context, dtype):
    return flows.Invert(flows.MaskedAutoregressive(features, hidden=(8,), context=context, dtype=dtype), dtype=dtype)


def _coupling(name, **arguments):
    kind = getattr(flows, name)
    return Case(build=lambda features, **given: kind(features, hidden=(8, 8), **arguments, **given), features=4)


def _flow(name, *properties, **arguments):
    kind = getattr(flows, name)
    return Case(build=lambda features, **given: kind(features, **arguments, **given), properties=frozenset(properties))


def _static(name, *properties, **arguments):
    kind = getattr(flows, name)
    return Case(
        build=lambda features, context, dtype: kind(features, dtype=dtype, **arguments),
        properties=STATIC | frozenset(properties),
    )


def _permutation(features, context, dtype):
    return flows.Permutation(features, order=[*range(1, features), 0], dtype=dtype)


FLOWS: dict[str, Case] = {
    "GatedAutoregressive": _autoregressive("GatedAutoregressive"),
    "ShiftAutoregressive": _autoregressive("ShiftAutoregressive"),
    "MaskedAutoregressive": _autoregressive("MaskedAutoregressive"),
    "MaskedAutoregressive residual": _autoregressive("MaskedAutoregressive", residual_blocks=2),
    "AutoregressiveSpline": _autoregressive("AutoregressiveSpline", bins=5, bound=3.0),
    "AdditiveCoupling": _coupling("AdditiveCoupling"),
    "AffineCoupling": _coupling("AffineCoupling"),
    "AffineCoupling swapped": _coupling("AffineCoupling", swapped=True),
    "SplineCoupling": _coupling("SplineCoupling", bins=5, bound=3.0),
    "DiagonalScaling": _flow("DiagonalScaling", "triangular"),
    "Planar": _flow("Planar"),
    "Planar x3": _flow("Planar", layers=3),
    "Radial": _flow("Radial"),
    "Radial x3": _flow("Radial", layers=3),
    "Householder": _flow("Householder", reflections=3),
    "Householder chained": _flow("Householder", "amortised", reflections=3, chained=True),
    "Sylvester orthogonal": _flow("Sylvester", basis=flows.GramSchmidtBasis(columns=2)),
    "Sylvester Householder": _flow("Sylvester", basis=flows.HouseholderBasis(reflections=2)),
    "Sylvester triangular": _flow("Sylvester", basis=flows.StandardBasis(reverse=True)),
    "InvertibleLinear": _flow("InvertibleLinear"),
    "ActivationNormalisation": _static("ActivationNormalisation", "triangular", "data-initialised"),
    "ActivationNormalisation shared": _static("ActivationNormalisation", "triangular", "data-initialised", shared=True),
    "Permutation": Case(build=_permutation, properties=STATIC),
    "Reverse": _static("Reverse"),
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
