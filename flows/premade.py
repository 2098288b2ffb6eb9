"""Whole flows from a few named arguments.

Each function returns a `Flow`. With a context it serves as posterior: a diagonal Gaussian from the context, then the
bijectors. Without one it serves as prior: N(0, I), then static bijectors.

`step_context` is the size of c = elu(linear(context)), which all steps share; None hands them the context itself, and 0
nothing: the steps are then static, and of a posterior the Gaussian alone depends on the context. The parameters of a step
cost a product with its context, so a narrow c keeps sixteen steps cheap beside a wide encoder.

`log_scale_offset` is added to the log-scale of a posterior's Gaussian: with -3 training starts with a narrow posterior.
"""

from vae_flows.blocks.feature_net import FeatureNet
from vae_flows.densities.gaussian import DiagonalNormal, StandardNormal
from vae_flows.flows.actnorm import ActivationNormalisation
from vae_flows.flows.autoregressive import Autoregressive
from vae_flows.flows.base import Chain, Invert
from vae_flows.flows.bases import GramSchmidtBasis
from vae_flows.flows.coupling import Coupling, DiagonalScaling
from vae_flows.flows.elements import Affine, Gated, Shift
from vae_flows.flows.flow import Flow
from vae_flows.flows.householder import Householder
from vae_flows.flows.permutation import with_reversals
from vae_flows.flows.planar import Planar
from vae_flows.flows.radial import Radial
from vae_flows.flows.spline import RationalQuadratic
from vae_flows.flows.sylvester import Sylvester

__all__ = ["householder", "iaf", "maf", "neural_spline", "nice", "planar", "radial", "real_nvp", "sylvester"]


def planar(features, *, context=0, layers=16, step_context=64, log_scale_offset=0.0):
    """Planar maps after a Gaussian.

    Args:
        features: Size D of the latent.
        context: Size C of the conditioning vector; 0 for a prior.
        layers: Number of maps.
        step_context: Size of the context that the maps share; None for the context itself, 0 for static maps.
        log_scale_offset: On the log-scale of a posterior's Gaussian.

    Returns:
        `Flow`.

    Example:
        >>> planar(3, context=5, layers=2)(tf.ones([4, 5])).sample(seed=[0, 0]).shape
        TensorShape([4, 3])
    """

    def transform(inner):
        return Planar(features, context=inner, layers=layers)

    return _flow(transform, features, context, step_context, log_scale_offset)


def radial(features, *, context=0, layers=16, step_context=64, log_scale_offset=0.0):
    """Radial maps after a Gaussian. Arguments as in `planar`.

    Example:
        >>> radial(3, layers=2)().sample(4, seed=[0, 0]).shape
        TensorShape([4, 3])
    """

    def transform(inner):
        return Radial(features, context=inner, layers=layers)

    return _flow(transform, features, context, step_context, log_scale_offset)


def householder(features, *, context=0, layers=16, step_context=64, log_scale_offset=0.0):
    """Reflections after a Gaussian; with a context each vector is linear in the one before (the paper's choice).

    Arguments as in `planar`.

    Example:
        >>> householder(3, context=5, layers=2)(tf.ones([4, 5])).sample(seed=[0, 0]).shape
        TensorShape([4, 3])
    """

    def transform(inner):
        return Householder(features, context=inner, reflections=layers, chained=inner > 0)

    return _flow(transform, features, context, step_context, log_scale_offset)


