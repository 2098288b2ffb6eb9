import sys
import warnings

import numpy as np
import pytest
import tensorflow as tf
from linear_gaussian import LinearGaussian

from vae_flows.estimators import (
    BidirectionalMonteCarlo,
    HamiltonianAIS,
    ImportanceSampling,
    UnreliableWeights,
    linear_schedule,
    sweep,
)
from vae_flows.run_folder import ArrayFile

MODEL = LinearGaussian(3)
X, Z = MODEL.simulate(20)
SEED = [1, 2]


def importance(samples=50):
    return ImportanceSampling(MODEL.log_weight("base"), features=3, samples=samples)


def batches(x, size):
    return [x[start : start + size] for start in range(0, len(x), size)]


def stopping(parts, after):
    for index, part in enumerate(parts):
        if index == after:
            raise KeyboardInterrupt
        yield part


def test_equals_one_call_on_all_images():
    whole = importance()(X, seed=SEED)
    for size in (1, 6, 20):
        swept = sweep(importance(), batches(X, size), seed=SEED)
        np.testing.assert_allclose(swept.values, whole.values, rtol=1e-12)


@pytest.mark.parametrize("size", [7, 4, 20])
def test_what_is_done_is_kept_and_resumed(tmp_path, size):
    """Interrupted after two batches of 7, resumed with other batches: 14 images are never computed again."""
    file, seen = tmp_path / "kept.npz", []

    def log_weight(x, noise):
        tf.py_function(lambda count: seen.append(int(count)), [tf.shape(x)[0]], [])
        return MODEL.log_weight("base")(x, noise)

    estimator = ImportanceSampling(log_weight, features=3, samples=10)
    with pytest.raises(KeyboardInterrupt):
        sweep(estimator, stopping(batches(X, 7), 2), seed=SEED, kept=ArrayFile(file))
    assert sum(seen) == 14
    resumed = sweep(estimator, batches(X, size), seed=SEED, kept=ArrayFile(file))
    assert sum(seen) == 20
    np.testing.assert_allclose(resumed.values, estimator(X, seed=SEED).values, rtol=1e-12)
    again = sweep(estimator, batches(X, 3), seed=SEED, kept=ArrayFile(file))
    assert sum(seen) == 40
    np.testing.assert_array_equal(again.values, resumed.values)
    assert [entry.name for entry in tmp_path.iterdir()] == ["kept.npz"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": [1, 3]}, "holds results of other settings"),
        ({"identity": {"run": "b"}}, "holds results of other settings"),
        ({"estimator": importance(51)}, "holds results of other settings.*51.*50"),
        ({"batches": batches(X + 1.0, 5)}, "holds results of other images"),
        ({"batches": batches(X[:5], 5)}, "holds more images than there are. Expected: at least 10 images. Received: 5"),
    ],
)
def test_refuses_to_resume_with_anything_else(tmp_path, change, message):
    given = {"estimator": importance(), "batches": batches(X[:10], 5), "seed": SEED, "identity": {"run": "a"}}
    given |= {"kept": ArrayFile(tmp_path / "kept.npz")}
    sweep(given.pop("estimator"), given.pop("batches"), **given)
    before = (tmp_path / "kept.npz").read_bytes()
    given = {"estimator": importance(), "batches": batches(X, 5)} | given | change
    with pytest.raises(ValueError, match=message):
        sweep(given.pop("estimator"), given.pop("batches"), **given)
    assert (tmp_path / "kept.npz").read_bytes() == before


def test_more_images_go_on_from_fewer(tmp_path):
    for count in (5, 12):
        estimate = sweep(importance(), batches(X[:count], 4), seed=SEED, kept=ArrayFile(tmp_path / "kept.npz"))
        assert estimate.images == count
    np.testing.assert_allclose(estimate.values, importance()(X[:12], seed=SEED).values, rtol=1e-12)


def test_a_failing_write_leaves_the_old_file(tmp_path, monkeypatch):
    file = tmp_path / "kept.npz"
    sweep(importance(), batches(X[:5], 5), seed=SEED, kept=ArrayFile(file))
    before = file.read_bytes()
    monkeypatch.setattr(np, "savez", lambda stream, **arrays: (stream.write(b"half"), 1 / 0))
    with pytest.raises(ZeroDivisionError):
        sweep(importance(), batches(X, 5), seed=SEED, kept=ArrayFile(file))
    assert file.read_bytes() == before


def test_pairs_go_to_bidirectional_monte_carlo(tmp_path):
    hais = HamiltonianAIS(MODEL.annealing("prior"), schedule=linear_schedule(12), chains=4)
    estimator, file = BidirectionalMonteCarlo(hais), tmp_path / "kept.npz"
    pairs = [(X[a:b], Z[a:b]) for a, b in ((0, 3), (3, 4), (4, 6))]
    with pytest.raises(KeyboardInterrupt):
        sweep(estimator, stopping(pairs, 2), seed=SEED, kept=ArrayFile(file))
    bracket = sweep(estimator, pairs, seed=SEED, kept=ArrayFile(file))
    np.testing.assert_allclose(bracket.gaps, estimator(X[:6], Z[:6], seed=SEED).gaps, rtol=1e-9)


def test_bar_counts_whole_images_as_temperatures_pass(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    hais = HamiltonianAIS(MODEL.annealing("prior"), schedule=linear_schedule(30), chains=5, chunk=4)
    sweep(hais, batches(X[:6], 4), seed=SEED, images=6, label="HAIS")
    shown = capsys.readouterr().err
    assert "HAIS: 100%" in shown and "6/6 images" in shown and "." not in shown
    assert max(map(len, shown.split("\r"))) <= 100


def test_warns_once_for_all_images():
    wide = ImportanceSampling(lambda x, noise: 4.0 * noise[..., 0] + 0.0 * x[:, 0], features=1, samples=500)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sweep(wide, batches(np.zeros([6, 1]), 2), seed=SEED)
    messages = [str(each.message) for each in caught if each.category is UnreliableWeights]
    assert len(messages) == 1 and "of 6 images" in messages[0]


def test_refuses_no_images():
    with pytest.raises(ValueError, match="`batches` must hold at least one image"):
        sweep(importance(), [], seed=SEED)
