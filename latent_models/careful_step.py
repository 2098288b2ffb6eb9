"""Optimizer steps that one bad batch does not spoil."""

import keras
import tensorflow as tf

__all__ = ["Skips", "careful_step"]


class Skips(tf.Module):
    """Steps that were skipped because their gradients were not finite; checkpoints keep the counts.

    Attributes:
        in_a_row: Up to the present step.
        total: Since training began.
    """

    def __init__(self):
        super().__init__()
        self.in_a_row = tf.Variable(0, trainable=False, dtype=tf.int64, aggregation=_FIRST)
        self.total = tf.Variable(0, trainable=False, dtype=tf.int64, aggregation=_FIRST)


_FIRST = tf.VariableAggregation.ONLY_FIRST_REPLICA


def careful_step(model, gradients, *, loss, before, record):
    """One step of the model's optimizer, which is skipped if the loss or a gradient is not finite.

    A skipped step leaves weights, moving statistics and moments as they were and records nothing, but counts as a step: the
    optimizer's step is the data's position. Where float16 is scaled (`keras.optimizers.LossScaleOptimizer`) the scale is
    halved, and is no skip unless the loss itself is not finite. On several replicas gradients are summed before they are
    clipped, and nothing is skipped.

    Args:
        model: `ImageModel` with an optimizer that is built.
        gradients: Of the trainable weights.
        loss: What the gradients are of, unscaled.
        before: Values of the non-trainable weights before the step.
        record: Called when the step is taken.
    """
    optimizer, skips = model.optimizer, model.skips

    def take():
        optimizer.apply_gradients(zip(gradients, model.trainable_weights, strict=True))
        record()
        return skips.in_a_row.assign(0)

    def skip():
        for weight, value in zip(model.non_trainable_weights, before, strict=True):
            weight.assign(value)
        optimizer.iterations.assign_add(1)
        counted = 1 - tf.cast(_halve_scale(optimizer) & tf.math.is_finite(loss), tf.int64)
        skips.total.assign_add(counted)
        return skips.in_a_row.assign_add(counted)

    if tf.distribute.get_strategy().num_replicas_in_sync > 1:
        gradients = _summed_and_clipped(optimizer, gradients)
        optimizer.apply_gradients(zip(gradients, model.trainable_weights, strict=True))
        record()
    else:
        tf.cond(tf.math.is_finite(loss + tf.linalg.global_norm(gradients)), take, skip)


def _halve_scale(optimizer):
    """Halves what float16's losses are multiplied with, down to 1. Returns whether there was something to halve."""
    if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return tf.constant(False)
    scale = tf.convert_to_tensor(optimizer.dynamic_scale)
    optimizer.dynamic_scale.assign(tf.maximum(scale / 2.0, 1.0))
    optimizer.step_counter.assign(0)
    return scale > 1.0


def _summed_and_clipped(optimizer, gradients):
    """Each replica's share of the clipped sum, which the optimizer will add up."""
    context = tf.distribute.get_replica_context()
    there = [gradient for gradient in gradients if gradient is not None]
    clipped = iter(optimizer._clip_gradients(context.all_reduce(tf.distribute.ReduceOp.SUM, there)))
    return [None if each is None else next(clipped) / context.num_replicas_in_sync for each in gradients]