def sylvester(features, *, context=0, layers=4, bases=(), step_context=64, log_scale_offset=0.0):
    """Sylvester maps after a Gaussian. Arguments as in `planar`.

    `bases` are those of the maps in turn, from the first again when they run out, such as
    `(StandardBasis(), StandardBasis(reverse=True))`; if empty, each map has D // 2 free orthonormal columns.

    Example:
        >>> sylvester(4, context=5, layers=2)(tf.ones([3, 5])).sample(seed=[0, 0]).shape
        TensorShape([3, 4])
    """
    bases = bases or (GramSchmidtBasis(columns=max(1, features // 2)),)

    def transform(inner):
        return Chain([Sylvester(features, basis=bases[k % len(bases)], context=inner) for k in range(layers)])

    return _flow(transform, features, context, step_context, log_scale_offset)


def real_nvp(
    features,
    *,
    context=0,
    layers=8,
    element=Affine(),
    hidden=(128, 128),
    activation="relu",
    step_context=64,
    log_scale_offset=0.0,
):
    """Couplings with alternating halves after a Gaussian.

    Args:
        features: Size D of the latent; even.
        context: Size C of the conditioning vector; 0 for a prior.
        layers: Number of couplings.
        element: `Element` by which they change one half.
        hidden: Widths of each coupling's hidden layers.
        activation: Of the hidden layers.
        step_context: Size of the context that the steps share; None for the context itself, 0 for static steps.
        log_scale_offset: On the log-scale of a posterior's Gaussian.

    Returns:
        `Flow`.

    Example:
        >>> real_nvp(4, layers=2, hidden=(8,))().sample(3, seed=[0, 0]).shape
        TensorShape([3, 4])
    """

    def transform(inner):
        arguments = {"element": element, "hidden": hidden, "context": inner, "activation": activation}
        return Chain([Coupling(features, swapped=layer % 2 == 1, **arguments) for layer in range(layers)])

    return _flow(transform, features, context, step_context, log_scale_offset)


def nice(features, *, layers=16, hidden=None, **arguments):
    """Additive couplings with alternating halves after a Gaussian, and a scaling of every feature at the end.

    Arguments as in `real_nvp`, but for `element`; `hidden` is two layers of 5 D if None.

    Example:
        >>> nice(4, context=5, layers=2)(tf.ones([3, 5])).sample(seed=[0, 0]).shape
        TensorShape([3, 4])
    """
    flow = real_nvp(features, layers=layers, element=Shift(), hidden=hidden or (5 * features,) * 2, **arguments)
    scaling = DiagonalScaling(features, context=flow.transform.context)
    return Flow(Chain([*flow.transform.parts, scaling]), flow.base, context_network=flow.context_network)


def neural_spline(features, *, layers=4, element=RationalQuadratic(), **arguments):
    """Spline couplings with alternating halves after a Gaussian. Arguments as in `real_nvp`.

    Example:
        >>> neural_spline(4, layers=2, element=RationalQuadratic(bins=4), hidden=(8,))().sample(3, seed=[0, 0]).shape
        TensorShape([3, 4])
    """
    return real_nvp(features, layers=layers, element=element, **arguments)


def iaf(
    features,
    *,
    context=0,
    layers=8,
    element=Gated(),
    hidden=(320,),
    residual_blocks=0,
    activation="elu",
    context_after_activation=False,
    normalised=False,
    step_context=64,
    log_scale_offset=0.0,
):
    """Autoregressive steps after a Gaussian, the order reversed between them: sampling takes one pass.

    Args:
        features: Size D of the latent.
        context: Size C of the conditioning vector; 0 for a prior.
        layers: Number of steps.
        element: `Element` of the steps: `Shift()` preserves volume.
        hidden: Widths of each step's masked hidden layers.
        residual_blocks: Number of masked residual blocks in each step.
        activation: Of the hidden layers.
        context_after_activation: Whether the context enters a step's first layer after its nonlinearity.
        normalised: Whether `ActivationNormalisation` with one shared scale follows each step, to be set by
            `blocks.initialise_from_data`.
        step_context: Size of the context that the steps share; None for the context itself, 0 for static steps.
        log_scale_offset: On the log-scale of a posterior's Gaussian.

    Returns:
        `Flow`.

    Example:
        >>> iaf(3, context=5, layers=2, hidden=(8,))(tf.ones([4, 5])).sample(seed=[0, 0]).shape
        TensorShape([4, 3])
    """

    def transform(inner):
        steps = []
        for _ in range(layers):
            step = Autoregressive(
                features,
                element=element,
                hidden=hidden,
                context=inner,
                context_after_activation=context_after_activation,
                residual_blocks=residual_blocks,
                activation=activation,
            )
            steps.append(Chain([step, ActivationNormalisation(features, shared=True)]) if normalised else step)
        return with_reversals(steps)

    return _flow(transform, features, context, step_context, log_scale_offset)


def maf(features, *, layers=4, element=Affine(), hidden=(256,), residual_blocks=2, **arguments):
    """Autoregressive steps, inverted, after a Gaussian: the density takes one pass, as a prior likes.

    Arguments as in `iaf`. Sampling takes D passes for each step.

    Example:
        >>> maf(3, layers=2, hidden=(8,))().log_prob(tf.zeros([4, 3])).shape
        TensorShape([4])
    """
    flow = iaf(features, layers=layers, element=element, hidden=hidden, residual_blocks=residual_blocks, **arguments)
    return Flow(Invert(flow.transform), flow.base, context_network=flow.context_network)


def _flow(transform, features, context, step_context, log_scale_offset):
    """`transform` is a function of the size of the context that it will see."""
    if not context:
        return Flow(transform(0), StandardNormal(features))
    base = DiagonalNormal(features, context=context, log_scale_offset=log_scale_offset)
    if not step_context:
        return Flow(transform(context if step_context is None else 0), base)
    network = FeatureNet(context, hidden=(step_context,), activation="elu")
    return Flow(transform(step_context), base, context_network=network)
