"""Training by Keras's `fit`, checkpoints that resume it exactly, and the artifacts it leaves: any `ImageModel`, any images."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "console_log": ["recorded"],
        "fit": ["Outcome", "fit"],
        "learning_rates": ["cosine", "halved_every"],
        "optimizers": ["SGD", "Adam", "AdamW", "Adamax", "seed_first_weights"],
        "recipe": ["Recipe"],
        "run_config": ["run_config"],
        "saved_model": ["export"],
        "stopping": ["TrainingStopped"],
    },
)
