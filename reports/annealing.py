"""log p(x) by annealed importance sampling, and its bracket, through the contract of a model."""

import sys

import tensorflow as tf

from vae_flows.estimators.bidirectional import BidirectionalMonteCarlo
from vae_flows.estimators.hais import HamiltonianAIS
from vae_flows.estimators.schedules import sigmoid_schedule
from vae_flows.estimators.sweep import sweep
from vae_flows.latent_models.precision import rounded
from vae_flows.reports.evaluation import IMAGES, image_batches, weighed

__all__ = ["annealed", "bracketed", "ladder"]

_ROWS = 512  # chains of all images that run together
_CHAINS, _SIMULATED = 3, 4  # what a seed is for


def annealed(model, split, preparation, *, seed, images, file=None, **settings):
    """`Estimate` of log p(x) of the first `images` of a split, by Hamiltonian annealed importance sampling.

    Args:
        model: `ImageModel`.
        split: `Split` of uint8 images.
        preparation: How they become what the model sees.
        seed: Fixes the noise of each chain, whatever the batch.
        images: How many images, from the first on.
        file: Where finished images are kept, for an interrupted run to go on from.
        settings: `chains` per image, `temperatures` of the sigmoid schedule, `leapfrogs` per temperature, `start` ("prior",
            "posterior" or "base", as `ImageModel.annealing` has them), and `gradients`: "float32", or "bfloat16" for the
            leapfrogs' gradients alone, which leaves the estimate unbiased and is faster where the hardware has it.
    """
    images = min(images, split.count)
    batches = image_batches(split, preparation, seed=seed, images=images, batch=_together(settings["chains"]))
    estimator = _hais(model, **settings)
    return sweep(estimator, batches, seed=[seed, _CHAINS], file=file, images=images, progress=sys.stderr.isatty())


def bracketed(model, *, seed, images, samples, file=None, **settings):
    """`Bracket` of log p(x) of `images` images drawn from the model, at several numbers of temperatures.

    Args:
        model: `ImageModel`.
        seed: Fixes the images and all noise.
        images: How many images are drawn.
        samples: Importance samples per image, of the estimate to compare with.
        file: Name of a part -> where its finished images are kept; None keeps nothing.
        settings: As in `annealed`; `temperatures` is the largest number of them.

    Returns:
        {temperatures: `Bracket`}, fewest first, of which the last is the result and the others show how the bracket closes;
        and the `Estimate` of the same images by importance sampling.
    """
    estimator = BidirectionalMonteCarlo(_hais(model, **settings))
    x, z = model.simulate(images, tf.constant([seed, _SIMULATED], tf.int32))
    batch = _together(settings["chains"])
    parts = [(x[i : i + batch], z[i : i + batch]) for i in range(0, images, batch)]
    start = settings["start"]
    simulated = [(x_part.numpy(), model.annealing(x_part, start).noise(z_part).numpy()) for x_part, z_part in parts]
    brackets = {}
    for steps in ladder(settings["temperatures"]):
        run = estimator.with_temperatures(steps)
        brackets[steps] = sweep(
            run, simulated, seed=[seed, _CHAINS], file=file and file(steps), images=images, progress=sys.stderr.isatty()
        )
    kept = file and file("importance")
    batches = [x[i : i + IMAGES] for i in range(0, images, IMAGES)]
    reference = weighed(model, batches, samples=samples, seed=seed, images=images, file=kept)
    return brackets, reference


def ladder(temperatures):
    """Numbers of temperatures up to the given one, each twice the one before.

    Example:
        >>> ladder(1000)
        [62, 125, 250, 500, 1000]
    """
    return sorted({max(2, temperatures // 2**halvings) for halvings in range(5)})


def _together(chains):
    return max(1, _ROWS // chains)


def _hais(model, *, chains, temperatures, leapfrogs, start, gradients):
    rough = model if gradients == "float32" else rounded(model, f"mixed_{gradients}")

    @tf.autograph.experimental.do_not_convert
    def annealing(x):
        exact = model.annealing(x, start)
        return exact if rough is model else exact._replace(gradient_target=rough.annealing(x, start).log_target)

    return HamiltonianAIS(annealing, schedule=sigmoid_schedule(temperatures), chains=chains, leapfrogs=leapfrogs)
