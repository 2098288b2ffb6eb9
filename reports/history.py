"""A run's figures in TensorBoard's event files: what it logged while it trained, and what it was found to be worth."""

import numpy as np

__all__ = ["read_history", "write_metrics"]

_SUFFIX = ".results"


def read_history(directory):
    """Every scalar in the folder `directory`, by series and part: `neg_elbo/train` is the part `train` of `neg_elbo`.

    Where a resumed run logged a step again, the later value counts; a record that a kill cut short is left out.

    Returns:
        {series: {part: (steps int64 [N], values float64 [N])}}, steps ascending; empty if nothing was logged.
    """
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from tensorboard.util.tensor_util import make_ndarray

    found = {}
    files = (file for file in directory.glob("*tfevents*") if file.is_file())
    for file in sorted(files, key=lambda file: (file.stat().st_mtime_ns, file.name)):
        plugins = {}
        for event in EventFileLoader(str(file)).Load():
            for value in event.summary.value:
                plugin = plugins.setdefault(value.tag, value.metadata.plugin_data.plugin_name)
                if plugin == "scalars":
                    series, _, part = value.tag.rpartition("/")
                    steps = found.setdefault(series, {}).setdefault(part, {})
                    steps[event.step] = float(make_ndarray(value.tensor).reshape(-1)[0])
    return {series: {part: _ordered(values) for part, values in parts.items()} for series, parts in found.items()}


def write_metrics(directory, results):
    """Writes the test figures of `results` where TensorBoard's HParams page looks for them, in the place of older ones."""
    import tensorflow as tf

    test, hais = results["test"], results["hais"] or {}
    metrics = {"NLL": test["nll"]["value"], "HAIS": hais.get("nll"), "-ELBO": test["neg_elbo"], "KL": test["kl"]}
    metrics["bits per dimension"] = test["bits_per_dim"]
    for old in directory.glob(f"*{_SUFFIX}"):
        old.unlink()
    with tf.summary.create_file_writer(str(directory), filename_suffix=_SUFFIX).as_default(step=results["steps"]):
        for name, value in metrics.items():
            if value is not None:
                tf.summary.scalar(f"test/{name}", value)


def _ordered(values):
    steps = np.array(sorted(values), np.int64)
    return steps, np.array([values[step] for step in steps], np.float64)
