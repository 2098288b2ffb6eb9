"""Whole flows from a few named arguments.

Each function returns a `Flow`. With a context it serves as posterior: a diagonal Gaussian from the context, then the
bijectors. Without one it serves as prior: N(0, I), then static bijectors.

`step_context` is the size of c = elu(linear(context)), which all steps share; None hands them the context itself, and 0
nothing: the steps are then static, and of a posterior the Gaussian alone depends on the context. The parameters of a step
cost a product with its context, so a narrow c keeps sixteen steps cheap beside a wide encoder.
"""

from vae_flows.blocks.feature_net import FeatureNet
from vae_flows.densities.gaussian import DiagonalNormal, StandardNormal
from vae_flows.flows.actnorm import ActivationNormalisation
from vae_flows.flows.autoregressive import GatedAutoregressive, MaskedAutoregressive
from vae_flows.flows.base import Chain, Invert
from vae_flows.flows.bases import GramSchmidtBasis
from vae_flows.flows.coupling import AdditiveCoupling, AffineCoupling, DiagonalScaling
from vae_flows.flows.flow import Flow
from vae_flows.flows.householder import Householder
from vae_flows.flows.permutation import Reverse
from vae_flows.flows.planar import Planar
from vae_flows.flows.radial import Radial
from vae_flows.flows.spline import SplineCoupling
from vae_flows.flows.sylvester import Sylvester

__all__ = ["householder", "iaf", "maf", "neural_spline", "nice", "planar", "radial", "real_nvp", "sylvester"]


def planar(features, *, context=0, layers=16, step_context=64):
    """Planar maps after a Gaussian.

    Args:
        features: Size D of the latent.
        context: Size C of the conditioning vector; 0 for a prior.
        layers: Number of maps.
        step_context: Size of the context that the maps share; None for the context itself, 0 for static maps.

    Returns:
        `Flow`.

    Example:
        >>> planar(3, context=5, layers=2)(tf.ones([4, 5])).sample(seed=[0, 0]).shape
        TensorShape([4, 3])
    """
    return _flow(lambda inner: Planar(features, context=inner, layers=layers), features, context, step_context)


def radial(features, *, context=0, layers=16, step_context=64):
    """Radial maps after a Gaussian. Arguments as in `planar`.

    Example:
        >>> radial(3, layers=2)().sample(4, seed=[0, 0]).shape
        TensorShape([4, 3])
    """
    return _flow(lambda inner: Radial(features, context=inner, layers=layers), features, context, step_context)


def householder(features, *, context=0, layers=16, step_context=64):
    """Reflections after a Gaussian; with a context each vector is linear in the one before (the paper's choice).

    Arguments as in `planar`.

    Example:
        >>> householder(3, context=5, layers=2)(tf.ones([4, 5])).sample(seed=[0, 0]).shape
        TensorShape([4, 3])
    """
    return _flow(
        lambda inner: Householder(features, context=inner, reflections=layers, chained=inner > 0),
        features,
        context,
        step_context,
    )


