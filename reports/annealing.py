"""log p(x) by annealed importance sampling, and its bracket, through the contract of a model."""

import sys

import tensorflow as tf

from estimators.bidirectional import BidirectionalMonteCarlo
from estimators.hais import HamiltonianAIS
from estimators.schedules import sigmoid_schedule
from estimators.sweep import sweep
from reports.evaluation import image_batches

__all__ = ["annealed", "bracketed", "ladder"]

_ROWS = 512  # chains of all images that run together
_CHAINS, _SIMULATED = 3, 4  # what a seed is for


def annealed(model, split, preparation, *, chains, temperatures, start, seed, images, file=None):
    """`Estimate` of log p(x) of the first `images` of a split, by Hamiltonian annealed importance sampling.

    Args:
        model: `ImageModel`.
        split: `Split` of uint8 images.
        preparation: How they become what the model sees.
        chains: Chains per image.
        temperatures: Steps of the sigmoid schedule.
        start: "prior", "posterior" or "base", as `ImageModel.annealing` has them.
        seed: Fixes the noise of each chain, whatever the batch.
        images: How many images, from the first on.
        file: Where finished images are kept, for an interrupted run to go on from.
    """
    images = min(images, split.count)
    batch = max(1, _ROWS // chains)
    batches = image_batches(split, preparation, seed=seed, images=images, batch=batch)
    estimator = _hais(model, chains=chains, temperatures=temperatures, start=start)
    return sweep(estimator, batches, seed=[seed, _CHAINS], file=file, images=images, progress=sys.stderr.isatty())


def bracketed(model, *, chains, temperatures, start, seed, images, file=None):
    """`Bracket` of log p(x) of `images` images drawn from the model, at several numbers of temperatures.

    Args:
        model: `ImageModel`.
        chains, temperatures, start: As in `annealed`; `temperatures` is the largest number of them.
        seed: Fixes the images and all noise.
        images: How many images are drawn.
        file: temperatures -> where finished images are kept, or None.

    Returns:
        {temperatures: `Bracket`}, fewest first; the last is the result, the others show how the bracket closes.
    """
    estimator = BidirectionalMonteCarlo(_hais(model, chains=chains, temperatures=temperatures, start=start))
    x, z = model.simulate(images, tf.constant([seed, _SIMULATED], tf.int32))
    batch = max(1, _ROWS // chains)
    parts = [(x[i : i + batch], z[i : i + batch]) for i in range(0, images, batch)]
    simulated = [(x_part.numpy(), model.annealing(x_part, start).noise(z_part).numpy()) for x_part, z_part in parts]
    brackets = {}
    for steps in ladder(temperatures):
        kept = file and file(steps)
        run = estimator.with_temperatures(steps)
        brackets[steps] = sweep(
            run, simulated, seed=[seed, _CHAINS], file=kept, images=images, progress=sys.stderr.isatty()
        )
    return brackets


def ladder(temperatures):
    """Numbers of temperatures up to the given one, each twice the one before.

    Example:
        >>> ladder(1000)
        [62, 125, 250, 500, 1000]
    """
    return sorted({max(2, temperatures // 2**halvings) for halvings in range(5)})


def _hais(model, *, chains, temperatures, start):
    annealing = tf.autograph.experimental.do_not_convert(lambda x: model.annealing(x, start))
    return HamiltonianAIS(annealing, schedule=sigmoid_schedule(temperatures), chains=chains)
