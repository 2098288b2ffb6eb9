"""A model whose networks compute in another precision."""

import keras

from vae_flows.blocks.lazy import Lazy

__all__ = ["rounded"]


def rounded(model, policy):
    """A copy of a model whose networks follow another dtype policy; weights keep their precision, densities float32.

    Rough gradients come from it: those of Hamiltonian trajectories may be inexact, if energies are not.

    Args:
        model: `ImageModel`.
        policy: Name of a Keras dtype policy, "mixed_bfloat16".
    """
    copy = type(model).from_config(model.get_config())
    copy.set_weights(model.get_weights())
    _follow(copy, keras.DTypePolicy(policy))
    return copy


def _follow(layer, policy):
    for part in layer._flatten_layers(recursive=False, include_self=False):
        if not isinstance(part, Lazy):  # what a density holds stays in its precision
            part.dtype_policy = policy
            _follow(part, policy)
