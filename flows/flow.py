"""A base distribution pushed through a bijector."""

import tensorflow as tf
import tensorflow_probability as tfp

from vae_flows.densities.base import LazyDistribution
from vae_flows.densities.pushforward import pull, push
from vae_flows.flows.fused import forward_and_log_det, inverse_and_log_det

__all__ = ["Flow", "FlowDistribution"]

tfd = tfp.distributions


class FlowDistribution(tfd.TransformedDistribution):
    """The law of f(u) for u from a base, with value and density from one evaluation of f.

    log p(z) = log p_base(u) - log|det df/du|, z = f(u)
    """

    def _sample_and_log_prob(self, sample_shape, seed, **kwargs):
        u, log_base = self.distribution.experimental_sample_and_log_prob(sample_shape, seed=seed)
        z, log_det = forward_and_log_det(self.bijector, u)
        return z, log_base - log_det

    def _log_prob(self, value):
        u, log_det = inverse_and_log_det(self.bijector, value)
        return self.distribution.log_prob(u) + log_det


@push.register
def _(distribution: FlowDistribution, noise):
    u, log_base = push(distribution.distribution, noise)
    z, log_det = forward_and_log_det(distribution.bijector, u)
    return z, log_base - log_det


@pull.register
def _(distribution: FlowDistribution, value):
    u, log_det = inverse_and_log_det(distribution.bijector, value)
    noise, log_base = pull(distribution.distribution, u)
    return noise, log_base + log_det


@push.register
def _(distribution: tfd.BatchBroadcast, noise):
    shape = tf.broadcast_dynamic_shape(tf.shape(noise)[:-1], distribution.batch_shape_tensor())
    return push(distribution.distribution, tf.broadcast_to(noise, tf.concat([shape, tf.shape(noise)[-1:]], 0)))


@pull.register
def _(distribution: tfd.BatchBroadcast, value):
    return pull(distribution.distribution, value)


class Flow(LazyDistribution):
    """A normalizing flow: a base distribution pushed through a bijector. Both may depend on the context.

    z = f(u), u ~ base, log q(z) = log p_base(u) - log|det df/du|

    One class serves as posterior (amortised) and as prior (static).

    Args:
        transform: Lazy bijector f.
        base: Lazy distribution of u.
        context_network: Deterministic layer [..., C] -> [..., C'] between the context and the transform (the base takes
            the context as it comes), such as `blocks.FeatureNet`; None hands the context on.

    Call:
        context [..., C], or None if both parts are static -> `tfd.Distribution` on events [D].

    Raises:
        ValueError: if the parts differ in size or context.

    Example:
        >>> flow = Flow(Chain([Reverse(3)]), DiagonalNormal(3, context=5))
        >>> flow(tf.ones([2, 5])).sample(4, seed=[0, 0]).shape
        TensorShape([4, 2, 3])

    Reference: Rezende, Mohamed. Variational Inference with Normalizing Flows. 2015. arXiv:1505.05770
    """

    def __init__(self, transform, base, context_network=None, **kwargs):
        if context_network is not None and context_network.width != transform.context:
            raise ValueError(
                f"`context_network` must give what `transform` takes. Expected: {transform.context} features. Received: "
                f"{context_network.width}."
            )
        outer = transform.context if context_network is None else context_network.features
        if transform.features != base.features or (outer and base.context not in (0, outer)):
            raise ValueError(
                "`transform` and `base` must agree in features and context. Received: "
                f"features={transform.features} and {base.features}, context={outer} and {base.context}."
            )
        super().__init__(context=outer or base.context, **kwargs)
        self.features = base.features
        self.transform = transform
        self.base = base
        self.context_network = context_network
        self.built = True

    def given(self, context):
        inner = context if self.context_network is None else self.context_network(context)
        bijector = self.transform(inner) if self.transform.context else self.transform()
        if self.base.context or context is None:
            base = self.base(context)
        else:  # one base point per context
            base = tfd.BatchBroadcast(self.base(), with_shape=tf.shape(context)[:-1])
        return FlowDistribution(base, bijector)
