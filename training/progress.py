"""What a training knows beside weights and optimizer: whence it came, the time spent, the best weights."""

import math
import time

import tensorflow as tf

__all__ = ["BestWeights", "Progress"]


class BestWeights(tf.Module):
    """A copy of a model's weights where its validation value was least.

    They stand in every checkpoint, so that a run that falls back to an older checkpoint has the best of its own past.

    Args:
        model: Built Keras model.
    """

    def __init__(self, model):
        super().__init__()
        self.value = tf.Variable(math.inf, dtype=tf.float64, trainable=False)
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.judged = tf.Variable(0, dtype=tf.int64, trainable=False)  # step of the latest validation
        self.copies = [tf.Variable(weight.value, trainable=False) for weight in model.weights]

    def judge(self, model, value):
        """Keeps the model's present weights if `value` is less than the best before. Returns whether it is."""
        step = int(model.optimizer.iterations)
        self.judged.assign(step)
        if not value < float(self.value):
            return False
        for copy, weight in zip(self.copies, model.weights, strict=True):
            copy.assign(weight.value)
        self.value.assign(value)
        self.step.assign(step)
        return True

    def give_to(self, model):
        """Sets the weights of a model of the same structure."""
        for copy, weight in zip(self.copies, model.weights, strict=True):
            weight.assign(copy)


class Progress(tf.Module):
    """The part of a run's state that is neither weights nor optimizer. It stands in every checkpoint.

    Args:
        model: Built Keras model.
        seed, batch, images: Run seed, batch size and number of training images: they fix which images a step sees.
    """

    def __init__(self, model, *, seed, batch, images):
        super().__init__()
        self.best = BestWeights(model)
        self.origin = tf.Variable([seed, batch, images], dtype=tf.int64, trainable=False)
        self.seconds = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        self.timed_images = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.timed_seconds = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        # [metric, (total, count)] of the epoch that is under way, now and when the curves had their last point
        self.totals, self.totals_logged = (
            tf.Variable(tf.zeros([len(model.metrics), 2], tf.float64), trainable=False) for _ in range(2)
        )
        self.step_logged = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._begun = dict(zip(("seed", "batch", "training images"), (seed, batch, images), strict=True))
        self._mark = time.perf_counter()

    def start_clock(self):
        """Begins to count the training's time."""
        self._mark = time.perf_counter()

    def read_clock(self):
        """Adds the time since the clock was started or read to `seconds`."""
        now = time.perf_counter()
        self.seconds.assign_add(now - self._mark)
        self._mark = now

    def count(self, images, seconds):
        """Adds to the images whose training was timed."""
        self.timed_images.assign_add(images)
        self.timed_seconds.assign_add(seconds)

    def forget_totals(self):
        """Sets the totals of the metrics to those of an epoch that begins."""
        for totals in (self.totals, self.totals_logged):
            totals.assign(tf.zeros_like(totals))

    def check_origin(self):
        """Refuses to continue a run on another sequence of images than it began with.

        Raises:
            ValueError: if the restored run had another seed, batch size or number of training images.
        """
        begun = dict(zip(self._begun, self.origin.numpy().tolist(), strict=True))
        if begun != self._begun:
            raise ValueError(
                f"A run is continued as it began. Expected: {_listed(begun)}. Received: {_listed(self._begun)}. "
                "Give the same again, or start a new run with another --out."
            )


def _listed(values):
    return ", ".join(f"{name} {value}" for name, value in values.items())
