"""Reasons to stop early: a signal, a loss that is no number."""

import contextlib
import math
import signal
import threading

import keras

__all__ = ["FiniteLoss", "Interrupted", "Interruption", "TrainingStopped"]


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


class FiniteLoss(keras.callbacks.Callback):
    """Stops the training when its loss is NaN or infinite.

    Args:
        checkpoints: `Checkpoints`, asked for the last good one.
    """

    def __init__(self, checkpoints):
        super().__init__()
        self.checkpoints = checkpoints
        self.passed = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.passed = int(self.model.optimizer.iterations)

    def on_train_batch_end(self, batch, logs=None):
        loss, step = float(logs["loss"]), int(self.model.optimizer.iterations)
        if not math.isfinite(loss):
            where = f"step {step}" if step == self.passed + 1 else f"one of the steps {self.passed + 1} to {step}"
            raise self.checkpoints.stopped(f"The loss is not finite at {where}. Received: loss={loss}.")
        self.passed = step
