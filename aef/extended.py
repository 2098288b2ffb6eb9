"""Autoencoding flows whose core is a function of the whole image: trained in an extended space."""

import math

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from vae_flows.blocks.configured import Configured
from vae_flows.blocks.shapes import check_images
from vae_flows.densities.pushforward import pull, push
from vae_flows.latent_models.objectives import Objective
from vae_flows.latent_models.terms import Minimised

__all__ = ["CoreEncoder", "CorePixels", "ExtendedSpace"]

tfd = tfp.distributions

_DECADES = [-5.0 + 0.5 * step for step in range(11)]  # log10 of the scales tried first


class CodeLaw:
    """The law of z = code(f(w)) for w ~ N(g(x), s^2 I): a map of noise, by three laws that are.

    Args:
        near: Law of w.
        core: Law whose noise is u = f(w).
        code: Law whose sample of the noise u is z.
    """

    def __init__(self, near, core, code):
        self.near, self.core, self.code = near, core, code

    def log_prob(self, z):
        """Log-density: [..., D] -> [...]."""
        return pull(self, z)[1]


@push.register
def _(law: CodeLaw, noise):
    w, log_near = push(law.near, noise)
    u, log_core = pull(law.core, w)
    z, log_code = push(law.code, u)
    return z, log_near - log_core + log_code


@pull.register
def _(law: CodeLaw, z):
    u, log_code = pull(law.code, z)
    w, log_core = push(law.core, u)
    noise, log_near = pull(law.near, w)
    return noise, log_near - log_core + log_code


class CoreEncoder(Configured, keras.layers.Layer):
    """Stands as the encoder of a `VAE` that is an autoencoding flow with a core w = g(x), linear or any network.

    w ~ N(g(x), s^2 I),  u = f(w),  z = loc_e(x) + scale_e(x) * u

    Training takes w = g(x) itself (`ExtendedSpace`). The Gaussian around it is the proposal of importance sampling, and
    so the model's posterior; its scale s is chosen on validation images after the training.

    With g the choice of some pixels (`CorePixels`) the model learns to restore images: the code is read off a corrupted
    image, and the decoder explains the clean one.

    Args:
        encoder: x -> q(z | x): `Conditional(encoder network, latent law)`.
        core: Static lazy distribution of w: a flow whose inverse is f, or `StandardNormal` for u = w.
        network: g: encoder network x -> w [B, D], such as a `DenseEncoder` of one linear layer.
        scale: s, until one is chosen.

    Attributes:
        features: D.
        image_shape: (height, width, channels).

    Raises:
        ValueError: if the parts disagree about the latent's size or the images' shape.

    Example:
        >>> law, shape = FixedScaleGaussian((4, 4, 1)), (4, 4, 1)
        >>> model = VAE(
        ...     encoder=CoreEncoder(
        ...         Conditional(DenseEncoder(shape, hidden=(8,)), DiagonalNormal(2, context=8)),
        ...         core=StandardNormal(2),
        ...         network=DenseEncoder(shape, hidden=(2,), activation="linear"),
        ...     ),
        ...     decoder=Conditional(DenseDecoder(2, image_shape=shape, outputs=law.context, hidden=(8,)), law),
        ...     prior=StandardNormal(2),
        ...     objective=ExtendedSpace(),
        ... )
        >>> model.log_likelihood(tf.zeros([3, 4, 4, 1]), samples=10, seed=0).shape
        TensorShape([3])

    Reference: Silvestri et al. Closing the gap: exact maximum likelihood training of generative autoencoders using
    invertible layers. 2022. arXiv:2205.09546
    """

    def __init__(self, encoder, *, core, network, scale=0.1, **kwargs):
        super().__init__(**kwargs)
        parts = {"encoder": encoder, "core": core, "network": network}
        sizes = {name: part.features for name, part in parts.items()}
        if len(set(sizes.values())) > 1:
            raise ValueError(f"All parts must share one latent size. Received: features={sizes}.")
        if core.context:
            raise ValueError(f"`core` must be static. Expected: context=0. Received: context={core.context}.")
        if tuple(encoder.image_shape) != tuple(network.image_shape):
            raise ValueError(
                f"`encoder` and `network` must see images of one shape. Received: image_shape={encoder.image_shape} and "
                f"{network.image_shape}."
            )
        if not scale > 0:
            raise ValueError(f"`scale` must be positive, in units of w. Received: scale={scale}.")
        self.encoder, self.core, self.network, self.scale = encoder, core, network, scale
        self.features, self.image_shape = encoder.features, encoder.image_shape
        start = keras.initializers.Constant(math.log(scale))
        self.log_scale = self.add_weight(shape=(), initializer=start, trainable=False, name="log_scale", autocast=False)
        self.built = True

    def parameters(self, x, training=None):
        """What determines the law, from images [B, H, W, C]."""
        w = tf.cast(self.network(x, training=training), self.variable_dtype)
        return self.encoder.parameters(x, training=training), w

    def given(self, parameters):
        """The law of z."""
        code, w = parameters
        near = tfd.MultivariateNormalDiag(w, tf.exp(tf.convert_to_tensor(self.log_scale)) * tf.ones_like(w))
        return CodeLaw(near, self.core(), self.encoder.given(code))

    def call(self, x, training=None):
        return self.given(self.parameters(x, training=training))


