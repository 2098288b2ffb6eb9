"""The inverse autoregressive posterior of Kingma et al. 2016."""

from vae_flows.blocks.feature_net import FeatureNet
from vae_flows.densities.gaussian import DiagonalNormal
from vae_flows.flows.autoregressive import GatedAutoregressive
from vae_flows.flows.base import Chain
from vae_flows.flows.flow import Flow
from vae_flows.flows.permutation import Reverse

__all__ = ["iaf_posterior"]


def iaf_posterior(
    features,
    *,
    context,
    layers=8,
    hidden=(1920, 1920),
    step_context=1920,
    context_after_activation=False,
    log_scale_offset=-3.0,
    step=GatedAutoregressive,
):
    """A narrow Gaussian, then gated autoregressive steps with the order of the variables reversed between them.

    z_0 = loc(h) + exp(log_scale(h) + offset) * u;  z_t = step_t(z_{t-1}, c(h)),  t = 1 .. layers

    Args:
        features: Size D of the latent.
        context: Size of the encoder's output h.
        layers: Number T of steps.
        hidden: Widths of each step's masked layers.
        step_context: Size of the context c = elu(linear(h)) that all steps share.
        context_after_activation: Whether c enters a step's first layer after its nonlinearity.
        log_scale_offset: On the base's log-scale: training starts with a narrow posterior.
        step: Lazy bijector class of the steps: `GatedAutoregressive`, or `ShiftAutoregressive` to preserve volume.

    Returns:
        `Flow`: h [..., context] -> q(z | x).

    Example:
        >>> q = iaf_posterior(4, context=6, layers=2, hidden=(8,), step_context=5)(tf.ones([2, 6]))
        >>> q.sample(3, seed=[0, 0]).shape
        TensorShape([3, 2, 4])

    Reference: Kingma et al. Improved Variational Inference with Inverse Autoregressive Flow. 2016. arXiv:1606.04934
    """
    parts = []
    for layer in range(layers):
        if layer:
            parts.append(Reverse(features))
        parts.append(
            step(features, hidden=hidden, context=step_context, context_after_activation=context_after_activation)
        )
    return Flow(
        Chain(parts),
        DiagonalNormal(features, context=context, log_scale_offset=log_scale_offset),
        context_network=FeatureNet(context, hidden=(step_context,), activation="elu"),
    )
