"""Training a model from its first step, or from any step of an earlier process, to its best weights on disk."""

import contextlib
import dataclasses
import sys

import keras
import tensorflow as tf

from vae_flows.blocks.data_initialised import initialise_from_data
from vae_flows.image_data.pipeline import evaluation_batches, training_batches
from vae_flows.latent_models.averages import start_averages
from vae_flows.latent_models.latent_model import LatentModel
from vae_flows.latent_models.seeds import Purpose, key
from vae_flows.run_folder.atomic import replacing
from vae_flows.run_folder.locks import training_lock
from vae_flows.training.callbacks import Saving, Timing
from vae_flows.training.checkpoint import Checkpoints
from vae_flows.training.optimizers import stepping
from vae_flows.training.progress import Progress
from vae_flows.training.segments import segments
from vae_flows.training.stopping import Interrupted, Interruption, Skipping
from vae_flows.training.tensorboard_log import Curves, Latents, Pictures
from vae_flows.training.terminal import Showing

__all__ = ["Outcome", "fit"]

_SETTLING = 256  # validation images on which a trained model chooses what is left to choose


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a training came to.

    Attributes:
        steps: Optimizer steps taken, those of earlier processes included.
        seconds: Time they took, with validation and compilation, without what was lost by kills.
        images_per_second: Speed of the steps alone.
        best_validation: Least validation mean of what the model is judged by (`validated_by`), nats per image.
        best_step: Step of the weights that have it.
    """

    steps: int
    seconds: float
    images_per_second: float
    best_validation: float
    best_step: int


def fit(recipe, data, folder, *, seed, steps=None, resume=False, restart=False, began=None):
    """Trains `recipe.model` on `data`, and leaves it with its best validation weights, in memory and as `model.keras`.

    Validation images are judged at the end of each epoch, or every `recipe.validate_every` steps, and where the training
    ends, early if `recipe.patience` is at an end. A run that was interrupted or killed at any step and is resumed ends with
    the weights of an uninterrupted one, bit for bit; a learning rate that was changed in between holds from there on. What
    the model leaves open, such as the width of a proposal, it then settles on validation images.

    Args:
        recipe: `Recipe`; its model and optimizer must be as built.
        data: `ImageSet`.
        folder: `RunFolder`.
        seed: Seed of the order of the images and of their preparation. (The model has its own.)
        steps: Optimizer steps after which to stop, counted from the run's beginning; all epochs by default.
        resume: Whether to go on from the newest readable checkpoint, if there is one.
        restart: With `resume`, whether to begin again if the run was saved and no checkpoint can be read.
        began: Called with the step it goes on from, once its state is there and before another step is taken.

    Returns:
        `Outcome`.

    Raises:
        ValueError: if recipe and data do not fit, or the run began with another seed, batch size or number of images.
        FileExistsError: if there are checkpoints and `resume` is False.
        OSError: if the run was saved and no checkpoint can be read, if another process trains it, or if the disk is full.
        TrainingStopped: after too many steps whose gradients are not finite, or if a weight is not; no `model.keras` is
            written then.
        KeyboardInterrupt: after Ctrl-C or SIGTERM, when a checkpoint has been saved.
    """
    recipe.check_data(data)
    if steps is not None and steps < 1:
        raise ValueError(f"`steps` must be at least 1. Received: steps={steps}.")
    per_epoch = data.train.count // recipe.batch
    total = min(recipe.epochs * per_epoch, steps or sys.maxsize)
    period = recipe.validate_every or per_epoch  # steps of what Keras takes for an epoch
    with training_lock(folder.path):
        model, progress, checkpoints = _prepare(recipe, data, folder, seed, period)
        start = _begin(recipe, data, checkpoints, seed=seed, resume=resume, restart=restart)
        if began is not None:
            began(start)
        seen = {"batch": recipe.batch, "preparation": recipe.preparation, "seed": seed, "corruption": recipe.corruption}
        validation = evaluation_batches(data.validation, **seen)
        patience = recipe.patience and recipe.patience * period
        saving = Saving(checkpoints, best=progress.best, every=recipe.checkpoint_every, patience=patience)
        showing = Showing(total=total, start=start)
        if start >= total:
            print("There is no step left to take.", flush=True)
        with _callbacks(recipe, data, folder, seed, saving=saving, progress=progress, showing=showing) as callbacks:
            judged_here = start >= total or start % period == 0
            if start and judged_here and int(progress.best.judged) < start:
                _make_up_validation(model, validation, callbacks)
            for segment in segments(start, total, period):
                if saving.exhausted:
                    break
                batches = training_batches(data.train, start_step=segment.start, flips=recipe.flips, **seen)
                progress.start_clock()
                _fit_segment(model, batches, segment, period=period, validation=validation, callbacks=callbacks)
        return _finish(recipe, data, folder, seed, progress=progress, checkpoints=checkpoints)


def _prepare(recipe, data, folder, seed, period):
    """The compiled model, and what records its training."""
    model = recipe.model
    _rebuilt(model)  # now rather than after the whole training, when it must be written
    together = max(n for n in range(1, min(recipe.steps_per_execution, period) + 1) if period % n == 0)
    if together != recipe.steps_per_execution:
        print(
            f"steps_per_execution={recipe.steps_per_execution} does not divide the {period} steps between validations: "
            f"{together} is used."
        )
    model.compile(optimizer=recipe.optimizer, steps_per_execution=together)
    model.optimizer.build(model.trainable_variables)
    start_averages(model)
    progress = Progress(model, seed=seed, batch=recipe.batch, images=data.train.count)
    return model, progress, Checkpoints(folder, model=model, progress=progress, keep=recipe.keep)


def _begin(recipe, data, checkpoints, *, seed, resume, restart):
    """Brings the model to the state it goes on from. Returns its step."""
    if not resume and checkpoints.steps():
        raise FileExistsError(
            f"The folder {checkpoints.folder} already holds checkpoints. Expected: none. "
            f"Received: steps {checkpoints.steps()}. Continue with --resume, or choose another --out."
        )
    optimizer = stepping(recipe.optimizer)
    rate = optimizer.get_config()["learning_rate"]
    step = checkpoints.restore(restart=restart) if resume else None
    if step is not None:
        if not isinstance(rate, dict):  # a schedule is no state; a number is, but the recipe's holds
            optimizer.learning_rate = rate
        print(f"Continuing after step {step}.", flush=True)
        return step

    if int(recipe.optimizer.iterations):
        raise ValueError(
            f"A recipe is trained once. Expected: an optimizer at step 0. Received: step {int(recipe.optimizer.iterations)}. "
            "Build the recipe anew, or go on with its run by resume=True."
        )

    def see_first_batch():
        seen = {"preparation": recipe.preparation, "corruption": recipe.corruption, "flips": recipe.flips}
        batch = next(iter(training_batches(data.train, batch=recipe.batch, seed=seed, **seen)))
        x, target = recipe.model.unpacked(batch)
        recipe.model.minimised(x, target, seed=tf.constant([seed, 0], tf.int32), step=None, training=False)

    initialise_from_data(recipe.model, see_first_batch)
    start_averages(recipe.model)  # at what the weights have become
    return 0


@contextlib.contextmanager
def _callbacks(recipe, data, folder, seed, *, saving, progress, showing):
    """The callbacks of a training, in the order in which they must run; a signal is obeyed between two steps."""
    checkpoints = saving.checkpoints
    curves = Curves(folder.tensorboard, checkpoints=checkpoints, progress=progress, every=recipe.log_every)
    showing.latest = curves.latest
    shown = {"data": data, "preparation": recipe.preparation, "every": recipe.picture_every}
    shows = [Pictures(curves.writer, corruption=recipe.corruption, **shown)]
    shows += [Latents(curves.writer, **shown)] if isinstance(recipe.model, LatentModel) else []
    interruption = Interruption()
    timing = Timing(progress, batch=recipe.batch)
    try:
        with interruption.listening(), showing:
            skipping = Skipping(checkpoints, most=recipe.skips_in_a_row)
            yield [timing, skipping, curves, saving, showing, *shows, interruption]
    except Interrupted:
        checkpoints.save()
        print(f"Step {checkpoints.step} is saved.", flush=True)
        raise
    finally:
        curves.close()


def _make_up_validation(model, validation, callbacks):
    """Judges the weights of an epoch's end that was saved before they were judged."""
    found = model.evaluate(validation, verbose=0, return_dict=True, callbacks=callbacks[-1:])
    judges = keras.callbacks.CallbackList(
        [each for each in callbacks if isinstance(each, Curves | Saving)], model=model
    )
    judges.on_epoch_end(None, {f"val_{name}": value for name, value in found.items()})