def sylvester(features, *, context=0, layers=4, bases=(), step_context=64):
    """Sylvester maps after a Gaussian.

    Args:
        features: Size D of the latent.
        context: Size C of the conditioning vector; 0 for a prior.
        layers: Number of maps.
        bases: Those of the maps in turn, from the first again when they run out, such as
            `(StandardBasis(), StandardBasis(reverse=True))`; if empty, each map has D // 2 free orthonormal columns.
        step_context: Size of the context that the maps share; None for the context itself, 0 for static maps.

    Returns:
        `Flow`.

    Example:
        >>> sylvester(4, context=5, layers=2)(tf.ones([3, 5])).sample(seed=[0, 0]).shape
        TensorShape([3, 4])
    """
    bases = bases or (GramSchmidtBasis(columns=max(1, features // 2)),)
    return _flow(
        lambda inner: Chain(
            [Sylvester(features, basis=bases[layer % len(bases)], context=inner) for layer in range(layers)]
        ),
        features,
        context,
        step_context,
    )


def nice(features, *, context=0, layers=16, hidden=None, step_context=64):
    """Additive couplings with alternating halves after a Gaussian, and a scaling of every feature at the end.

    Args:
        features: Size D of the latent; even.
        context: Size C of the conditioning vector; 0 for a prior.
        layers: Number of couplings.
        hidden: Widths of each coupling's hidden layers; two of 5 D if None.
        step_context: Size of the context that the steps share; None for the context itself, 0 for static steps.

    Returns:
        `Flow`.

    Example:
        >>> nice(4, context=5, layers=2)(tf.ones([3, 5])).sample(seed=[0, 0]).shape
        TensorShape([3, 4])
    """
    hidden = hidden or (5 * features, 5 * features)

    def transform(inner):
        steps = _alternating(AdditiveCoupling, features, inner, layers, hidden)
        return Chain([*steps, DiagonalScaling(features, context=inner)])

    return _flow(transform, features, context, step_context)


def real_nvp(features, *, context=0, layers=8, hidden=(128, 128), step_context=64):
    """Affine couplings with alternating halves after a Gaussian.

    Args:
        features: Size D of the latent; even.
        context: Size C of the conditioning vector; 0 for a prior.
        layers: Number of couplings.
        hidden: Widths of each coupling's hidden layers.
        step_context: Size of the context that the steps share; None for the context itself, 0 for static steps.

    Returns:
        `Flow`.

    Example:
        >>> real_nvp(4, layers=2, hidden=(8,))().sample(3, seed=[0, 0]).shape
        TensorShape([3, 4])
    """
    return _flow(
        lambda inner: Chain(_alternating(AffineCoupling, features, inner, layers, hidden)),
        features,
        context,
        step_context,
    )


def neural_spline(features, *, context=0, layers=4, hidden=(128, 128), bins=8, bound=5.0, step_context=64):
    """Spline couplings with alternating halves after a Gaussian.

    Args:
        features: Size D of the latent; even.
        context: Size C of the conditioning vector; 0 for a prior.
        layers: Number of couplings.
        hidden: Widths of each coupling's hidden layers.
        bins: Number of pieces of each spline.
        bound: The splines act on [-bound, bound].
        step_context: Size of the context that the steps share; None for the context itself, 0 for static steps.

    Returns:
        `Flow`.

    Example:
        >>> neural_spline(4, layers=2, hidden=(8,))().sample(3, seed=[0, 0]).shape
        TensorShape([3, 4])
    """
    return _flow(
        lambda inner: Chain(_alternating(SplineCoupling, features, inner, layers, hidden, bins=bins, bound=bound)),
        features,
        context,
        step_context,
    )


def iaf(features, *, context=0, layers=8, hidden=(320,), residual_blocks=0, normalised=False, step_context=64):
    """Gated autoregressive steps after a Gaussian, the order reversed between them: sampling takes one pass.

    Args:
        features: Size D of the latent.
        context: Size C of the conditioning vector; 0 for a prior.
        layers: Number of steps.
        hidden: Widths of each step's masked hidden layers.
        residual_blocks: Number of masked residual blocks in each step.
        normalised: Whether `ActivationNormalisation` with one shared scale follows each step, to be set by
            `blocks.initialise_from_data`.
        step_context: Size of the context that the steps share; None for the context itself, 0 for static steps.

    Returns:
        `Flow`.

    Example:
        >>> iaf(3, context=5, layers=2, hidden=(8,))(tf.ones([4, 5])).sample(seed=[0, 0]).shape
        TensorShape([4, 3])
    """

    def transform(inner):
        arguments = {"hidden": hidden, "context": inner, "residual_blocks": residual_blocks}
        return Chain(_reversing(GatedAutoregressive, features, layers, normalised, arguments))

    return _flow(transform, features, context, step_context)


def maf(features, *, context=0, layers=4, hidden=(256,), residual_blocks=2, normalised=False, step_context=64):
    """Masked affine autoregressive steps, the order reversed between them: the density takes one pass, as a prior likes.

    Arguments as in `iaf`. Sampling takes D passes for each step.

    Example:
        >>> maf(3, layers=2, hidden=(8,))().log_prob(tf.zeros([4, 3])).shape
        TensorShape([4])
    """

    def transform(inner):
        arguments = {"hidden": hidden, "context": inner, "residual_blocks": residual_blocks}
        return Invert(Chain(_reversing(MaskedAutoregressive, features, layers, normalised, arguments)))

    return _flow(transform, features, context, step_context)


def _flow(transform, features, context, step_context):
    """`transform` is a function of the size of the context that it will see."""
    if not context:
        return Flow(transform(0), StandardNormal(features))
    base = DiagonalNormal(features, context=context)
    if not step_context:
        return Flow(transform(context if step_context is None else 0), base)
    network = FeatureNet(context, hidden=(step_context,), activation="elu")
    return Flow(transform(step_context), base, context_network=network)


def _alternating(step, features, context, layers, hidden, **arguments):
    return [
        step(features, hidden=hidden, context=context, swapped=layer % 2 == 1, **arguments) for layer in range(layers)
    ]


def _reversing(step, features, layers, normalised, arguments):
    parts = []
    for layer in range(layers):
        parts += [Reverse(features)] if layer else []
        parts.append(step(features, **arguments))
        parts += [ActivationNormalisation(features, shared=True)] if normalised else []
    return parts
