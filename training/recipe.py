"""Everything a training needs, except the images."""

import dataclasses
import numbers

import keras

from vae_flows.image_data.corruption import GaussianNoise
from vae_flows.image_data.preparations import Preparation
from vae_flows.latent_models.image_model import ImageModel
from vae_flows.latent_models.images import check_images
from vae_flows.training.optimizers import stepping

__all__ = ["Recipe", "check_batch"]

_COUNTS = (
    "batch", "epochs", "checkpoint_every", "keep", "steps_per_execution", "log_every",
    "picture_every", "skips_in_a_row", "validate_every", "patience",
)  # fmt: skip
_OPTIONAL = ("validate_every", "patience")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """A model and how it is trained: what a preset returns.

    Args:
        model: `ImageModel`.
        preparation: How uint8 images become what the model sees: `image_data.Binarise()`, ...
        optimizer: Keras optimizer, with its schedule.
        batch: Images per optimizer step.
        flips: Whether each training image is mirrored left to right with probability 1/2.
        corruption: What is done to prepared images that the model is to restore, `image_data.GaussianNoise()`; None lets it
            see the images themselves.
        epochs: Passes over the training images; an epoch's last incomplete batch is left out.
        validate_every: Optimizer steps between validations; None for one at the end of each epoch. Whatever else is said
            of the ends of epochs (checkpoints, pictures) then holds for those of these stretches.
        patience: Validations in a row without a better one after which the training stops; None never stops it early.
        evaluation: {method: {setting: value}} of the estimates of log p(x) after the training, by the methods and with the
            settings of `python -m vae_flows.reports evaluate`, whose defaults they become for this run. Importance sampling,
            or the exact value, is found whether it is named here or not.
        checkpoint_every: Optimizer steps between checkpoints; one is also written at the end of each epoch.
        keep: How many checkpoints are kept, the newest ones.
        steps_per_execution: Optimizer steps per call into TensorFlow: more is faster for small networks.
        log_every: Optimizer steps between two points of a TensorBoard curve.
        picture_every: Epochs between two pictures in TensorBoard.
        skips_in_a_row: How many steps in a row whose gradients are not finite stop the training; fewer are skipped.
        hyperparameters: {name: value} with which the preset was called, for the record.

    Raises:
        TypeError: if a part is of another kind.
        ValueError: if a number is not a positive integer, or the optimizer accumulates gradients or puts averages in the
            place of weights.
    """

    model: ImageModel
    preparation: Preparation
    optimizer: keras.optimizers.Optimizer
    batch: int
    epochs: int
    flips: bool = False
    corruption: GaussianNoise | None = None
    validate_every: int | None = None
    patience: int | None = None
    evaluation: dict = dataclasses.field(default_factory=dict)
    checkpoint_every: int = 1000
    keep: int = 3
    steps_per_execution: int = 1
    log_every: int = 50
    picture_every: int = 10
    skips_in_a_row: int = 10
    hyperparameters: dict = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        for name in _COUNTS:
            value = getattr(self, name)
            if value is None and name in _OPTIONAL:
                continue
            if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < 1:
                raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value!r}.")
        kinds = {"model": ImageModel, "preparation": Preparation, "optimizer": keras.optimizers.Optimizer}
        for name, kind in kinds.items():
            if not isinstance(getattr(self, name), kind):
                raise TypeError(
                    f"`{name}` must be a {kind.__name__}. Received: {name}={getattr(self, name)!r}. Pass the object built."
                )
        self._check_optimizer()

    def check_data(self, data):
        """Refuses an `ImageSet` that this recipe cannot be trained on.

        Raises:
            ValueError: if the images have another shape than the model's or other levels than the preparation's, if the
                preparation makes of them what the model's pixel law is no law of, or if they are fewer than a batch.
        """
        check_images(self.model, self.preparation, data)
        check_batch(data, self.batch)
        if data.validation.count < 1:
            raise ValueError(
                f"The best weights are chosen on validation images. Received: {data.name} with none. Set some aside."
            )

    def _check_optimizer(self):
        """The optimizer's step must be the batch's number, and the weights at a step those that it trains."""
        for name in ("ema_overwrite_frequency", "gradient_accumulation_steps"):
            if given := getattr(stepping(self.optimizer), name, None):
                raise ValueError(
                    f"`optimizer` must change the weights at each step, and it alone. Received: {name}={given!r}. "
                    "Build it without; use_ema=True keeps averages beside the weights."
                )


def check_batch(data, batch):
    """Refuses an `ImageSet` with fewer training images than a batch, and a batch of none."""
    if batch < 1:
        raise ValueError(f"`batch` must be at least 1. Received: batch={batch}.")
    if data.train.count < batch:
        raise ValueError(
            f"The training images must fill a batch. Expected: at least batch={batch}. "
            f"Received: {data.name} with {data.train.count}. Take more images, or batch={data.train.count} or less."
        )
