"""Checkpoints from which a run goes on bit for bit."""

import re
import shutil

import tensorflow as tf

from vae_flows.run_folder.atomic import read_json, replacing, write_json
from vae_flows.training.stopping import TrainingStopped

__all__ = ["Checkpoints"]

_NAME = re.compile(r"ckpt-(0|[1-9]\d*)")
# What TensorFlow raises for a file that is cut short, altered, or of another model.
_UNREADABLE = (tf.errors.OpError, AssertionError, IndexError, ValueError)


class Checkpoints:
    """The states of a run, the newest few, each in a folder `ckpt-STEP` that appears whole or not at all.

    A state is the model, the optimizer with its step, and the `Progress` with the best weights; the data needs none, being
    a function of the step. It is written beside the others, put on the disk, and renamed. The run's `progress.json` says up
    to which step it was saved, so that checkpoints that are gone are missed.

    Args:
        folder: `RunFolder`.
        model: Built Keras model, compiled with an optimizer that is built too.
        progress: `Progress` of the run.
        keep: How many are kept.
    """

    def __init__(self, folder, *, model, progress, keep):
        self.folder = folder.checkpoints
        self.model = model
        self.keep = keep
        self.before_saving = []  # called before a state is written
        self._record = folder.progress
        self._state = tf.train.Checkpoint(model=model, optimizer=model.optimizer, progress=progress)
        self._progress = progress

    @property
    def step(self):
        """The optimizer step of the state in memory."""
        return int(self.model.optimizer.iterations)

    def steps(self):
        """Steps of the checkpoints on disk, ascending."""
        matches = (_NAME.fullmatch(path.name) for path in self.folder.glob("ckpt-*") if path.is_dir())
        return sorted(int(match[1]) for match in matches if match)

    def save(self):
        """Writes the state in memory, unless its step is on disk already, and removes the oldest ones.

        Raises:
            TrainingStopped: if a weight or a moment of the optimizer is not finite; nothing is written then.
            OSError: if it cannot be written.
        """
        step = self.step
        self._refuse_non_finite(step)
        if step not in self.steps():
            for prepare in self.before_saving:
                prepare()
            self._progress.read_clock()
            try:
                self._write(step)
            except (OSError, tf.errors.OpError) as error:
                raise OSError(
                    f"The checkpoint of step {step} cannot be written. Expected: room in {self.folder}. "
                    f"Received: {_first_line(error)}. {self._good()} Make room, then go on with --resume."
                ) from error
        for old in self.steps()[: -self.keep]:
            shutil.rmtree(self._place(old).rename(self.folder / f".partial-ckpt-{old}"))

    def restore(self, *, restart=False):
        """Reads the newest checkpoint that can be read; what is lost is told, and broken ones are set aside.

        Args:
            restart: Whether the run begins again if it was saved and no checkpoint can be read.

        Returns:
            The step, or None for the beginning.

        Raises:
            OSError: if the run was saved and no checkpoint can be read, unless `restart`.
            ValueError: if the run began with another seed, batch size or number of images.
        """
        for left in self.folder.glob(".partial-*"):  # of killed processes: the lock lets one train at a time
            shutil.rmtree(left, ignore_errors=True)
        saved, broken = self._saved(), {}
        first = [(variable, variable.numpy()) for variable in self._variables()] if restart else []
        for step in reversed(self.steps()):
            try:
                self._read(step)
            except _UNREADABLE as error:
                broken[step] = _first_line(error)
                continue
            self._progress.check_origin()
            self._warn(broken, saved, f"ckpt-{step} is taken")
            return step
        if broken or saved is not None:
            self._refuse_to_begin_again(broken, saved, restart)
            for variable, value in first:
                variable.assign(value)
            self._warn(broken, saved, "the run begins again at step 0")
        return None

    def tidy(self):
        """Removes what was set aside."""
        for path in self.folder.glob("unreadable-*"):
            if re.fullmatch(r"unreadable-\d+", path.name):
                shutil.rmtree(path)

    def stopped(self, reason):
        """`TrainingStopped` for a reason, with the last good checkpoint and a remedy."""
        return TrainingStopped(
            f"Training stopped. {reason} {self._good()} "
            "Go on with --resume and a lower learning_rate=, or begin a new run with clipped gradients (clipnorm)."
        )

    def _write(self, step):
        self.folder.mkdir(parents=True, exist_ok=True)
        with replacing(self._place(step)) as partial:
            partial.mkdir()
            self._state.write(str(partial / "state"))
        write_json(self._record, {"step": step})

    def _read(self, step):
        status = self._state.read(str(self._place(step) / "state"))
        status.assert_existing_objects_matched().assert_consumed()
        if self.step != step:
            raise ValueError(f"it holds step {self.step}")

    def _saved(self):
        """The step up to which the run was saved; None if it was not, "?" if that cannot be read."""
        if not self._record.is_file():
            return None
        try:
            return int(read_json(self._record)["step"])
        except (ValueError, TypeError, KeyError):
            return "?"

    def _variables(self):
        return (*self.model.variables, *self.model.optimizer.variables, *self._progress.variables)

    def _warn(self, broken, saved, consequence):
        """Tells what is lost, and sets aside what is broken."""
        for step, reason in broken.items():
            print(f"Warning: ckpt-{step} cannot be read ({reason}). It is set aside; {consequence}.", flush=True)
            shutil.rmtree(aside := self.folder / f"unreadable-{step}", ignore_errors=True)
            self._place(step).rename(aside)
        if saved not in (None, *broken) and (self.step == 0 or saved != "?" and saved > self.step):
            print(f"Warning: ckpt-{saved}, the last one saved, is gone; {consequence}.", flush=True)

    def _refuse_to_begin_again(self, broken, saved, restart):
        if restart:
            return
        if not broken:
            raise OSError(
                f"The run's checkpoints are gone. Expected: ckpt-{saved} in {self.folder}. Received: none. Put it back, or "
                "say --restart to begin again at step 0."
            )
        newest = max(broken)
        raise OSError(
            f"No checkpoint in {self.folder} can be read. Expected: a state of this model. Received: "
            f"{', '.join(f'ckpt-{step}' for step in broken)}; of ckpt-{newest}: {broken[newest]}. "
            "If the preset was changed, change it back; otherwise say --restart to begin again at step 0."
        )

    def _refuse_non_finite(self, step):
        for variable in (*self.model.weights, *self.model.optimizer.variables):
            value = tf.convert_to_tensor(variable)
            if value.dtype.is_floating and not bool(tf.reduce_all(tf.math.is_finite(value))):
                raise self.stopped(
                    f"Weights are not finite after step {step}. Received: NaN or infinity in {variable.path}."
                )

    def _good(self):
        steps = self.steps()
        return f"The last good checkpoint is {self._place(steps[-1])}." if steps else "There is no checkpoint yet."

    def _place(self, step):
        return self.folder / f"ckpt-{step}"


def _first_line(error):
    line = (str(error).strip() or type(error).__name__).split("\n")[0]
    return re.sub(r"^\{\{.*?\}\} | \[Op:\w+\]$", "", line).rstrip(".")  # without TensorFlow's names of its operations
