"""A model whose networks compute in another precision."""

import keras

from vae_flows.blocks.lazy import Lazy

__all__ = ["rounded"]


def rounded(model, policy):
    """A copy of a model whose networks compute in another precision; weights and densities keep theirs.

    Rough gradients come from it: those of Hamiltonian trajectories may be inexact, if energies are not.

    Args:
        model: `ImageModel`.
        policy: Name of a Keras dtype policy, "mixed_bfloat16".
    """
    copy = type(model).from_config(model.get_config())
    copy.set_weights(model.get_weights())
    _follow(copy, _Rough(policy, weights=model.variable_dtype))
    return copy


class _Rough(keras.DTypePolicy):
    """A mixed policy whose weights have a given precision: Keras's own is float32."""

    def __init__(self, name, *, weights):
        super().__init__(name)
        self.weights = weights

    @property
    def variable_dtype(self):
        return self.weights


def _follow(layer, policy):
    for part in layer._flatten_layers(recursive=False, include_self=False):
        if not isinstance(part, Lazy):  # what a density holds stays in its precision
            part.dtype_policy = policy
            _follow(part, policy)
