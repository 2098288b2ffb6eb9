"""One run, from a preset to its report: for the command line and for notebooks.

A preset is a function `preset(data, *, latent=20, ...)` that returns a `training.Recipe`; its keyword arguments are its
main hyperparameters. `experiment.run(preset, dataset="mnist", out="runs/mine", latent=40)` trains, judges and exports it.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "command_line": ["command_line"],
        "hyperparameters": ["completed"],
        "presets": ["Preset", "catalogue", "find"],
        "running": ["Run", "begin", "resume", "run", "take_up"],
    },
)
