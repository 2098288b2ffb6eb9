"""What a run is, as one row of TensorBoard's HParams page."""

import collections

import keras
import tensorflow as tf

__all__ = ["log_hyperparameters"]

_SUFFIX = ".hparams"
_METRICS = ("NLL", "HAIS", "-ELBO", "KL", "bits per dimension")  # as reports name them, the one to sort by first


def log_hyperparameters(folder, config, *, latent, overrides, epochs):
    """Writes the row, in the place of an older one.

    Its columns are the same for every model, so that runs of all presets stand in one table.

    Args:
        folder: TensorBoard's folder.
        config: Contents of the run's `config.json`.
        latent: Size of the latent code.
        overrides: {name: value} of the preset's hyperparameters that are not its defaults.
        epochs: How many were run.
    """
    from tensorboard.plugins.hparams import api

    model, optimizer = config["model"]["config"], config["optimizer"]["config"]
    optimizer = optimizer.get("inner_optimizer", config["optimizer"])["config"]  # of one that scales losses
    row = {name: config[name] for name in ("preset", "dataset", "seed")}
    row |= {
        "epochs": epochs,
        "learning_rate": _rate(optimizer["learning_rate"]),
        "latent": latent,
        "posterior": _law((model.get("encoder") or {}).get("config", {}).get("density") or config["model"]),
        "prior": _law(model.get("prior") or config["model"]),
        "overrides": " ".join(f"{name}={value}" for name, value in overrides.items()) or "none",
    }
    for old in folder.glob(f"*{_SUFFIX}"):
        old.unlink()
    writer = tf.summary.create_file_writer(str(folder), filename_suffix=_SUFFIX)
    with writer.as_default():
        metrics = [api.Metric(f"test/{name}", display_name=name) for name in _METRICS]
        api.hparams_config(hparams=[api.HParam(name) for name in row], metrics=metrics)
        api.hparams(row, trial_id=str(folder.parent))
    writer.close()


def _rate(rate):
    """The largest learning rate of a number or a schedule's configuration; of an unknown one that at powers of ten."""
    if not isinstance(rate, dict):
        return float(rate)
    given = rate["config"] if isinstance(rate["config"], dict) else {}
    if known := given.get("warmup_target") or given.get("initial_learning_rate"):
        return float(known)
    schedule = keras.saving.deserialize_keras_object(rate)
    if not isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        return float(schedule())
    return max(float(schedule(step)) for step in (0, *(10**power for power in range(7))))


def _law(part):
    """A distribution in a few words, from its configuration: "Flow of 4 Autoregressive"."""
    steps = collections.Counter(_steps(part["config"].get("transform")))
    told = ", ".join(f"{count} {name}" for name, count in steps.items())
    return f"{part['class_name']} of {told}" if told else part["class_name"]


def _steps(part):
    """Names of the maps that a flow's transform is made of; those that only permute are left out."""
    if not isinstance(part, dict):
        return
    config = part["config"]
    inner = config.get("parts") or ([config["part"]] if "part" in config else None)
    for each in inner or ():
        yield from _steps(each)
    if inner is None and part["class_name"] not in ("Reverse", "Permute"):
        yield from [part["class_name"]] * config.get("layers", 1)
