"""A step of training as it is timed, and how long a call takes."""

import time

import tensorflow as tf

__all__ = ["seconds", "training_step"]


def training_step(model, optimizer, x):
    """One compiled step on the batch x: a function without arguments that gives the loss."""
    model.compile(optimizer=optimizer)
    model.optimizer.build(model.trainable_variables)
    return tf.function(lambda: model.train_step(x)["loss"], autograph=False)


def seconds(call, count=1):
    """Mean of so many calls."""
    began = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - began) / count
