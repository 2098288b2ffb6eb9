"""The weights' moving averages in the place of the weights."""

import contextlib

import tensorflow as tf

__all__ = ["averaged", "kept_averages", "start_averages"]


@contextlib.contextmanager
def averaged(model):
    """Context in which the weights are the averages that the optimizer keeps (`use_ema`); without any, nothing changes.

    Args:
        model: Compiled Keras model.
    """
    pairs = kept_averages(model)
    weights = [tf.identity(variable) for variable, _ in pairs]
    for variable, average in pairs:
        variable.assign(average)
    try:
        yield
    finally:
        for (variable, _), weight in zip(pairs, weights, strict=True):
            variable.assign(weight)


def kept_averages(model):
    """(weight, its average) of every trained weight; none if the optimizer keeps no averages."""
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)  # of one that scales float16's losses
    if not (getattr(optimizer, "use_ema", False) and optimizer.built):
        return []
    return list(zip(optimizer._trainable_variables, optimizer._model_variables_moving_average, strict=True))


def start_averages(model):
    """Lets averages begin at the weights, and Keras's `fit` end with the weights rather than with their averages."""
    for variable, average in kept_averages(model):
        average.assign(variable)
    model.optimizer.finalize_variable_values = lambda variables: None
