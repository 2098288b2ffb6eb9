"""log p(x) by annealed importance sampling, and its bracket, through the contract of a model."""

import types

import numpy as np
import tensorflow as tf

from vae_flows.estimators.bidirectional import BidirectionalMonteCarlo
from vae_flows.estimators.hais import HamiltonianAIS
from vae_flows.estimators.schedules import sigmoid_schedule
from vae_flows.estimators.sweep import sweep
from vae_flows.latent_models.precision import rounded
from vae_flows.latent_models.seeds import Purpose, key
from vae_flows.reports.evaluation import images_together, standard_error, weighed

__all__ = ["annealed", "bracketed", "gain", "ladder", "set_against_importance"]


def annealed(subject, *, images, kept=None, **settings):
    """`Estimate` of log p(x) of the first `images` test images, by Hamiltonian annealed importance sampling.

    Args:
        subject: `Subject` with a `LatentModel`.
        images: How many images, from the first on.
        kept: `ArrayFile` for finished images, for an interrupted run to go on from.
        settings: `chains` per image, `temperatures` of the sigmoid schedule, `leapfrogs` per temperature, `start` ("prior",
            "posterior" or "base", as `LatentModel.proposal` has them), and `gradients`: "float32", or "bfloat16" for the
            leapfrogs' gradients alone, which leaves the estimate unbiased and is faster where the hardware has it.
    """
    batches = subject.batches(images, batch=_together(subject.model, settings["chains"]))
    seed, count = key(subject.seed, Purpose.CHAINS).numpy(), subject.count(images)
    return sweep(_hais(subject.model, **settings), batches, seed=seed, kept=kept, images=count, label="HAIS")


def bracketed(subject, *, images, samples, kept=None, **settings):
    """`Bracket` of log p(x) of `images` images drawn from the model, at several numbers of temperatures.

    Args:
        subject: `Subject` with a `LatentModel`.
        images: How many images are drawn.
        samples: Importance samples per image, of the estimate to compare with.
        kept: Name of a part -> `ArrayFile` for its finished images; None keeps nothing.
        settings: As in `annealed`; `temperatures` is the largest number of them.

    Returns:
        {temperatures: `Bracket`}, fewest first, of which the last is the result and the others show how the bracket closes;
        and the `Estimate` of the same images by importance sampling.
    """
    model, start = subject.model, settings["start"]
    estimator = BidirectionalMonteCarlo(_hais(model, **settings))
    x, z = model.simulate(images, key(subject.seed, Purpose.SIMULATION))
    batch = _together(model, settings["chains"])
    parts = [(x[i : i + batch], z[i : i + batch]) for i in range(0, images, batch)]
    simulated = [(x_part.numpy(), model.infer(x_part, start=start).noise(z_part).numpy()) for x_part, z_part in parts]
    brackets, seed = {}, key(subject.seed, Purpose.CHAINS).numpy()
    for steps in ladder(settings["temperatures"]):
        run, file = estimator.with_temperatures(steps), kept and kept(steps)
        brackets[steps] = sweep(run, simulated, seed=seed, kept=file, images=images, label=f"{steps:,} temperatures")
    batch = images_together(model)
    batches = [x[i : i + batch] for i in range(0, images, batch)]
    file = kept and kept("importance")
    return brackets, weighed(model, batches, samples=samples, seed=subject.seed, images=images, kept=file)


def ladder(temperatures):
    """Numbers of temperatures up to the given one, each twice the one before.

    Example:
        >>> ladder(1000)
        [62, 125, 250, 500, 1000]
    """
    return sorted({max(2, temperatures // 2**halvings) for halvings in range(5)})


def _together(model, chains):
    """Images whose chains run at once; gradients take twice the memory."""
    return max(1, model.together // 2 // chains)


def _hais(model, *, chains, temperatures, leapfrogs, start, gradients):
    rough = None if gradients == "float32" else rounded(model, f"mixed_{gradients}")

    @tf.autograph.experimental.do_not_convert
    def prepare(x):
        return model.proposal(x, start=start)

    @tf.autograph.experimental.do_not_convert
    def annealing(x, found):
        exact = model.inference(x, found, start=start)
        return types.SimpleNamespace(
            features=model.noise_features,
            log_target=exact.log_target,
            gradient_target=rough and rough.inference(x, found, start=start).log_target,
        )

    schedule = sigmoid_schedule(temperatures)
    return HamiltonianAIS(annealing, prepare=prepare, schedule=schedule, chains=chains, leapfrogs=leapfrogs)


def set_against_importance(results, values):
    """What becomes of `results["hais"]` beside the importance estimates that now stand in front, of the images that both have.

    Args:
        results: Contents of `results.json`.
        values: {"nll", "hais": [N]} of the test images.

    Returns:
        {"hais": ...} with its `over_importance`; nothing where there are not both.
    """
    hais, nll = results.get("hais"), (results.get("test") or {}).get("nll") or {}
    if not hais or nll.get("method") != "importance":
        return {}
    weighed_values, annealed_values = values.get("nll"), values.get("hais")
    if not _is_mean(nll.get("value"), weighed_values) or not _is_mean(hais.get("nll"), annealed_values):
        return {}
    images = min(len(weighed_values), len(annealed_values))
    differences = weighed_values[:images] - annealed_values[:images]
    return {"hais": {**hais, "over_importance": gain(differences, nll["samples"])}}


def _is_mean(mean, values):
    return mean is not None and values is not None and np.isclose(np.mean(values), mean)


def gain(differences, samples):
    """What annealing finds above importance sampling with so many `samples`: the mean of differences of log p(x), [N]."""
    value, error = float(differences.mean()), standard_error(differences)
    return {"log_likelihood": value, "standard_error": error, "images": len(differences), "samples": samples}
