"""A preset's keyword arguments, from text and from Python."""

from typing import Literal

import pytest

from vae_flows.experiment.hyperparameters import completed, shown


def preset(
    data,
    *,
    layers=16,
    learning_rate=1e-3,
    flips=False,
    name="plain",
    hidden=(400, 400),
    law: Literal["logistic", "mixture"] = "mixture",
    clip=None,
):
    """Anything"""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("layers=32", 32),
        ("learning_rate=1e-4", 1e-4),
        ("learning_rate=1", 1.0),
        ("flips=true", True),
        ("flips=False", False),
        ("name=12", "12"),
        ("name=true", "true"),
        ("hidden=500", (500,)),
        ("hidden=500,400,300", (500, 400, 300)),
        ("hidden=(64, 32)", (64, 32)),
        ("hidden=()", ()),
        ("law=logistic", "logistic"),
        ("clip=none", None),
        ("clip=0.5", 0.5),
    ],
)
def test_text_is_read_as_the_default_s_kind(text, value):
    name, _, said = text.partition("=")
    found = completed(preset, {name: said})
    assert found == {**completed(preset, {}), name: value}
    assert type(found[name]) is type(value)
    assert completed(preset, {name: value}) == found


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"layer": 3},
            "preset has no such hyperparameter. Expected some of: layers, .* Received: layer. Did you mean layers",
        ),
        (
            {"layers": "many"},
            "`layers` of preset is of the wrong kind. Expected an integer, as 16 is. Received: layers=many",
        ),
        ({"layers": "3.0"}, "Expected an integer.*layers=3.0"),
        ({"layers": "true"}, "Expected an integer.*layers=true"),
        ({"learning_rate": "fast"}, "Expected a number, as 0.001 is. Received: learning_rate=fast"),
        ({"learning_rate": float("nan")}, "Expected a number"),
        ({"learning_rate": "none"}, "Expected a number.*learning_rate=none"),
        ({"flips": "1"}, "Expected true or false.*flips=1"),
        ({"name": 3}, "Expected a word"),
        ({"hidden": "4,x"}, "Expected integers and commas, as 400,400 is. Received: hidden=4,x"),
        ({"hidden": (4.5,)}, "Received: hidden=4.5"),
        ({"law": "mixtur"}, "Expected one of: logistic, mixture. Received: law=mixtur. Did you mean mixture"),
    ],
)
def test_what_is_unknown_or_of_another_kind_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        completed(preset, given)


def test_an_argument_without_a_default_is_no_hyperparameter():
    with pytest.raises(ValueError, match="width without one"):
        completed(lambda data, width: None, {})


def test_they_are_shown_as_they_are_written():
    assert shown(preset)[4:] == ["hidden=400,400", "law=mixture  (of logistic, mixture)", "clip=none"]
    assert shown(preset)[2] == "flips=false"
