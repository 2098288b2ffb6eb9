import subprocess
import sys

import keras
import numpy as np
import pytest
import registry
import tensorflow as tf

from vae_flows.estimators import ImportanceSampling
from vae_flows.image_data import Binarise
from vae_flows.latent_models import LatentModel, Purpose, key
from vae_flows.training import export

NAMES = ["VAE with IAF posterior, flow prior, IWAE", "VAE with a refined posterior", "NVAE", "mixture, exact"]
SEED = tf.constant([5, 11])
IMAGES = np.random.default_rng(0).integers(0, 256, (5, *registry.IMAGE)).astype("uint8")
SAMPLES = 50


@pytest.fixture(scope="module", params=NAMES)
def exported(request, tmp_path_factory):
    """(model, path of its SavedModel)"""
    keras.utils.set_random_seed(0)
    model = registry.MODELS[request.param].build()
    path = tmp_path_factory.mktemp("export") / "saved_model"
    export(model, Binarise(), path)
    return model, path


def answers(loaded):
    latents = loaded.encode(IMAGES)
    return {
        "encode": latents,
        "decode": loaded.decode(latents),
        "reconstruct": loaded.reconstruct(IMAGES, SEED),
        "sample": loaded.sample(3, SEED, 0.7),
        "log_likelihood": loaded.log_likelihood(IMAGES, SAMPLES, SEED),
    }


@pytest.mark.filterwarnings("ignore::estimators.UnreliableWeights")
def test_endpoints_give_the_model_s_numbers(exported):
    model, path = exported
    given = answers(tf.saved_model.load(str(path)))
    x = Binarise()(tf.constant(IMAGES), key(SEED, Purpose.PREPARATION))
    draw = key(SEED, Purpose.DRAW)
    codes = model.encode(Binarise()(tf.constant(IMAGES), key(0, Purpose.PREPARATION)))
    expected = {
        "encode": codes,
        "decode": model.decode(codes),
        "reconstruct": model.reconstruct(x, draw),
        "sample": model.sample(3, SEED, temperature=0.7),
        "log_likelihood": model.log_likelihood(x, SAMPLES, draw),
    }
    if isinstance(model, LatentModel):
        log_weight = tf.function(lambda x, noise: model.infer(x).log_weight(noise))
        estimator = ImportanceSampling(log_weight, features=model.noise_features, samples=SAMPLES)
        np.testing.assert_allclose(given["log_likelihood"], estimator(x, seed=draw).values, rtol=1e-5)
    for name, values in expected.items():
        np.testing.assert_allclose(given[name], values, rtol=1e-5, atol=1e-5, err_msg=name)


def test_every_batch_size_and_the_seed_count(exported):
    loaded = tf.saved_model.load(str(exported[1]))
    assert loaded.encode(IMAGES[:1]).shape == (1, exported[0].latent_features)
    assert loaded.sample(7, SEED, 1.0).shape == (7, *registry.IMAGE)
    assert loaded.log_likelihood(IMAGES[:2], 1, SEED).shape == (2,)
    np.testing.assert_array_equal(loaded.encode(IMAGES), loaded.encode(IMAGES))
    assert np.ptp(loaded.sample(2, SEED, 0.0).numpy(), axis=0).max() < 1e-6
    assert np.any(loaded.sample(2, SEED, 1.0) != loaded.sample(2, SEED + 1, 1.0))
    one, other = (loaded.log_likelihood(IMAGES, 3000, SEED + i).numpy() for i in range(2))
    assert np.any(one != other)  # the images are binarised anew, too


WRONG = {
    "width": np.zeros([2, 6, 7, 1], np.uint8),
    "no batch": np.zeros([6, 6, 1], np.uint8),
    "float64": IMAGES / 255.0,
    "float32": (IMAGES / 255.0).astype("float32"),
    "tensor": tf.constant(IMAGES / 255.0),
    "list": (IMAGES / 255.0).tolist(),
    "int64": IMAGES.astype("int64"),
}


@pytest.fixture(scope="module")
def loaded(exported):
    return tf.saved_model.load(str(exported[1]))


