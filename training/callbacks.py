"""What happens between the steps of a training: timing, judging by validation, saving."""

import math
import time

import keras

from vae_flows.latent_models.averages import averaged

__all__ = ["Saving", "Timing"]


class Timing(keras.callbacks.Callback):
    """Counts the images trained on and the seconds that took: the steps alone, with the reading of images.

    Validation, the compilation of the first step, checkpoints and pictures are left out.

    Args:
        progress: `Progress` of the run, where the counts go.
        batch: Images per step.
    """

    def __init__(self, progress, *, batch):
        super().__init__()
        self.progress = progress
        self.batch = batch
        self.compiled = False
        self.mark = self.step = None

    def on_train_batch_begin(self, batch, logs=None):
        self.step, self.mark = int(self.model.optimizer.iterations), time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        images = (int(self.model.optimizer.iterations) - self.step) * self.batch
        if self.compiled:
            self.progress.count(images=images, seconds=time.perf_counter() - self.mark)
        self.compiled = True


class Saving(keras.callbacks.Callback):
    """Saves a checkpoint every so many steps and at each validation, keeps the weights that validate best, and stops.

    Args:
        checkpoints: `Checkpoints`.
        best: `BestWeights`.
        every: Optimizer steps between checkpoints.
        patience: Optimizer steps without a better validation after which the training stops; None for no end.
    """

    def __init__(self, checkpoints, *, best, every, patience=None):
        super().__init__()
        self.checkpoints = checkpoints
        self.best = best
        self.every = every
        self.patience = patience
        self.saved = 0

    @property
    def exhausted(self):
        """Whether patience is at an end: a function of what stands in the checkpoint."""
        return self.patience is not None and int(self.best.judged) - int(self.best.step) >= self.patience

    def on_train_begin(self, logs=None):
        self.saved = self.checkpoints.step

    def on_train_batch_end(self, batch, logs=None):
        step = self.checkpoints.step
        at_end = batch + 1 >= self.params["steps"]  # the end of the epoch saves, when the weights are judged
        if step // self.every > self.saved // self.every and not at_end:
            self._save()

    def on_epoch_end(self, epoch, logs=None):
        self.judge(logs[f"val_{self.model.validated_by}"])
        self._save()
        if self.exhausted:
            print(f"No better validation since step {int(self.best.step)}: training ends early.", flush=True)
            self.model.stop_training = True

    def _save(self):
        if not int(self.model.skips.in_a_row):  # else the last good checkpoints would make room for doubtful weights
            self.checkpoints.save()
            self.saved = self.checkpoints.step

    def judge(self, value):
        """Takes the validation value of the present weights into account."""
        if not math.isfinite(value):
            print(
                f"Warning: validation gave {self.checkpoints.model.validated_by}={value} after step {self.checkpoints.step}.",
                flush=True,
            )
        with averaged(self.checkpoints.model):
            self.best.judge(self.checkpoints.model, value)
