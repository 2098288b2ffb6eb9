"""What every model promises under the contract."""

import keras
import numpy as np
import pytest
import registry
import tensorflow as tf
from conftest import in_float64
from tiny_models import BernoulliMixture

from vae_flows.latent_models import load_model
from vae_flows.training import Adamax

models = pytest.mark.parametrize("name", registry.MODELS)
latent_models = pytest.mark.parametrize("name", registry.LATENT_MODELS)
SEED = tf.constant([1, 2])


def images(count=16):
    ramp = np.linspace(0.05, 0.95, int(np.prod(registry.IMAGE))).reshape(registry.IMAGE)
    return (np.random.default_rng(0).random((count, *registry.IMAGE)) < ramp).astype("float32")


def build(name):
    keras.utils.set_random_seed(0)
    model = registry.MODELS[name].build()
    model.compile(Adamax(6e-3))
    return model


@latent_models
@pytest.mark.parametrize("batch", [1, 5])
def test_terms_are_finite_and_of_the_promised_shape(name, batch):
    model, x = build(name), images(batch)
    terms = model.terms(tf.constant(x), SEED)
    assert terms.log_likelihood.shape == (batch,)
    assert terms.kl.shape[0] == batch
    assert terms.kl.shape.rank == 2
    assert np.all(np.isfinite(terms.elbo))
    assert model.log_weights(tf.constant(x), 7, SEED).shape == (7, batch)


@models
def test_pictures_have_the_model_s_shape_and_lie_in_the_unit_interval(name):
    model, x = build(name), tf.constant(images(3))
    codes = model.encode(x)
    pictures = {
        "sample": model.sample(3, SEED, temperature=0.7),
        "reconstruct": model.reconstruct(x, SEED),
        "decode": model.decode(codes),
        "interpolate": model.interpolate(x[:2], x[1:], 4),
    }
    for kind, values in pictures.items():
        assert values.shape[-3:] == registry.IMAGE, kind
        assert np.all((values >= 0) & (values <= 1)), kind
    np.testing.assert_allclose(pictures["interpolate"][0], pictures["decode"][:2], rtol=1e-5)
    assert np.ptp(model.sample(4, SEED, temperature=0.0).numpy(), axis=0).max() < 1e-6


@models
def test_loss_falls(name):
    model, x = build(name), images(64)
    losses = model.fit(x, batch_size=16, epochs=25, verbose=0).history[model.validated_by]
    assert losses[-1] < losses[0] - 1.0


@latent_models
def test_elbo_stays_below_the_importance_sampled_estimate(name):
    model, x = build(name), images(64)
    model.fit(x, batch_size=16, epochs=5, verbose=0)
    log_w = model.log_weights(tf.constant(x), 500, SEED).numpy()  # [K, B]
    bound = np.logaddexp.reduce(log_w, 0) - np.log(500)
    assert log_w.mean() < bound.mean()


@models
def test_evaluation_counts_every_image_once_and_repeats(name):
    model, x = build(name), images(10)
    first = model.evaluate(x, batch_size=4, verbose=0, return_dict=True)
    assert first == model.evaluate(x, batch_size=4, verbose=0, return_dict=True)
    model.evaluate(x, batch_size=4, verbose=0)
    assert float(model.trackers["loss"].count) == 10
    assert float(model.trackers["loss"].result()) == pytest.approx(first[model.validated_by])


