"""Two devices train as one does: gradients are summed before they are clipped."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
sys.path[:0] = sys.argv[1:3]
import keras, numpy as np, registry, tensorflow as tf
from vae_flows.training import Adamax

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
x = np.random.default_rng(0).integers(0, 2, (16, *registry.IMAGE)).astype("float32")

def trained(strategy):
    with strategy.scope():
        keras.utils.set_random_seed(0)
        model = registry.MODELS["VAE"].build()
        model._noise = lambda shape, seed: tf.zeros([*shape, model.noise_features])  # replicas draw different noise
        model.compile(Adamax(0.01, epsilon=1e-3, global_clipnorm=0.5, use_ema=True))
    model.fit(tf.data.Dataset.from_tensor_slices(x).batch(8), epochs=2, verbose=0, shuffle=False)
    return model.get_weights()

one, two = map(trained, (tf.distribute.get_strategy(), tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])))
print(max(np.abs(a - b).max() for a, b in zip(one, two, strict=True)))
"""


def test_two_devices_equal_one_with_clipping():
    command = [sys.executable, "-c", SCRIPT, str(ROOT), str(ROOT / "tests")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert float(done.stdout.split()[-1]) < 1e-6