class CorePixels(Configured, keras.layers.Layer):
    """The network without weights that takes the core's pixels out of an image.

    Args:
        mask: `CoreMask`.

    Call:
        images [B, H, W, C] -> [B, D]

    Example:
        >>> CorePixels(centre((4, 4, 1), features=3))(tf.zeros([2, 4, 4, 1])).shape
        TensorShape([2, 3])
    """

    input_rank = 3

    def __init__(self, mask, **kwargs):
        super().__init__(**kwargs)
        self.mask, self.features, self.image_shape = mask, mask.features, mask.image_shape
        self.built = True

    def call(self, images):
        check_images(images, self.image_shape)
        return self.mask.split(images)[0]


class ExtendedSpace(Objective):
    """The density of image and core together: what autoencoding flows with a `CoreEncoder` minimise.

    loss = -log p(x, w) at w = g(x)
         = -[log p(z) + log p(x | z) + log|det dz/dw|] at z(w)

    It is no likelihood: w stands beside all pixels. log p(x) is the integral over w, which importance sampling finds.

    Args:
        settling_images: Validation images on which `settle` chooses the scale of the proposal.
        settling_samples: Importance samples of each.

    Reference: Silvestri et al. 2022. arXiv:2205.09546
    """

    records = ("neg_log_extended",)
    validated_by = "neg_log_extended"

    def __init__(self, *, settling_images=100, settling_samples=64):
        self.settling_images = settling_images
        self.settling_samples = settling_samples

    def __call__(self, inference, noise, step=None):
        at_core = tf.zeros_like(noise)  # w = g(x)
        loss = -(inference.log_weight(at_core) + push(inference.law.near, at_core)[1])
        bound = {} if step is not None else self.bound(inference.terms(noise))
        return Minimised(loss, {"neg_log_extended": loss, **bound})

    def settle(self, model, x, seed):
        """Sets the encoder's scale s to that with the highest mean estimate of log p(x), which s cannot make too high.

        Half decades from 1e-5 to 1 are tried, then steps half and a quarter as wide around the best.
        """
        x, scale = x[: self.settling_images], model.encoder.log_scale

        @tf.function(autograph=False)
        def estimate():
            return tf.reduce_mean(model.log_likelihood(x, self.settling_samples, seed))

        found = {}

        def attempt(decades):
            if decades not in found:
                scale.assign(decades * math.log(10.0))
                value = float(estimate())
                found[decades] = value if math.isfinite(value) else -math.inf

        for decades in _DECADES:
            attempt(decades)
        for step in (0.25, 0.125):
            best = max(found, key=found.get)
            attempt(best - step)
            attempt(best + step)
        scale.assign(max(found, key=found.get) * math.log(10.0))