@pytest.mark.parametrize("kind", WRONG)
def test_images_of_another_shape_or_kind_are_refused(loaded, kind):
    wrong = WRONG[kind]
    expected = (
        r"`images` must be uint8 \[B, 6, 6, 1\], 0 to 255 as a data set gives them. Received: .* of shape \[.* 1\]"
    )
    for call in (loaded.encode, lambda x: loaded.reconstruct(x, SEED), lambda x: loaded.log_likelihood(x, 2, SEED)):
        with pytest.raises(tf.errors.InvalidArgumentError, match=expected):
            call(wrong)


def test_numbers_out_of_range_are_refused(loaded):
    for samples in (0, -1):
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"`samples` must be at least 1. Received: {samples}"):
            loaded.log_likelihood(IMAGES, samples, SEED)
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"`count` must be at least 1. Received: {samples}"):
            loaded.sample(samples, SEED, 1.0)
    for temperature in (-0.5, np.nan):
        with pytest.raises(
            tf.errors.InvalidArgumentError, match="`temperature` must be at least 0. Received: (-0.5|nan)"
        ):
            loaded.sample(2, SEED, temperature)


def test_images_and_seeds_as_numpy_and_python_have_them(loaded):
    expected = loaded.reconstruct(images=IMAGES, seed=SEED)
    for images in (IMAGES.tolist(), tf.constant(IMAGES)):
        for seed in ([5, 11], np.array([5, 11])):
            np.testing.assert_array_equal(loaded.reconstruct(images, seed), expected)


STRANGER = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in sys.argv[3].split(","):
            raise ImportError(f"{name} is not installed here")

sys.meta_path.insert(0, Refuse())
import numpy as np, tensorflow as tf
loaded = tf.saved_model.load(sys.argv[1])
images = np.load(sys.argv[2])
latents = loaded.encode(images)
seed = tf.constant([5, 11])
np.savez(
    sys.argv[4],
    encode=latents,
    decode=loaded.decode(latents),
    reconstruct=loaded.reconstruct(images, seed),
    sample=loaded.sample(3, seed, 0.7),
    log_likelihood=loaded.log_likelihood(images, 50, seed),
)
served = {"encode": dict(images=images), "sample": dict(count=2, seed=seed, temperature=1.0)}
for name, arguments in served.items():
    loaded.signatures[name](**{key: tf.convert_to_tensor(value) for key, value in arguments.items()})
try:
    loaded.encode(images / 255.0)
except tf.errors.InvalidArgumentError as error:
    print(*[line for line in str(error).splitlines() if "`images`" in line])
strangers = {name.split(".")[0] for name in sys.modules} & set(sys.argv[3].split(","))
print(*sorted(set(loaded.signatures) - {"serving_default"}), *strangers)
"""


def test_it_answers_where_only_tensorflow_is_installed(exported, tmp_path):
    np.save(tmp_path / "images.npy", IMAGES)
    refused = "tensorflow_probability,tf_keras,vae_flows"
    command = [sys.executable, "-c", STRANGER, str(exported[1]), str(tmp_path / "images.npy"), refused]
    done = subprocess.run([*command, str(tmp_path / "out.npz")], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    refusal, functions = done.stdout.splitlines()
    assert "must be uint8 [B, 6, 6, 1], 0 to 255 as a data set gives them. Received: float64 of" in refusal
    assert functions == "decode encode log_likelihood reconstruct sample"
    here = answers(tf.saved_model.load(str(exported[1])))
    with np.load(tmp_path / "out.npz") as there:
        for name, values in here.items():
            np.testing.assert_allclose(there[name], values, rtol=1e-5, atol=1e-5, err_msg=name)


def test_a_failed_export_leaves_the_old_one(exported, tmp_path):
    path = tmp_path / "saved_model"
    path.mkdir()
    (path / "old").touch()
    with pytest.raises(RuntimeError, match="no such preparation"):
        export(exported[0], _broken, path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["saved_model"]
    assert (path / "old").exists()


def _broken(images, seed):
    raise RuntimeError("no such preparation")


def test_every_number_is_stored_once(exported):
    model, path = exported
    reader = tf.train.load_checkpoint(str(path / "variables" / "variables"))
    shapes = reader.get_variable_to_shape_map()
    stored = sum(int(np.prod(shape)) for name, shape in shapes.items() if name.endswith("VARIABLE_VALUE"))
    assert stored <= model.count_params()
