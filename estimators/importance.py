"""Importance sampling with any proposal, in memory that does not grow with the number of samples."""

import time
import warnings

import numpy as np
import tensorflow as tf

from vae_flows.estimators.compiled import as_images, as_seed, for_any_batch, optionally_xla
from vae_flows.estimators.log_mean_exp import LogMean
from vae_flows.estimators.pareto import pareto_k, reliable_k, tail_length
from vae_flows.estimators.placed_noise import ROWS, PlacedNoise
from vae_flows.estimators.result import Estimate

__all__ = ["ImportanceSampling", "UnreliableWeights"]


class UnreliableWeights(UserWarning):
    """Some images' weights are too unequal: neither their estimates nor the errors of these can be believed."""


class ImportanceSampling:
    """log p(x) from samples of a proposal: a stochastic lower bound that rises with K.

    log p^(x) = log((1 / K) sum_k w_k),  log w_k = log p(x, z_k) - log q(z_k | x),  z_k = f(e_k; x),  e_k ~ N(0, I)

    The caller maps noise to log-weights; the noise itself is drawn here, each sample's by its place (`PlacedNoise`), so
    the estimate of an image depends on the seed and the image's place among all images, and on neither the other images of
    its batch nor on `chunk`, beyond the rounding of float sums. Weights that are NaN or +inf count as zero, and are counted.

    Args:
        log_weight: (x [B, ...], noise [k, B, features]) -> log-weights [k, B]; computes in the dtype of x. With `prepare`,
            what that gives is its third argument.
        features: Size of the noise behind one sample.
        samples: Number of samples K.
        prepare: x -> nest of tensors [B, ...]: the costly part of a proposal, computed once for all samples; None for nothing.
        chunk: How many samples of each image are evaluated together; rounded up to a multiple of 16. Memory grows with it.
        jit_compile: Whether `log_weight` is compiled by XLA: faster for dense networks, slower for convolutions.

    Call:
        x [B, ...], seed int32 [2], first = place of x[0] among all images -> `Estimate` of B images.

    Raises:
        ValueError: if samples, chunk or features are below 1, or an image has no finite log-weight at all.

    Warns:
        UnreliableWeights: if Pareto's k of any image is above `reliable_k`.

    Example:
        >>> exact = ImportanceSampling(lambda x, noise: 0.0 * noise[..., 0] - 3.0, features=2, samples=100)
        >>> exact(tf.zeros([1, 4]), seed=[0, 0]).values
        array([-3.])

    Reference: Burda, Grosse, Salakhutdinov. Importance weighted autoencoders. 2016. arXiv:1509.00519
    """

    result = Estimate

    def __init__(self, log_weight, *, features, samples, prepare=None, chunk=64, jit_compile=False):
        for name, value in {"features": features, "samples": samples, "chunk": chunk}.items():
            if value < 1:
                raise ValueError(f"`{name}` must be at least 1. Received: {name}={value}.")
        self.log_weight = log_weight
        self.prepare = prepare
        self.features = int(features)
        self.samples = int(samples)
        self.chunk = -(-int(chunk) // ROWS) * ROWS
        self.jit_compile = jit_compile
        integer = tf.TensorSpec([], tf.int64)
        self._run = for_any_batch(
            self._estimate, lambda dtype: [tf.TensorSpec([2], tf.int32), integer, integer, integer]
        )

    @property
    def settings(self):
        """What the result depends on, beside the callable: for the record, and for resuming."""
        return {"estimator": type(self).__name__, "samples": self.samples}

    def __call__(self, x, *, seed, first=0, report=None):
        x, seed = as_images(x), as_seed(seed)
        began = time.perf_counter()
        mean, largest, non_finite = self._run(x, seed, first, self.samples, tail_length(self.samples) + 1)
        values = mean.value.numpy()
        if not np.all(np.isfinite(values)):
            bad = first + np.flatnonzero(~np.isfinite(values))
            raise ValueError(
                f"`log_weight` must be finite. Received: no finite value among {self.samples} samples for {len(bad)} of "
                f"{len(values)} images, first {bad[:3].tolist()}. Check the images' preparation and the model's weights."
            )
        tail = pareto_k(largest.numpy())
        estimate = Estimate(
            values=values,
            errors=mean.standard_error.numpy(),
            effective_sample_size=mean.effective_sample_size.numpy(),
            samples=self.samples,
            seconds=time.perf_counter() - began,
            non_finite=non_finite.numpy(),
            pareto_k=tail,
        )
        warn_if_unreliable(estimate)
        if report is not None:
            report(1.0)
        return estimate

    def _estimate(self, x, seed, first, samples, tail):
        """One graph: rounds of chunks. A round ends in one update of the mean and of the tail."""
        images = tf.shape(x)[0]
        noise = PlacedNoise.of(seed, images=images, first=first, dtype=x.dtype)
        log_weight = optionally_xla(self.log_weight, self.jit_compile)
        prepared = () if self.prepare is None else (self.prepare(x),)
        round_size = self.chunk * tf.maximum(tail // self.chunk, 1)  # sorting the tail costs little next to a round

        def one_round(start, mean, largest, non_finite):
            stop = tf.minimum(start + round_size, samples)
            weights = self._weights(lambda e: log_weight(x, e, *prepared), noise, start, stop)  # [k, B]
            valid = weights < float("inf")  # False for NaN, too
            weights = tf.where(valid, weights, -float("inf"))
            pool = tf.concat([largest, tf.transpose(weights)], 1)
            largest = tf.math.top_k(pool, tf.cast(tail, tf.int32), sorted=False).values  # [B, tail]
            return stop, mean.add(weights), largest, non_finite + tf.math.count_nonzero(~valid, 0)

        state = (tf.zeros([], tf.int64), LogMean.empty([images]))
        state += (tf.fill(tf.stack([tf.cast(images, tf.int64), tail]), tf.cast(-float("inf"), tf.float64)),)
        state += (tf.zeros(tf.stack([images]), tf.int64),)
        shapes = (tf.TensorShape([]), LogMean(*map(tf.TensorShape, ([], [None], [None], [None]))))
        shapes += (tf.TensorShape([None, None]), tf.TensorShape([None]))
        _, mean, largest, non_finite = tf.while_loop(
            lambda start, *_: start < samples, one_round, state, shapes, parallel_iterations=1
        )
        return mean, largest, non_finite

    def _weights(self, log_weight, noise, start, stop):
        """Log-weights of the samples `start` to `stop`, chunk after chunk: [stop - start, B] float64."""

        def one_chunk(at, index, parts):
            drawn = noise.normal(count=self.chunk, features=self.features, start=at)  # [chunk, B, D]
            weights = log_weight(drawn[: stop - at])  # the last chunk may be shorter
            return at + self.chunk, index + 1, parts.write(index, tf.cast(weights, tf.float64))

        parts = tf.TensorArray(tf.float64, 0, dynamic_size=True, infer_shape=False, element_shape=[None, None])
        loop = tf.while_loop(lambda at, *_: at < stop, one_chunk, (start, 0, parts), parallel_iterations=1)
        return loop[-1].concat()


def warn_if_unreliable(estimate):
    """Warns when any image's weights are too unequal for its estimate to be believed."""
    heavy = int(np.sum(estimate.unreliable))
    if not heavy:
        return
    if estimate.temperatures is None:
        seen = f"Pareto's k is above {reliable_k(estimate.samples):.2g}, or unknown,"
        remedy = "Take more samples, or annealed importance sampling."
    else:
        least = np.min(estimate.effective_sample_size)
        seen = f"Chains of very unequal weight (as few as {least:.1f} effective ones of {estimate.samples})"
        remedy = "Take more temperatures or leapfrog steps, or another start."
        if estimate.half_gains is not None:
            remedy = f"Half the chains would say {np.mean(estimate.half_gains):.2f} nats more. {remedy}"
    warnings.warn(
        f"{seen} for {heavy} of {estimate.images} images: their NLL is too high by an unknown amount, whatever "
        f"the error says. {remedy}",
        UnreliableWeights,
        stacklevel=3,
    )
