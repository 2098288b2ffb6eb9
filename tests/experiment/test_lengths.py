"""Warnings of schedules that do not end with the run."""

import types

import pytest

from vae_flows import training
from vae_flows.experiment.lengths import tell_of_schedules
from vae_flows.latent_models import Elbo, LinearWarmup


def recipe(rate=1e-3, warmup=0):
    objective = Elbo(kl_weight=LinearWarmup(warmup))
    return types.SimpleNamespace(optimizer=training.Adam(rate), model=types.SimpleNamespace(objective=objective))


def cosine(steps, final=0.0):
    return training.warmed_cosine(1e-3, final=final, warmup=0, steps=steps)


@pytest.mark.parametrize(
    ("rate", "steps"),
    [
        (1e-3, 1000),
        (cosine(1000), 1000),
        (cosine(1000, final=1e-5), 5000),
        (training.halved_every(1e-3, steps=300), 900),
    ],
)
def test_nothing_is_said_of_schedules_that_fit(rate, steps, capsys):
    tell_of_schedules(recipe(rate, warmup=steps), steps)
    assert capsys.readouterr().out == ""


def test_a_learning_rate_that_ends_before_the_run_is_told(capsys):
    tell_of_schedules(recipe(cosine(1000)), 2000)
    said = capsys.readouterr().out
    assert "Warning: the learning rate falls from 0.001 to 0: steps 9" in said and "to 2,000 will teach" in said
    tell_of_schedules(recipe(training.halved_every(1e-3, steps=10)), 2000)
    assert "will teach next to nothing" in capsys.readouterr().out


def test_a_warm_up_that_outlasts_the_run_is_told(capsys):
    tell_of_schedules(recipe(warmup=4000), 400)
    assert "the weight of the KL term ends at 0.1, in the middle of its warm-up" in capsys.readouterr().out


def test_a_model_without_an_objective_has_no_warm_up(capsys):
    exact = recipe()
    exact.model = types.SimpleNamespace()
    tell_of_schedules(exact, 10)
    assert capsys.readouterr().out == ""
