"""An estimator over a whole set of images, batch after batch, that can be interrupted and resumed."""

import json
import os
import pathlib
import warnings
import zlib

import numpy as np
import tqdm

from vae_flows.estimators.importance import UnreliableWeights, warn_if_unreliable
from vae_flows.estimators.result import Estimate

__all__ = ["sweep"]

BAR = "{l_bar}{bar}| {n:.1f}/{total_fmt} images [{elapsed}<{remaining}]"  # tenths: temperatures of a batch under way


def sweep(estimator, batches, *, seed, file=None, identity=None, images=None, progress=True):
    """Runs an estimator over batches of images and keeps what is done.

    After each batch all results so far are in `file`, written beside it and renamed. When the file is there at the start,
    the images in it are skipped, whatever the batches were then: noise belongs to an image's place, not to its batch.

    Args:
        estimator: `ImportanceSampling`, `HamiltonianAIS` or `BidirectionalMonteCarlo`.
        batches: Iterable of x [b, ...], or of the tuple of the estimator's arguments, (x, exact).
        seed: int32 [2].
        file: Where results are kept (.npz); None keeps them in memory only.
        identity: What the results depend on beside the estimator's settings, in plain values: the run, the data set.
        images: Number of images, for the progress bar.
        progress: Whether to show a bar. It moves within a batch, too, as temperatures pass.

    Returns:
        One `Estimate`, or `Bracket`, of all images.

    Raises:
        ValueError: if the file holds results of other settings, another seed, identity or other images, or there are none.

    Warns:
        UnreliableWeights: once, for all images together.

    Example:
        >>> constant = ImportanceSampling(lambda x, noise: 0.0 * noise[..., 0] - 3.0, features=2, samples=100)
        >>> sweep(constant, [tf.zeros([2, 4]), tf.zeros([1, 4])], seed=[0, 0], progress=False).values
        array([-3., -3., -3.])
    """
    record = {"settings": estimator.settings, "seed": np.asarray(seed).tolist(), "identity": identity}
    kept = _Kept.open(file, json.dumps(record, sort_keys=True), estimator.result)
    with tqdm.tqdm(total=images, bar_format=BAR, disable=not progress, smoothing=0.1) as bar:
        for batch in batches:
            arguments = kept.skip(tuple(batch) if isinstance(batch, tuple | list) else (batch,))
            count = len(arguments[0])
            bar.update(len(batch[0] if isinstance(batch, tuple | list) else batch) - count)
            if count:
                kept.add(arguments[0], _quietly(estimator, arguments, seed, kept.images, _Advance(bar, count)))
    result = kept.result()
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


class _Kept:
    """Results of the first images, in a file or not, and the checksum of these images."""

    def __init__(self, file, record):
        self.file = None if file is None else pathlib.Path(file)
        self.record = record
        self.parts = []
        self.checksum = 0
        self.seen = 0  # images met in this sweep
        self.seen_checksum = 0

    @classmethod
    def open(cls, file, record, kind):
        kept = cls(file, record)
        if kept.file is not None and kept.file.exists():
            with np.load(kept.file) as arrays:
                stored = dict(arrays)
            theirs = str(stored.pop("record"))
            if theirs != record:
                raise ValueError(
                    f"The file {kept.file} holds results of other settings. Expected: {record}. Received: {theirs}. "
                    "Remove the file, or go on with the settings it was begun with."
                )
            kept.checksum = int(stored.pop("checksum"))
            kept.parts = [kind.from_arrays(stored)]
        return kept

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
                f"The file {self.file} holds results of other images. Remove it, or give the same images again."
            )
        return tuple(each[done:] for each in arguments)

    def add(self, x, estimate):
        """Takes the next images' estimate in, and writes all to the file."""
        self.parts.append(estimate)
        self.seen += estimate.images
        self.checksum = self.seen_checksum = _checksum(x, self.seen_checksum)
        if self.file is not None:
            partial = self.file.with_name(f".partial-{os.getpid()}-{self.file.name}")
            with partial.open("wb") as stream:
                np.savez(stream, record=self.record, checksum=self.checksum, **self.joined().to_arrays())
            os.replace(partial, self.file)

    def joined(self):
        return type(self.parts[0]).concatenate(self.parts)

    def result(self):
        if not self.parts:
            raise ValueError("`batches` must hold at least one image. Received: none.")
        if self.seen < self.images:
            raise ValueError(
                f"The file {self.file} holds more images than there are. Expected: at least {self.images} images. "
                f"Received: {self.seen}. Remove the file, or give all the images it was begun with."
            )
        return self.joined()


def _checksum(x, before):
    return zlib.crc32(np.ascontiguousarray(x).tobytes(), before)
