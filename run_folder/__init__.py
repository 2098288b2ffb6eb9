"""The folder of one run: where each file stands, and how files are written so that none is ever half there.

Imports no TensorFlow, so that a command line can refuse a bad `--out` at once.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "array_file": ["ArrayFile"],
        "atomic": ["as_json", "read_json", "replacing", "write_json"],
        "command_line": ["exit_status", "quiet_import", "told_in_one_line", "warnings_in_one_line"],
        "layout": ["RunFolder"],
        "locks": ["results_lock", "training_lock"],
        "user_file": ["import_file", "import_record"],
    },
)