def _fit_segment(model, batches, segment, *, period, validation, callbacks):
    """Keras's `fit` over one segment."""
    whole = segment.steps == period
    told = {"model": model, "epochs": segment.epochs, "steps": segment.steps}
    shown = keras.callbacks.CallbackList(callbacks, add_history=True, add_progbar=False, **told)
    model.fit(
        batches if whole else batches.take(segment.steps),
        steps_per_epoch=period if whole else None,
        initial_epoch=segment.first_epoch,
        epochs=segment.end_epoch,
        validation_data=validation,
        callbacks=shown,
        verbose=0,
        shuffle=False,  # the batches come in their order
    )


def _rebuilt(model):
    """A model of the same configuration, with weights of its own.

    Raises:
        TypeError: if one of its parts, such as a layer of a user's own, cannot be found by its name.
    """
    try:
        return type(model).from_config(model.get_config())
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"The model could not be written and read again: {str(error).splitlines()[0]} Expected: parts with `get_config` "
            "whose classes Keras knows. Put @keras.saving.register_keras_serializable() before those of your own."
        ) from error


def _finish(recipe, data, folder, seed, *, progress, checkpoints):
    """Gives the model its best weights and writes it, without the optimizer, whose state belongs to the last ones."""
    best, model = progress.best, recipe.model
    if not int(best.step):
        raise checkpoints.stopped("No validation gave a finite number.")
    best.give_to(model)
    first = data.validation.first(min(data.validation.count, _SETTLING))
    batches = evaluation_batches(first, batch=first.count, preparation=recipe.preparation, seed=seed)
    model.settle(next(iter(batches)), key(seed, Purpose.SETTLING))
    bare = _rebuilt(model)
    bare.set_weights(model.get_weights())
    with replacing(folder.model) as partial:
        bare.save(partial)
    checkpoints.tidy()
    seconds, timed = float(progress.seconds), float(progress.timed_seconds)
    steps = checkpoints.step
    return Outcome(
        steps=steps,
        seconds=seconds,
        images_per_second=int(progress.timed_images) / timed if timed else steps * recipe.batch / seconds,
        best_validation=float(best.value),
        best_step=int(best.step),
    )
