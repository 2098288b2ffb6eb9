"""Batch norms whose statistics are those of samples at a temperature."""

import tensorflow as tf

from vae_flows.estimators.bars import Bar

__all__ = ["readjusted"]


def readjusted(model, temperature, *, passes=500, batch=32, seed=0):
    """A copy of an NVAE whose batch norms have seen samples at a temperature.

    At a temperature below 1 the maps of the top-down tower have other means and variances than in training. The moving
    statistics of the copy are those after `passes` batches of samples in training mode, as in the paper. A bar is shown if
    they take long.

    Args:
        model: `NVAE`, which stays as it is.
        temperature: Of the prior, in every group.
        passes: Batches of samples.
        batch: Samples of a batch.
        seed: An integer.

    Reference: Vahdat, Kautz. NVAE: A Deep Hierarchical Variational Autoencoder. 2020. arXiv:2007.03898
    """
    copy = type(model).from_config(model.get_config())
    copy.set_weights(model.get_weights())

    @tf.function(autograph=False)
    def one_pass(number):
        return copy.sample(batch, tf.stack([seed, number]), temperature=temperature, training=True)

    with Bar(f"batch norms at temperature {float(temperature):g}", total=passes, unit="batches", delay=2.0) as bar:
        for number in tf.range(passes):
            one_pass(number)
            bar.update()
    return copy
