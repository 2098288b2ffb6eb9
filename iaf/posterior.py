"""The posterior of Kingma et al. 2016."""

from vae_flows.flows import premade
from vae_flows.flows.elements import Gated

__all__ = ["paper_posterior"]


def paper_posterior(
    features,
    *,
    context,
    depth=8,
    width=1920,
    element=Gated(bias=2.0),
    context_after_activation=False,
    log_scale_offset=-3.0,
):
    """A narrow Gaussian, then gated autoregressive steps with the order of the variables reversed between them.

    z_0 = loc(h) + exp(log_scale(h) + offset) * u, c = elu(linear(h))
    (m, s) = made_t(z_{t-1}, c), g = sigmoid(s), z_t = g * z_{t-1} + (1 - g) * m,  t = 1 .. depth

    `flows.premade.iaf` in the two numbers of the paper's table: each step has two hidden layers, and they and c are
    equally wide.

    Args:
        features: Size D of the latent.
        context: Size of the encoder's output h.
        depth: Number of steps; 2, 4 and 8 in the paper.
        width: Of the hidden layers and of c; 320 and 1920 in the paper.
        element: `Element` of the steps: `Gated`, or `Shift` to preserve volume.
        context_after_activation: Whether c enters a step's first layer after its nonlinearity.
        log_scale_offset: On the base's log-scale: training starts with a narrow posterior.

    Returns:
        `Flow`: h [..., context] -> q(z | x).

    Example:
        >>> q = paper_posterior(4, context=6, depth=2, width=8)(tf.ones([2, 6]))
        >>> q.sample(3, seed=[0, 0]).shape
        TensorShape([3, 2, 4])

    Reference: Kingma et al. Improved Variational Inference with Inverse Autoregressive Flow. 2016. arXiv:1606.04934
    """
    return premade.iaf(
        features,
        context=context,
        layers=depth,
        element=element,
        hidden=(width, width),
        context_after_activation=context_after_activation,
        step_context=width,
        log_scale_offset=log_scale_offset,
    )
