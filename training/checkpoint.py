"""Checkpoints from which a run goes on bit for bit."""

import re
import shutil

import tensorflow as tf

from vae_flows.training.stopping import TrainingStopped

__all__ = ["Checkpoints"]

_INDEX = re.compile(r"ckpt-(\d+)\.index")
# What TensorFlow raises for a file that is cut short, altered, or of another model.
_UNREADABLE = (tf.errors.OpError, AssertionError, IndexError, ValueError)


class Checkpoints:
    """The states of a run in its folder, the newest few, each named by its optimizer step and written once.

    A state is the model, the optimizer with its step, and the `Progress` with the best weights; the data needs none, being
    a function of the step. States are found by their `ckpt-*.index` files, which TensorFlow writes last: there is no list
    beside them that could be broken.

    Args:
        folder: Where they stand.
        model: Built Keras model, compiled with an optimizer that is built too.
        progress: `Progress` of the run.
        keep: How many are kept.
    """

    def __init__(self, folder, *, model, progress, keep):
        self.folder = folder
        self.model = model
        self.keep = keep
        self._state = tf.train.Checkpoint(model=model, optimizer=model.optimizer, progress=progress)
        self._progress = progress

    @property
    def step(self):
        """The optimizer step of the state in memory."""
        return int(self.model.optimizer.iterations)

    def steps(self):
        """Steps of the checkpoints on disk, ascending."""
        matches = (_INDEX.fullmatch(path.name) for path in self.folder.glob("ckpt-*.index"))
        return sorted(int(match[1]) for match in matches if match)

    def save(self):
        """Writes the state in memory, unless its step is on disk already, and removes the oldest ones.

        Raises:
            TrainingStopped: if a weight or a moment of the optimizer is not finite; nothing is written then.
        """
        step = self.step
        self._refuse_non_finite(step)
        if step not in self.steps():
            self._progress.read_clock()
            self.folder.mkdir(parents=True, exist_ok=True)
            self._state.write(str(self._prefix(step)))
        for old in self.steps()[: -self.keep]:
            self._remove(old)

    def restore(self):
        """Reads the newest checkpoint that can be read; a broken newer one is announced and set aside.

        Returns:
            The step, or None if there is no checkpoint.

        Raises:
            OSError: if there are checkpoints and none can be read.
            ValueError: if the run began with another seed, batch size or number of images.
        """
        self._remove_partial()
        broken = {}
        for step in reversed(self.steps()):
            try:
                self._read(step)
            except _UNREADABLE as error:
                broken[step] = _first_line(error)
                continue
            self._progress.check_origin()
            for other, reason in broken.items():
                print(
                    f"Warning: ckpt-{other} cannot be read ({reason}). It is set aside; ckpt-{step} is taken.",
                    flush=True,
                )
                self._set_aside(other)
            return step
        if broken:
            newest = max(broken)
            raise OSError(
                f"No checkpoint in {self.folder} can be read. Expected: a state of this model. Received: "
                f"{', '.join(f'ckpt-{step}' for step in broken)}; of ckpt-{newest}: {broken[newest]} "
                "If the preset was changed, change it back; otherwise start a new run with another --out."
            )
        return None

    def stopped(self, reason):
        """`TrainingStopped` for a reason, with the last good checkpoint and a remedy."""
        steps = self.steps()
        good = f"The last good checkpoint is {self._prefix(steps[-1])}." if steps else "There is no checkpoint yet."
        return TrainingStopped(
            f"Training stopped. {reason} {good} Lower the learning rate, or clip the gradients (clipnorm) in the preset."
        )

    def _read(self, step):
        status = self._state.read(str(self._prefix(step)))
        status.assert_existing_objects_matched().assert_consumed()

    def _refuse_non_finite(self, step):
        for variable in (*self.model.weights, *self.model.optimizer.variables):
            value = tf.convert_to_tensor(variable)
            if value.dtype.is_floating and not bool(tf.reduce_all(tf.math.is_finite(value))):
                raise self.stopped(
                    f"Weights are not finite after step {step}. Received: NaN or infinity in {variable.path}."
                )

    def _prefix(self, step):
        return self.folder / f"ckpt-{step}"

    def _files(self, step):
        """Files of a checkpoint, its index first: without that, the rest counts for nothing."""
        prefix = self._prefix(step)
        return [prefix.with_name(f"{prefix.name}.index"), *sorted(self.folder.glob(f"{prefix.name}.data-*"))]

    def _remove(self, step):
        for path in self._files(step):
            path.unlink(missing_ok=True)

    def _set_aside(self, step):
        for path in self._files(step):
            path.rename(path.with_name(path.name.replace("ckpt-", "unreadable-", 1)))

    def _remove_partial(self):
        """Removes what a killed process left of a checkpoint it was writing."""
        complete = set(self.steps())
        for path in self.folder.glob("ckpt-*"):
            if path.is_dir():
                shutil.rmtree(path)
            elif int(re.match(r"ckpt-(\d+)", path.name)[1]) not in complete:
                path.unlink()


def _first_line(error):
    return str(error).strip().split("\n")[0]
