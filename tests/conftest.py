"""Settings of the test process: two workers share two cores, and TensorFlow keeps its greetings to itself."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")


def pytest_runtest_setup(item):
    """Each test starts from the same first weights, whichever ran before it."""
    import keras

    keras.utils.set_random_seed(0)
