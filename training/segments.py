"""The stretches of a training that Keras's `fit` takes at once."""

import dataclasses

__all__ = ["Segment", "segments"]


@dataclasses.dataclass(frozen=True)
class Segment:
    """Epochs of equally many steps: several whole ones, or one that was begun before or is cut short.

    Attributes:
        start: First step.
        steps: Steps of each epoch.
        first_epoch, end_epoch: The epochs, from 0, the end not included.
        epochs: How many epochs the whole training has.
    """

    start: int
    steps: int
    first_epoch: int
    end_epoch: int
    epochs: int


def segments(start, total, per_epoch):
    """The `Segment`s of the steps from `start` to `total`.

    Example:
        >>> from vae_flows.training.segments import segments
        >>> [(s.start, s.steps, s.first_epoch, s.end_epoch) for s in segments(3, 29, 10)]
        [(3, 7, 0, 1), (10, 10, 1, 2), (20, 9, 2, 3)]
    """
    epochs = -(-total // per_epoch)
    while start < total:
        epoch, done = divmod(start, per_epoch)
        whole = 0 if done else (total - start) // per_epoch
        steps = per_epoch if whole else min(per_epoch - done, total - start)
        yield Segment(start, steps, epoch, epoch + (whole or 1), epochs)
        start += steps * (whole or 1)
