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


def sizes(data, *, latent=20, hidden=(400, 400), groups=(5, 10), warmup=5, offset=0, batch=128, learning_rate=1e-3):
    """Numbers with bounds"""


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            "latent=0",
            "`latent` of sizes is out of range. Expected an integer of at least 1, as 20 is. Received: latent=0.",
        ),
        ("hidden=-4", "`hidden` of .* Expected integers of at least 1, as 400,400 is. Received: hidden=-4."),
        ("hidden=8,0", "Expected integers of at least 1, .*hidden=8,0"),
        ("groups=5,-1", "`groups` .* integers of at least 0, .*groups=5,-1"),
        ("warmup=-1", "`warmup` .* an integer of at least 0, as 5 is. Received: warmup=-1"),
        ("batch=0", "`batch` .* at least 1, .*batch=0"),
        ("learning_rate=0", "`learning_rate` of sizes .* Expected a finite number above 0, as 0.001 is. .*=0.0"),
        ("learning_rate=-1", "`learning_rate` .*above 0, .*learning_rate=-1.0"),
        ("learning_rate=inf", "`learning_rate` .*Expected a number"),
    ],
)
def test_what_no_preset_can_use_is_refused_by_its_name(given, message):
    name, _, value = given.partition("=")
    with pytest.raises(ValueError, match=message):
        completed(sizes, {name: value})


def test_what_some_preset_can_use_is_left_to_it():
    given = {"groups": (0, 3), "warmup": 0, "offset": -1}
    assert completed(sizes, given) == {**completed(sizes, {}), **given}


def test_an_argument_without_a_default_is_no_hyperparameter():
    with pytest.raises(ValueError, match="width without one"):
        completed(lambda data, width: None, {})


def test_they_are_shown_as_they_are_written():
    assert shown(preset)[4:] == ["hidden=400,400", "law=mixture  (of logistic, mixture)", "clip=none"]
    assert shown(preset)[2] == "flips=false"
