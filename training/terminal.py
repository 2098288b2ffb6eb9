"""What a training shows of itself while it runs."""

import sys
import time

import keras

from vae_flows.estimators.bars import Bar

__all__ = ["Showing"]

_SHORT = {"neg_elbo": "-ELBO", "neg_iwae": "-IWAE", "kl": "KL", "nll": "NLL", "neg_log_extended": "-log p(x, w)"}


class Showing(keras.callbacks.Callback):
    """One bar for the whole training in a terminal, with the time left; elsewhere a line a minute and one for each validation.

    A few of the model's metrics are shown: what validation judges, as the latest point of its curve and on the validation
    images, and the KL. A log that `recorded` keeps has the lines in either case.

    Args:
        total: Steps at which the training ends, from its beginning.
        start: Step after which it goes on.

    Attributes:
        latest: {metric: value} of the curves' latest points, which `Curves` keeps.
    """

    def __init__(self, *, total, start):
        super().__init__()
        self.total, self.start = total, start
        self.bar, self.validated, self.begun, self.latest = None, "", time.perf_counter(), {}

    def __enter__(self):
        form = "{desc}: {percentage:3.0f}%|{bar}| {whole}/{total_fmt} steps [{elapsed}<{remaining}]{postfix}"
        self.bar = Bar("training", total=self.total, unit="steps", initial=self.start, bar_format=form, smoothing=0.05)
        return self

    def __exit__(self, *_):
        self.bar.close()

    def on_train_batch_end(self, batch, logs=None):
        step = int(self.model.optimizer.iterations)
        self.bar.set_postfix_str(self._values(logs) + self.validated, refresh=False)
        self.bar.update(step - self.bar.n)

    def on_epoch_end(self, epoch, logs=None):
        name = self.model.validated_by
        self.validated = f"; validation {logs[f'val_{name}']:,.2f}"
        self.bar.set_postfix_str(self._values(logs) + self.validated)
        minutes, seconds = divmod(round(time.perf_counter() - self.begun), 60)
        line = f"step {int(self.model.optimizer.iterations):,} of {self.total:,}: {self._values(logs)}{self.validated}"
        record = getattr(sys.stdout, "record", None) if self.bar.drawn else None
        (record or print)(f"{line}, {minutes}:{seconds:02d}")
        sys.stdout.flush()

    def _values(self, logs):
        seen = {**logs, **self.latest}  # those of the epoch until there are points
        names = [name for name in (self.model.validated_by, "kl") if name in seen]
        return ", ".join(f"{_SHORT.get(name, name)} {float(seen[name]):,.2f}" for name in names)