@models
def test_saved_and_loaded_gives_equal_outputs(name, tmp_path):
    model, x = build(name), images(8)
    model.fit(x, batch_size=8, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(model.log_likelihood(x, 3, SEED), again.log_likelihood(x, 3, SEED))
    assert len(again.weights) == len(model.weights)
    assert again.get_config() == model.get_config()


@models
def test_two_and_two_steps_equal_four_bitwise(name, tmp_path):
    batches = images(32).reshape(4, 8, *registry.IMAGE)
    whole, parts = build(name), build(name)
    for batch in batches:
        whole.train_on_batch(batch)
    for batch in batches[:2]:
        parts.train_on_batch(batch)
    path = tf.train.Checkpoint(model=parts, optimizer=parts.optimizer).save(tmp_path / "ckpt")
    resumed = build(name)
    resumed.optimizer.build(resumed.trainable_variables)
    tf.train.Checkpoint(model=resumed, optimizer=resumed.optimizer).restore(path).assert_existing_objects_matched()
    for batch in batches[2:]:
        resumed.train_on_batch(batch)
    for a, b in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@latent_models
@pytest.mark.parametrize("start", ["prior", "posterior", "base"])
@in_float64
def test_annealing_target_is_the_joint_with_the_volume_of_the_noise_map(precision, name, start):
    """log_target(u) = log p(x, f(u)) + log|det df/du|, the determinant by autodiff."""
    model, x = build(name), tf.constant(images(4))
    annealing = model.infer(x, start=start)
    u = tf.random.stateless_normal([4, annealing.features], SEED, dtype=precision)
    with tf.GradientTape() as tape:
        tape.watch(u)
        z = annealing.latent(u)
    log_det = tf.linalg.slogdet(tape.batch_jacobian(z, u))[1]
    log_joint = model.infer(x, start="prior").log_joint(z)
    np.testing.assert_allclose(annealing.log_target(u), log_joint + log_det, rtol=1e-9)
    np.testing.assert_allclose(annealing.noise(tf.identity(z)), u, atol=1e-8)
    assert annealing.log_target(tf.stack([u, u])).shape == (2, 4)


@latent_models
def test_simulated_images_come_with_their_latents(name):
    model = build(name)
    x, z = model.simulate(2000, SEED)
    np.testing.assert_array_equal(np.unique(x), [0.0, 1.0])
    expected = tf.reduce_mean(model.decode(z), 0)  # of binary pixels, the mean
    np.testing.assert_allclose(tf.reduce_mean(x, 0), expected, atol=0.06)


@models
def test_images_of_another_shape_are_refused(name):
    model = build(name)
    with pytest.raises(ValueError, match=r"Expected: \[batch, 6, 6, 1\].*Received: .*7, 6, 1"):
        model.train_on_batch(np.zeros((2, 7, 6, 1), "float32"))


@models
def test_a_person_needs_no_seed(name):
    """None draws new noise each time, an integer always the same."""
    model, x = build(name), tf.constant(images(2))
    assert np.any(model.sample(2) != model.sample(2))
    np.testing.assert_array_equal(model.sample(2, 7), model.sample(2, 7))
    np.testing.assert_array_equal(model.log_likelihood(x, 5, 7), model.log_likelihood(x, 5, 7))
    assert model.log_likelihood(x).shape == model.log_likelihood(x, 5).shape == (2,)


@models
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda x: 255.0 * x, r"Pixels must lie in \[0, 1\]. Received: values from 0 to 255"),
        (lambda x: (255.0 * x).astype("uint8"), "Images must be floating.*Received: uint8"),
        (lambda x: 0.9 * x, "pixels with 2 values.*Binarise"),
        (lambda x: x[:, :-1], r"Expected: \[batch, 6, 6, 1\]"),
        (lambda x: tf.data.Dataset.from_tensor_slices(255.0 * x).batch(4), "Received: values from 0 to 255"),
    ],
)
def test_images_that_are_not_prepared_are_refused_before_training(name, wrong, message):
    model = build(name)
    if "2 values" in message and model.pixel_levels is None:
        pytest.skip("a density takes all values between")
    with pytest.raises(ValueError, match=message):
        model.fit(wrong(images(8)), verbose=0)
    assert int(model.optimizer.iterations) == 0


@latent_models
def test_a_target_beside_the_input_is_what_is_explained(name):
    model, x, target = build(name), tf.constant(images(4)), tf.constant(images(8)[4:])
    found = model.minimised(x, target, seed=SEED, step=None, training=False).recorded
    inference = model.inference(target, model.proposal(x))
    noise = model._noise([model.objective.samples or 1, 4], SEED)
    expected = model.objective(inference, noise if model.objective.samples else noise[0]).recorded["neg_elbo"]
    np.testing.assert_allclose(found["neg_elbo"], expected, rtol=1e-5)
    assert np.all(expected != model.minimised(x, x, seed=SEED, step=None, training=False).recorded["neg_elbo"])
    assert np.isfinite(model.train_on_batch(x, target)[0])


@models
def test_views_have_a_label_for_each_picture(name):
    model = build(name)
    for view in model.views(tf.constant(images(3)), 1).values():
        assert view.pictures.shape == (3, len(view.labels), *registry.IMAGE)
        assert np.all((view.pictures >= 0) & (view.pictures <= 1)) and view.caption
    offering = "refined" in name or "NVAE" in name or name == "AutoencodingFlow"
    assert bool(model.views(tf.constant(images(3)), 1)) == offering


class Weighed(BernoulliMixture):
    """A model with a penalty on its weights."""

    def __init__(self, image_shape, **kwargs):
        super().__init__(image_shape, records=("size",), **kwargs)

    def penalties(self, step):
        return {"size": 10.0 * tf.reduce_mean(tf.square(self.logits))}


def test_penalties_are_minimised_in_training_alone_and_recorded():
    x = images(16)
    sizes = {}
    for kind in (Weighed, BernoulliMixture):
        model = kind(registry.IMAGE)
        model.compile(keras.optimizers.Adam(0.05))
        history = model.fit(x, epochs=60, verbose=0, validation_data=(x,)).history
        sizes[kind] = float(tf.reduce_mean(tf.square(model.logits)))
        if kind is Weighed:
            assert history["loss"][-1] == pytest.approx(history["nll"][-1] + history["size"][-1], rel=1e-5)
            assert "val_size" not in history and "val_nll" in history
    assert sizes[Weighed] < 0.3 * sizes[BernoulliMixture]
