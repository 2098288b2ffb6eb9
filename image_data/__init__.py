"""Images in, batches out: sources of images (embedded digits, TFDS, folders, NumPy files, arrays) and the pipeline that
makes from them batches whose every value is a function of a seed and a step."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "arrays": ["ImageSet", "Split", "from_arrays"],
        "corruption": ["GaussianNoise"],
        "fingerprints": ["check_fingerprint", "fingerprint"],
        "grid": ["tile"],
        "pipeline": ["evaluation_batches", "training_batches"],
        "preparations": ["PREPARATIONS", "Binarise", "Dequantise", "GreyLevels", "Preparation"],
        "sources": ["load", "located"],
        "spec": ["ImageSpec"],
    },
)
