"""Cores of the paper's two kinds, by hand and in full."""

import numpy as np
import pytest
import tensorflow as tf

from vae_flows.aef import CoreMask, centre, corners

# Flat places, as the paper's code has them.
PAPER = [
    (centre, (28, 28, 1), (377, 405)),
    (centre, (28, 28, 1), (348, 349, 350, 376, 377, 378, 405, 406)),
    (
        centre,
        (28, 28, 1),
        (
            319, 320, 321, 322, 323, 347, 348, 349, 350, 351, 375, 376, 377, 378, 379, 403, 404, 405, 406, 407, 431, 432,
            433, 434, 435, 436, 459, 460, 461, 462, 463, 464,
        ),
    ),
    (centre, (32, 32, 3), (1485, 1486, 1487, 1581)),
    (corners, (28, 28, 1), (0, 27)),
    (corners, (28, 28, 1), (0, 1, 26, 27, 28, 55, 56, 83, 700, 727, 728, 755, 756, 757, 782, 783)),
    (
        corners,
        (28, 28, 1),
        (
            0, 1, 2, 3, 24, 25, 26, 27, 28, 55, 56, 83, 84, 111, 112, 139, 644, 671, 672, 699, 700, 727, 728, 755, 756,
            757, 758, 759, 780, 781, 782, 783,
        ),
    ),
    (corners, (32, 32, 3), (0, 93, 2976, 3069)),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "shape", "core"), PAPER, ids=lambda value: getattr(value, "__name__", None))
def test_cores_are_those_of_the_paper(kind, shape, core):
    assert kind(shape, features=len(core)).core == core


def drawn(mask):
    height, width, _ = mask.image_shape
    shell = mask.shell_alone(tf.ones(mask.image_shape)).numpy().reshape(height, width)
    return ["".join(".#"[int(1 - value)] for value in row) for row in shell]


def test_the_spiral_winds_on_where_it_leaves_the_image():
    assert drawn(centre((5, 5, 1), features=9)) == [".....", ".###.", ".###.", ".###.", "....."]
    assert drawn(centre((2, 5, 1), features=7)) == [".###.", ".####"]


def test_corners_fill_inwards_line_by_line():
    assert drawn(corners((6, 6, 1), features=12)) == ["##..##", "#....#", "......", "......", "#....#", "##..##"]
    assert drawn(corners((6, 6, 1), features=20)) == ["######", "#....#", "#....#", "#....#", "#....#", "######"]
    assert drawn(corners((6, 6, 1), features=24)) == ["######", "##..##", "#....#", "#....#", "##..##", "######"]


@pytest.mark.parametrize("kind", [centre, corners])
@pytest.mark.parametrize("shape", [(4, 4, 1), (5, 3, 2), (1, 2, 1), (1, 7, 1)])
def test_every_size_of_core_fits_every_image(kind, shape):
    total = int(np.prod(shape))
    before = set()
    for features in range(1, total):
        core = set(kind(shape, features=features).core)
        assert len(core) == features and before < core
        before = core
    with pytest.raises(ValueError, match=f"Expected: 1 to {total - 1}.*Received: features={total}"):
        kind(shape, features=total)


def test_parts_come_together_again():
    mask = CoreMask((2, 3, 1), core=(4, 0))
    x = tf.random.stateless_normal([7, 5, 2, 3, 1], [0, 1])
    core, shell = mask.split(x)
    assert core.shape == (7, 5, 2) and shell.shape == (7, 5, 4)
    np.testing.assert_array_equal(core[..., 0], x[..., 1, 1, 0])
    np.testing.assert_array_equal(mask.join(core, shell), x)
    np.testing.assert_array_equal(mask.join(tf.zeros_like(core), shell), mask.shell_alone(x))


@pytest.mark.parametrize("core", [(), (0, 0), (0, 4), (0, 1, 2, 3)])
def test_a_core_that_is_none_is_refused(core):
    with pytest.raises(ValueError, match="1 to 3 different integers below 4. Received: "):
        CoreMask((2, 2, 1), core=core)


def test_the_core_is_read_to_the_last_bit_and_its_gradient_is_that_of_a_split():
    """No product: GPUs round those of float32 to ten bits."""
    mask = CoreMask((3, 4, 2), core=(7, 0, 23, 11))
    x = tf.Variable(np.random.default_rng(0).standard_normal((5, 3, 4, 2)), dtype=tf.float32)
    weights = tf.constant(np.random.default_rng(1).standard_normal((5, 4)), tf.float32)
    gradients = []
    for read in (mask.core_of, lambda images: mask.split(images)[0]):
        with tf.GradientTape() as tape:
            core = read(x)
            loss = tf.reduce_sum(weights * core)
        np.testing.assert_array_equal(core, tf.reshape(x, [5, -1]).numpy()[:, [7, 0, 23, 11]])
        gradients.append(tf.convert_to_tensor(tape.gradient(loss, x)))
    np.testing.assert_array_equal(*gradients)
    traced = tf.function(mask.core_of).get_concrete_function(x).graph.get_operations()
    assert "MatMul" not in {operation.type for operation in traced}
