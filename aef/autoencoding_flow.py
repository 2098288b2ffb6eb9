"""The autoencoding flow whose core is a part of the image: an autoencoder with an exact likelihood."""

import tensorflow as tf

from vae_flows.blocks.shapes import check_last_axis
from vae_flows.densities.pushforward import pull, push, standard_normal
from vae_flows.flows.pixels import chained
from vae_flows.latent_models.exact_model import ExactModel
from vae_flows.latent_models.image_model import named
from vae_flows.latent_models.in_graph import in_graph
from vae_flows.latent_models.seeds import as_seed
from vae_flows.latent_models.terms import View

__all__ = ["AutoencodingFlow"]


class AutoencodingFlow(ExactModel):
    """A VAE that reads the noise of its posterior off some of the pixels: nothing is drawn, and the bound is the likelihood.

    y = transforms(x), split into a core of D numbers and a shell
    u = f(core)                        f: from the core's law to noise
    z = loc_e(shell) + scale_e(shell) * u
    log p(x) = log p(z) + log p(shell | z) + log p(core) - log q(z | shell) + log|det dy/dx|

    With log p(core) = log N(u) + log|det df| and log q(z | shell) = log N(u) - sum log scale_e the normal densities cancel
    and the determinants stay. The map x <-> (z0, d), where z = T(z0) by the prior's flow and the shell's deviations are
    d = (shell - loc_d(z)) / scale_d(z), is a bijection: decode the shell, encode it again, recover the core.

    The parts are those of a VAE, so the two can be compared part by part. The encoder sees the pixels x of the shell, with
    zeros in the core; the pixel law is one of y.

    Args:
        encoder: x -> q(z | shell): `Conditional(encoder network, latent law)`; a Gaussian, or a flow that inverts fast.
        decoder: z -> p(y | z): `Conditional(decoder network, Gaussian pixel law)`, whose scale may be fixed, one for each
            pixel, or given by the decoder. What it says of the core is not used.
        prior: Static lazy distribution of z.
        core: Static lazy distribution of the core: a flow whose inverse is f, or `StandardNormal` for u = core.
        mask: `CoreMask`, such as `aef.centre(image_shape, features=D)`.
        transforms: Pixel transforms; the first listed acts first on x.
        seed: Base seed of the training noise, of which there is none.

    Raises:
        ValueError: if the parts disagree about the latent's size or the images' shape.
        TypeError: if the pixel law is no Gaussian.

    Example:
        >>> law = FixedScaleGaussian((4, 4, 1))
        >>> model = AutoencodingFlow(
        ...     encoder=Conditional(DenseEncoder((4, 4, 1), hidden=(8,)), DiagonalNormal(2, context=8)),
        ...     decoder=Conditional(DenseDecoder(2, image_shape=(4, 4, 1), outputs=law.context, hidden=(8,)), law),
        ...     prior=StandardNormal(2),
        ...     core=StandardNormal(2),
        ...     mask=centre((4, 4, 1), features=2),
        ... )
        >>> z0, d = model.to_noise(tf.fill([3, 4, 4, 1], 0.5))
        >>> z0.shape, d.shape
        (TensorShape([3, 2]), TensorShape([3, 14]))

    Reference: Silvestri et al. Closing the gap: exact maximum likelihood training of generative autoencoders using
    invertible layers. 2022. arXiv:2205.09546
    Differs from the paper: the encoder sees the pixels before their transforms; its scale is an exponential.
    """

    image_shape, pixel_levels, latent_features = (), None, 0

    def __init__(self, encoder, decoder, prior, *, core, mask, transforms=(), seed=0, **kwargs):
        super().__init__(seed=seed, **kwargs)
        parts = {"encoder": encoder, "decoder": decoder, "prior": prior, "core": core, "mask": mask}
        sizes = {name: part.features for name, part in parts.items()}
        if len(set(sizes.values())) > 1:
            raise ValueError(f"All parts must share one latent size. Received: features={sizes}.")
        static = {name: part.context for name, part in (("prior", prior), ("core", core)) if part.context}
        if static:
            raise ValueError(f"`prior` and `core` must be static. Expected: context=0. Received: context={static}.")
        shapes = {name: tuple(parts[name].image_shape) for name in ("encoder", "decoder", "mask")}
        if len(set(shapes.values())) > 1:
            raise ValueError(f"All parts must share one image shape. Received: image_shape={shapes}.")
        if not hasattr(decoder.density, "loc_and_scale"):
            raise TypeError(
                "`decoder` must end in a Gaussian law, whose deviations are the shell's noise. Expected: FixedScaleGaussian, "
                f"PixelScaleGaussian, ... Received: {type(decoder.density).__name__}. Put transforms of the pixels into "
                "`transforms`."
            )
        self.encoder = named(encoder, "encoder")
        self.decoder = named(decoder, "decoder")
        self.prior = named(prior, "prior")
        self.core = named(core, "core")
        self.mask = mask
        self.transforms = list(transforms)
        self.image_shape, self.latent_features = mask.image_shape, mask.features
        self.built = True

    def log_prob(self, x, *, training=False):
        x, transform = self.check_images(x), chained(self.transforms)
        y = transform.forward(x)
        z, log_volume = self._code(x, y, training)
        shell = self.decoder(z, training=training).distribution  # pixel by pixel
        log_shell = tf.reduce_sum(self.mask.shell_alone(shell.log_prob(y)), [-3, -2, -1])
        log_det = transform.forward_log_det_jacobian(x, event_ndims=3)
        return self.prior().log_prob(z) + log_shell + log_volume + log_det

    def _code(self, x, y, training=False):
        """z [B, D], and log|det dz/dcore| [B]."""
        u, log_core = pull(self.core(), self.mask.core_of(y))
        z, log_q = push(self.encoder(self.mask.shell_alone(x), training=training), u)
        return z, log_core - log_q

    def to_noise(self, x):
        """z0 [B, D] and the shell's deviations d [B, H W C - D] of images [B, H, W, C]; standard normal under the model."""
        x = self.check_images(x)
        y = chained(self.transforms).forward(x)
        z, _ = self._code(x, y)
        law = self.decoder(z).distribution
        return pull(self.prior(), z)[0], self.mask.split((y - law.loc) / law.scale)[1]

    def from_noise(self, z0, d):
        """The images of noise, the inverse of `to_noise`: [..., D], [..., H W C - D] -> [..., H, W, C]."""
        check_last_axis(z0, self.latent_features, name="z0")
        check_last_axis(d, self.mask.shell_features, name="d")
        return self._image_of_noise(*(tf.cast(part, self.variable_dtype) for part in (z0, d)))

    @in_graph
    def _image_of_noise(self, z0, d):
        return self._image(push(self.prior(), z0)[0], d)

    @in_graph
    def _image(self, z, d):
        transform, law = chained(self.transforms), self.decoder(z).distribution
        y = law.loc + law.scale * self.mask.join(tf.zeros_like(z), d)  # right in the shell
        u, _ = pull(self.encoder(self.mask.shell_alone(transform.inverse(y))), z)
        core, _ = push(self.core(), u)
        return transform.inverse(self.mask.join(core, self.mask.split(y)[1]))

    def encode(self, x):
        x = self.check_images(x)
        return self._code(x, chained(self.transforms).forward(x))[0]

    def decode(self, z):
        """Mean images, d = 0: [..., D] -> [..., H, W, C]."""
        z = tf.cast(z, self.variable_dtype)
        d = tf.zeros(tf.concat([tf.shape(z)[:-1], [self.mask.shell_features]], 0), z.dtype)
        return tf.clip_by_value(self._image(z, d), 0.0, 1.0)

    def reconstruct(self, x, seed=None):
        """The mean image of each image's code. (`from_noise(*to_noise(x))` gives back the image itself.)"""
        return self.decode(self.encode(x))

    def sample(self, count, seed=None, temperature=1.0, deviations=0.0):
        """Pictures [count, H, W, C] of codes from the prior.

        Args:
            count: How many.
            seed: None for new noise, an integer, or int32 [2].
            temperature: Scales z0.
            deviations: Scales d, which every image has for itself; 0 gives mean images, 1 at temperature 1 samples of p(x).
        """
        seed = as_seed(seed)
        d_seed = tf.random.experimental.stateless_fold_in(seed, 1, alg="philox")
        z0 = temperature * standard_normal([count, self.latent_features], seed=seed, dtype=self.variable_dtype)
        d = deviations * standard_normal([count, self.mask.shell_features], seed=d_seed, dtype=self.variable_dtype)
        return tf.clip_by_value(self.from_noise(z0, d), 0.0, 1.0)

    def views(self, x, seed=None):
        z0, d = self.to_noise(x)
        pictures = [tf.clip_by_value(self.from_noise(z0, share * d), 0.0, 1.0) for share in (0.0, 0.5, 1.0)]
        labels = ("image", "mean image", "half of d", "all of d")
        caption = "Images, and what their codes give with none, half and all of the shell's deviations: in the end, themselves."
        return {"deviations": View.of([x, *pictures], labels, caption)}
