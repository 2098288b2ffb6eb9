"""Curves and pictures for TensorBoard."""

import keras
import numpy as np
import tensorflow as tf

from vae_flows.image_data.grid import tile
from vae_flows.latent_models.averages import averaged
from vae_flows.latent_models.latent_use import LatentUseMeter
from vae_flows.latent_models.seeds import Purpose, key
from vae_flows.latent_models.views import restorations
from vae_flows.training.optimizers import rate_at

__all__ = ["Curves", "Latents", "Pictures"]

_COLUMNS = 8
_SHOWN = 64
_PAIRS = 32
_VIEWED = 8
_NAMED = 256  # latent features whose KL is told one by one
_USING = 500  # validation images that tell which latents are used
_SEED = (0, 0)


class Curves(keras.callbacks.Callback):
    """Writes every metric of the model, the learning rate and the images per second against the optimizer step.

    A training point is the mean over the images since the point before, whether an epoch began or a run was resumed in
    between: what the metrics have seen stands in every checkpoint. A validation point is the mean over all validation images.

    Args:
        folder: TensorBoard's folder, in which a run is one line: its curves are `neg_elbo/train`, `neg_elbo/validation`, ...
        checkpoints: `Checkpoints`; before each, all points are on the disk.
        progress: `Progress`, for the speed, and where the metrics' totals go.
        every: Optimizer steps between two points of training; the end of an epoch has one, too.
    """

    def __init__(self, folder, *, checkpoints, progress, every):
        super().__init__()
        self.writer = tf.summary.create_file_writer(str(folder))
        self.checkpoints = checkpoints
        self.progress = progress
        self.every = every
        self.timed, self.latest = None, {}
        self.within_epoch = False
        checkpoints.before_saving.append(self.note)

    def close(self):
        """Writes what is still in memory."""
        self.writer.close()

    def note(self):
        """Puts the points on the disk, and what the next one needs into the progress."""
        self.writer.flush()
        if self.within_epoch:
            self.progress.totals.assign(self._totals())

    def on_epoch_begin(self, epoch, logs=None):
        # Keras has just reset its metrics: in an epoch that was left they go on.
        for metric, (total, count) in zip(self.model.metrics, self.progress.totals.numpy(), strict=True):
            metric.total.assign(total)
            metric.count.assign(count)
        self.timed = self._timed()
        self.within_epoch = True

    def on_train_batch_end(self, batch, logs=None):
        step, at_end = self.checkpoints.step, batch + 1 >= self.params["steps"]
        if step // self.every > int(self.progress.step_logged) // self.every or at_end:
            self._write_training(step)
        if at_end:
            self.within_epoch = False
            self.progress.forget_totals()

    def on_epoch_end(self, epoch, logs=None):
        with self.writer.as_default(step=self.checkpoints.step):
            for name, value in logs.items():
                if name.startswith("val_"):
                    tf.summary.scalar(f"{name.removeprefix('val_')}/validation", value)

    def _write_training(self, step):
        totals, timed = self._totals(), self._timed()
        images, seconds = timed - self.timed
        with self.writer.as_default(step=step):
            for metric, (total, count) in zip(self.model.metrics, totals - self.progress.totals_logged, strict=True):
                if count:
                    self.latest[metric.name] = total / count
                    tf.summary.scalar(f"{metric.name}/train", total / count)
            rate = rate_at(self.model.optimizer, step - 1)  # of the last of the steps
            tf.summary.scalar("learning_rate/train", rate)
            if seconds:
                tf.summary.scalar("images_per_second/train", images / seconds)
        self.timed = timed
        self.progress.totals_logged.assign(totals)
        self.progress.step_logged.assign(step)

    def _totals(self):
        return np.array([[metric.total, metric.count] for metric in self.model.metrics], np.float64)

    def _timed(self):
        return np.array([self.progress.timed_images, self.progress.timed_seconds], np.float64)


class _Shown(keras.callbacks.Callback):
    """Abstract: calls `show` at the end of every so many epochs, and of the last one."""

    def __init__(self, writer, *, every):
        super().__init__()
        self.writer = writer
        self.every = every

    def show(self):
        """Writes what is to be seen; the writer has the step."""
        raise NotImplementedError

    def on_epoch_end(self, epoch, logs=None):
        last = epoch + 1 == self.params["epochs"] or self.model.stop_training
        if (epoch + 1) % self.every and not last:
            return
        with averaged(self.model), self.writer.as_default(step=int(self.model.optimizer.iterations)):
            self.show()
        self.writer.flush()


class Pictures(_Shown):
    """Shows samples, validation images beside their reconstructions, and the model's own views, with the same noise each time.

    Args:
        writer: `tf.summary` writer.
        data: `ImageSet`.
        preparation: How its images become what the model sees.
        corruption: What is done to images that the model restores, or None: then these are shown, too.
        every: Epochs between pictures; the last epoch has them, too.
    """

    def __init__(self, writer, *, data, preparation, corruption, every):
        super().__init__(writer, every=every)
        self.corruption = corruption
        self.images = data.validation.images[:_PAIRS]
        self.white = data.spec.levels - 1
        self.seen = preparation(tf.constant(self.images), _SEED)

    def show(self):
        samples = self.model.sample(_SHOWN, key(0, Purpose.SAMPLES)).numpy()
        rebuilt = self.model.reconstruct(self.seen, key(0, Purpose.RECONSTRUCTIONS)).numpy()
        pairs = np.stack([self.images / np.float32(self.white), rebuilt], 1).reshape(-1, *rebuilt.shape[1:])
        tf.summary.image("samples", tile(samples, columns=_COLUMNS)[None])
        tf.summary.image("reconstructions", tile(pairs, columns=_COLUMNS)[None])
        x = self.seen[:_VIEWED]
        views = self.model.views(x, key(0, Purpose.VIEWS))
        if self.corruption is not None:
            views = {"restorations": restorations(self.model, self.corruption(x, _SEED), x), **views}
        for name, view in views.items():
            rows = np.reshape(view.pictures, [-1, *view.pictures.shape[2:]])  # one row for each image
            description = f"{view.caption} From left to right: {', '.join(view.labels)}."
            tf.summary.image(name, tile(rows, columns=len(view.labels))[None], description=description)


class Latents(_Shown):
    """Writes how many latent features are active, and the KL of each feature or group, for validation images.

    Args:
        writer: `tf.summary` writer.
        data: `ImageSet`.
        preparation: How its images become what the model sees.
        every: Epochs between two points; the last epoch has one, too.
    """

    def __init__(self, writer, *, data, preparation, every):
        super().__init__(writer, every=every)
        self.images = preparation(tf.constant(data.validation.images[:_USING]), _SEED)
        self.measured = None

    def on_train_begin(self, logs=None):
        self.measured = LatentUseMeter(self.model)

    def show(self):
        use = self.measured(self.images, key(0, Purpose.LATENT_USE))
        tf.summary.scalar("latents/active_units", use.active_units.sum())
        if len(use.group_kl) > 1:
            for number, (kl, active) in enumerate(zip(use.group_kl, use.active_units, strict=True)):
                tf.summary.scalar(f"groups_kl/{number:03d}", kl)
                tf.summary.scalar(f"groups_active_units/{number:03d}", active)
        elif len(use.kl) <= _NAMED:
            for number, kl in enumerate(use.kl):
                tf.summary.scalar(f"latents_kl/{number:03d}", kl)
