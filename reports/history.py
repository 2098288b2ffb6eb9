"""What a run logged while it trained, read back from TensorBoard's event files: there is no second log."""

import numpy as np

__all__ = ["read_history"]


def read_history(directory):
    """Every scalar under the folder `directory`, by series and writer.

    A writer is a sub-folder (`train`, `validation`), a series what it logged (`neg_elbo`). Where a resumed run logged a step
    again, the later value counts; a record that a kill cut short is left out.

    Returns:
        {series: {writer: (steps int64 [N], values float64 [N])}}, steps ascending; empty if nothing was logged.
    """
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from tensorboard.util.tensor_util import make_ndarray

    found = {}
    files = (file for file in directory.rglob("*tfevents*") if file.is_file())
    for file in sorted(files, key=lambda file: (file.stat().st_mtime_ns, file.name)):
        plugins, writer = {}, file.parent.relative_to(directory).as_posix()
        for event in EventFileLoader(str(file)).Load():
            for value in event.summary.value:
                plugin = plugins.setdefault(value.tag, value.metadata.plugin_data.plugin_name)
                if plugin == "scalars":
                    series = found.setdefault(value.tag, {}).setdefault(writer, {})
                    series[event.step] = float(make_ndarray(value.tensor).reshape(-1)[0])
    return {series: {writer: _ordered(values) for writer, values in parts.items()} for series, parts in found.items()}


def _ordered(values):
    steps = np.array(sorted(values), np.int64)
    return steps, np.array([values[step] for step in steps], np.float64)
