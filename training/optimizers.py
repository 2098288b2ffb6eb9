"""Keras's optimizers, and the seeding of first weights, under names that load with the rest of the package."""

from keras.optimizers import SGD, Adam, AdamW
from keras.utils import set_random_seed as seed_first_weights

__all__ = ["SGD", "Adam", "AdamW", "seed_first_weights"]
