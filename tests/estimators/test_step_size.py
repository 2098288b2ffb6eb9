import numpy as np
import pytest
import tensorflow as tf

from vae_flows.estimators import PilotTuning, StepRule
from vae_flows.estimators.step_size import FROZEN, adapted


def apply(rule, step, average, acceptance):
    return [
        each.numpy().tolist()
        for each in adapted(*(tf.constant(v, tf.float64) for v in (step, average, acceptance, rule)))
    ]


def test_rule_of_the_original():
    step, average = apply(StepRule().numbers, [0.1, 0.1], [0.66, 0.65], [1.0, 0.0])
    assert step == pytest.approx([0.102, 0.098]) and average == pytest.approx([0.8 * 0.66 + 0.2, 0.8 * 0.65])


def test_limits_hold():
    step, _ = apply(StepRule().numbers, [0.899, 1.001e-4], [1.0, 0.0], [1.0, 0.0])
    assert step == pytest.approx([0.9, 1e-4])


def test_frozen_changes_nothing():
    assert apply(FROZEN, [1e-30, 5.0], [1.0, 0.0], [0.3, 0.4])[0] == [1e-30, 5.0]


def test_length_of_the_pilot():
    lengths = [PilotTuning().temperatures(weighted) for weighted in (5, 100, 1000, 20_000)]
    assert lengths == [5, 100, 100, 2000]
    assert PilotTuning(share=1.0).temperatures(np.int64(300)) == 300


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (StepRule, {"target": 1.0}, r"`target` must be in \(0, 1\)"),
        (StepRule, {"decay": 1.0}, r"`decay` in \[0, 1\)"),
        (StepRule, {"up": 0.9}, "`up` at least 1. Received: down=0.98, up=0.9"),
        (StepRule, {"down": 0.0}, r"`down` must be in \(0, 1\]"),
        (StepRule, {"limits": (0.9, 1e-4)}, "`limits` must be positive and rising"),
        (PilotTuning, {"chains": 0}, "A pilot needs at least one chain"),
        (PilotTuning, {"share": 0.0}, "A pilot needs"),
        (PilotTuning, {"fewest": 1}, "A pilot needs"),
    ],
)
def test_refuses_bad_numbers(kind, options, message):
    with pytest.raises(ValueError, match=message):
        kind(**options)
