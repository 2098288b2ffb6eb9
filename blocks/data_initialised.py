"""First values of weights taken from a batch of data, in one explicit eager pass."""

import tensorflow as tf

__all__ = ["DataInitialised", "initialise_from_data"]


class DataInitialised:
    """Mixin of layers whose first weights depend on the data that reaches them.

    Such a layer begins its `call` with `if self.awaits_data: self.initialise(inputs)`. The flag is up only inside
    `initialise_from_data`, so training graphs, saving and restoring never see it.
    """

    awaits_data = False

    def initialise(self, inputs):
        """Sets the weights from the layer's inputs, and lowers the flag."""
        if tf.inside_function():
            raise RuntimeError(
                f"`{self.name}` takes its first weights from data eagerly, but was called inside a `tf.function`. "
                "Pass `initialise_from_data` a plain Python function."
            )
        self.set_weights_from(inputs)
        self.awaits_data = False

    def set_weights_from(self, inputs):
        """Assigns the weights; what a subclass supplies."""
        raise NotImplementedError


def initialise_from_data(model, call):
    """Sets the weights of every data-initialised layer inside `model` by one pass over a first batch.

    Each layer is set when the pass first reaches it, so later layers see the outputs of layers already set. Call it
    before the first training step; the result is a function of the current weights and the batch alone.

    Args:
        model: Keras layer or model; those without such layers are left as they are.
        call: Function without arguments that sends a batch through all of `model`, eagerly.

    Returns:
        Number of layers that were set.

    Raises:
        ValueError: if the pass left such a layer out.
        RuntimeError: if a layer was reached inside a `tf.function`.

    Example:
        >>> import keras
        >>> from vae_flows.blocks.normalised import WeightNormalised
        >>> dense = WeightNormalised(keras.layers.Dense(3))
        >>> dense.build((None, 2))
        >>> x = tf.random.stateless_normal([500, 2], seed=[0, 1]) * 5.0
        >>> initialise_from_data(dense, lambda: dense(x))
        1
        >>> round(float(tf.math.reduce_std(dense(x)[:, 0])), 3)
        1.0
    """
    layers = [layer for layer in model._flatten_layers() if isinstance(layer, DataInitialised)]
    if not layers:
        return 0
    try:
        for layer in layers:
            layer.awaits_data = True
        call()
        missed = [layer.name for layer in layers if layer.awaits_data]
    finally:
        for layer in layers:
            layer.awaits_data = False
    if missed:
        raise ValueError(
            f"`call` must send data through every data-initialised layer. Not reached: {', '.join(missed)}. "
            "Initialise only the part that `call` runs, or pass a function that runs the whole model eagerly."
        )
    return len(layers)
