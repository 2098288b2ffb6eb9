"""Reasons to stop early: a signal, gradients that are no numbers."""

import contextlib
import math
import signal
import threading

import keras

__all__ = ["Interrupted", "Interruption", "Skipping", "TrainingStopped"]


class TrainingStopped(RuntimeError):
    """Training cannot go on; the message says at which step, why, and from where it may."""


class Interrupted(KeyboardInterrupt):
    """A signal asked the training to stop, and it did so between two steps: the state may be saved."""


class Interruption(keras.callbacks.Callback):
    """Turns Ctrl-C and SIGTERM into `Interrupted` at the end of the running step.

    Between steps the weights, the optimizer and the position in the data agree. A second signal stops at once, saving
    nothing.
    """

    def __init__(self):
        super().__init__()
        self.requested = False

    @contextlib.contextmanager
    def listening(self):
        """Context in which the signals are caught; threads other than the main one get none."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

        def request(number, frame):
            self.requested = True
            print("\nStopping after this step, with a checkpoint.", flush=True)
            for caught, handler in previous.items():
                signal.signal(caught, handler)

        try:
            for number in previous:
                signal.signal(number, request)
            yield
            self._stop_if_requested()  # a signal after the last step
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def on_train_batch_end(self, batch, logs=None):
        self._stop_if_requested()

    def on_test_batch_end(self, batch, logs=None):
        self._stop_if_requested()

    def on_epoch_end(self, epoch, logs=None):
        self._stop_if_requested()

    def _stop_if_requested(self):
        if self.requested:
            raise Interrupted


class Skipping(keras.callbacks.Callback):
    """Says which steps were skipped because their gradients were not finite, and stops after too many of them in a row.

    Args:
        checkpoints: `Checkpoints`, asked for the last good one.
        most: How many steps in a row stop the training.
    """

    def __init__(self, checkpoints, *, most):
        super().__init__()
        self.checkpoints, self.most = checkpoints, most
        self.passed = self.seen = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.passed, self.seen = int(self.model.optimizer.iterations), int(self.model.skips.total)

    def on_train_batch_end(self, batch, logs=None):
        step, total = int(self.model.optimizer.iterations), int(self.model.skips.total)
        in_a_row, loss = int(self.model.skips.in_a_row), float(logs["loss"])
        where = (
            f"step {step}"
            if step == self.passed + 1
            else f"{total - self.seen} of the steps {self.passed + 1} to {step}"
        )
        if total > self.seen:
            print(f"\nSkipped {where}: the gradients are not finite.", flush=True)
        if in_a_row >= self.most:
            raise self.checkpoints.stopped(
                f"The gradients of {in_a_row} steps in a row are not finite, up to step {step}."
            )
        if not math.isfinite(loss):  # of several replicas, which skip nothing
            raise self.checkpoints.stopped(f"The loss is not finite at {where}. Received: loss={loss}.")
        self.passed, self.seen = step, total
