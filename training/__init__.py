"""Training by Keras's `fit`, checkpoints that resume it exactly, and the artifacts it leaves: any `ImageModel`, any images."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "adamax": ["Adamax"],
        "console_log": ["recorded"],
        "hyperparameter_log": ["log_hyperparameters"],
        "fit": ["Outcome", "fit"],
        "learning_rates": ["halved_every", "warmed_cosine"],
        "optimizers": ["SGD", "Adam", "AdamW", "rate_at", "seed_first_weights"],
        "recipe": ["Recipe", "check_batch"],
        "run_config": ["run_config"],
        "saved_model": ["export"],
        "stopping": ["TrainingStopped"],
    },
)
