"""An estimator over a whole set of images, batch after batch, that can be interrupted and resumed."""

import json
import time
import warnings
import zlib

import numpy as np

from vae_flows.estimators.bars import Bar
from vae_flows.estimators.importance import UnreliableWeights, warn_if_unreliable
from vae_flows.estimators.result import Estimate

__all__ = ["sweep"]

_SECONDS = 2.0  # between two writings


def sweep(estimator, batches, *, seed, kept=None, identity=None, images=None, label="log p(x)"):
    """Runs an estimator over batches of images and keeps what is done.

    All results so far are `kept`: every other second, and where the sweep ends or breaks off. The images that are there at
    the start are skipped, whatever the batches were then: noise belongs to an image's place, not to its batch.

    Args:
        estimator: `ImportanceSampling`, `HamiltonianAIS` or `BidirectionalMonteCarlo`.
        batches: Iterable of x [b, ...], or of the tuple of the estimator's arguments, (x, exact).
        seed: int32 [2].
        kept: Where results are kept, such as a `run_folder.ArrayFile`: `write` takes {name: array}, and `read` a function
            of them whose result it gives, or None. None keeps them in memory only.
        identity: What the results depend on beside the estimator's settings, in plain values: the run, the data set.
        images: Number of images, for the progress bar.
        label: What the progress bar says is being done. It moves within a batch, too, as temperatures pass.

    Returns:
        One `Estimate`, or `Bracket`, of all images.

    Raises:
        ValueError: if what is kept is of other settings, another seed, identity or other images, or there are none.

    Warns:
        UnreliableWeights: once, for all images together.

    Example:
        >>> constant = ImportanceSampling(lambda x, noise: 0.0 * noise[..., 0] - 3.0, features=2, samples=100)
        >>> sweep(constant, [tf.zeros([2, 4]), tf.zeros([1, 4])], seed=[0, 0]).values
        array([-3., -3., -3.])
    """
    record = {"settings": estimator.settings, "seed": np.asarray(seed).tolist(), "identity": identity}
    done = _Done(kept, json.dumps(record, sort_keys=True), estimator.result)
    with Bar(label, total=images) as bar:
        try:
            for batch in batches:
                arguments = done.skip(tuple(batch) if isinstance(batch, tuple | list) else (batch,))
                count = len(arguments[0])
                bar.update(len(batch[0] if isinstance(batch, tuple | list) else batch) - count)
                if count:
                    done.add(arguments[0], _quietly(estimator, arguments, seed, done.images, _Advance(bar, count)))
        finally:
            done.write()
    result = done.result()
    warn_if_unreliable(result if isinstance(result, Estimate) else result.lower)
    return result


def _quietly(estimator, arguments, seed, first, report):
    """One batch, its warnings left to the end of the sweep; the bar ends at exactly the batch's images."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnreliableWeights)
        estimate = estimator(*arguments, seed=seed, first=first, report=report)
    report.finish()
    return estimate


class _Advance:
    """Moves a bar by shares of one batch."""

    def __init__(self, bar, count):
        self.bar, self.count, self.done = bar, count, 0.0

    def __call__(self, share):
        share = min(share, 1.0 - self.done)
        self.done += share
        self.bar.update(share * self.count)

    def finish(self):
        self(1.0 - self.done)


class _Done:
    """Results of the first images, kept or not, and the checksum of these images."""

    def __init__(self, kept, record, kind):
        self.kept, self.record = kept, record
        self.parts, self.checksum = [], 0
        self.seen = self.seen_checksum = 0  # images met in this sweep
        self.written, self.due = 0, 0.0  # images that are kept, and when to write again
        if kept is not None and (found := kept.read(lambda arrays: _parsed(arrays, kind))):
            theirs, self.checksum, estimate = found
            if theirs != record:
                raise ValueError(
                    f"The file {kept} holds results of other settings. Expected: {record}. Received: {theirs}. "
                    "Remove the file, or go on with the settings it was begun with."
                )
            self.parts, self.written = [estimate], estimate.images

    @property
    def images(self):
        return sum(part.images for part in self.parts)

    def skip(self, arguments):
        """What of a batch is not done yet, after a check that what is done was done of these images."""
        done = max(0, min(self.images - self.seen, len(arguments[0])))
        self.seen_checksum = _checksum(arguments[0][:done], self.seen_checksum)
        self.seen += done
        if done and self.seen == self.images and self.seen_checksum != self.checksum:
            raise ValueError(
                f"The file {self.kept} holds results of other images. Remove it, or give the same images again."
            )
        return tuple(each[done:] for each in arguments)

    def add(self, x, estimate):
        """Takes the next images' estimate in, and keeps it if it is time."""
        self.parts.append(estimate)
        self.seen += estimate.images
        self.checksum = self.seen_checksum = _checksum(x, self.seen_checksum)
        if time.monotonic() >= self.due:
            self.write()

    def write(self):
        """Keeps what is not kept yet."""
        if self.kept is not None and self.written < self.images:
            self.kept.write({"record": self.record, "checksum": self.checksum, **self.joined().to_arrays()})
            self.written, self.due = self.images, time.monotonic() + _SECONDS

    def joined(self):
        return type(self.parts[0]).concatenate(self.parts)

    def result(self):
        if not self.parts:
            raise ValueError("`batches` must hold at least one image. Received: none.")
        if self.seen < self.images:
            raise ValueError(
                f"The file {self.kept} holds more images than there are. Expected: at least {self.images} images. "
                f"Received: {self.seen}. Remove the file, or give all the images it was begun with."
            )
        return self.joined()


def _parsed(arrays, kind):
    """What `_Done.write` has written."""
    record, checksum = str(arrays.pop("record")), int(arrays.pop("checksum"))
    return record, checksum, kind.from_arrays(arrays)


def _checksum(x, before):
    return zlib.crc32(np.ascontiguousarray(x).tobytes(), before)
