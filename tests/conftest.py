"""Settings of the test process: two workers share two cores, and TensorFlow keeps its greetings to itself."""

import os

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")


def pytest_runtest_setup(item):
    """Each test starts from the same first weights, whichever ran before it."""
    import keras

    keras.utils.set_random_seed(0)


@pytest.fixture(params=[("float64", "float64"), ("float32", "float64"), ("float64", "float32")], ids="-".join)
def precision(request):
    """That of Keras's policy, for the length of a test; its floatx, which gives new arrays theirs, may be another."""
    import keras

    before = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx(request.param[0])
    keras.config.set_dtype_policy(request.param[1])
    yield request.param[1]
    keras.config.set_floatx(before[0])
    keras.config.set_dtype_policy(before[1])


def in_float64(test):
    """Decorates a test that takes `precision`, to be run in float64 alone."""
    return pytest.mark.parametrize("precision", [("float64", "float64")], indirect=True, ids=["float64"])(test)
