"""Layers whose constructor arguments are their configuration."""

import importlib
import inspect
import re

import keras

import vae_flows

__all__ = ["Configured"]


class Configured:
    """Mixin that derives a Keras configuration from the constructor's signature.

    Every constructor argument is kept in an attribute of the same name; arguments may be numbers, strings, tuples, or
    other serialisable Keras objects (layers, models, schedules). Nothing can be forgotten in `get_config`, because nothing
    is written there by hand. Subclasses register themselves under the package name `vae_flows`; the modules of this package
    that a configuration names are imported when it is read.

    Example:
        >>> class Scale(Configured, keras.layers.Layer):
        ...     def __init__(self, factor, **kwargs):
        ...         super().__init__(**kwargs)
        ...         self.factor = factor
        >>> Scale(2.0, name="double").get_config()["factor"]
        2.0
    """

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        keras.saving.register_keras_serializable(package="vae_flows")(cls)

    @classmethod
    def argument_names(cls):
        """Names of the constructor's own arguments, in order."""
        parameters = inspect.signature(cls.__init__).parameters.values()
        variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        return [p.name for p in parameters if p.name != "self" and p.kind not in variadic]

    def get_config(self):
        config = super().get_config() if hasattr(super(), "get_config") else {}
        arguments = {name: _plain(getattr(self, name)) for name in self.argument_names()}
        return {**config, **keras.saving.serialize_keras_object(arguments)}

    @classmethod
    def from_config(cls, config):
        _import_modules(config)
        return cls(**keras.saving.deserialize_keras_object(config))

    def compile_from_config(self, config):
        """For models: Keras's own, for optimizers of this package too."""
        _import_modules(config)
        super().compile_from_config(config)


def _import_modules(config):
    """Imports the modules of this package, and no others, that a configuration names."""
    if isinstance(config, dict):
        name = re.fullmatch(r"vae_flows\.(\w+)\.\w+", str(config.get("module")))
        if name and name[1] in vae_flows.__all__:
            importlib.import_module(name[0])
        config = config.values()
    if not isinstance(config, str) and hasattr(config, "__iter__"):
        for value in config:
            _import_modules(value)


def _plain(value):
    """Sequences as tuples: Keras wraps the lists and tuples that it tracks."""
    if isinstance(value, (list, tuple)):
        return tuple(_plain(item) for item in value)
    return value
