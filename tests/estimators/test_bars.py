"""Progress where there is a terminal and where there is none."""

import io
import sys

import pytest
import tqdm

from vae_flows.estimators import bars
from vae_flows.estimators.bars import Bar


@pytest.fixture
def clock(monkeypatch):
    """Seconds that a test sets."""
    now = [0.0]
    monkeypatch.setattr(bars.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(tqdm.std, "time", lambda: now[0])
    return now


def counted(clock, seconds, *, images=1200):
    """Counts `images`, each of which takes some seconds."""
    with Bar("HAIS", total=images) as bar:
        for _ in range(images):
            clock[0] += seconds
            bar.update()


def test_without_a_terminal_there_is_a_line_a_minute(clock, capsys):
    counted(clock, 0.25)
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [
        "HAIS: 240 of 1,200 images, 01:00 so far, 04:00 left",
        "HAIS: 480 of 1,200 images, 02:00 so far, 03:00 left",
        "HAIS: 720 of 1,200 images, 03:00 so far, 02:00 left",
        "HAIS: 960 of 1,200 images, 04:00 so far, 01:00 left",
        "HAIS: 1,200 of 1,200 images, 05:00 so far, 00:00 left",
    ]
    assert captured.err == ""


def test_what_takes_less_than_a_minute_says_nothing(clock, capsys):
    counted(clock, 0.04)
    assert capsys.readouterr() == ("", "")


def test_in_a_terminal_there_is_a_bar_and_no_line(clock, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    counted(clock, 0.25)
    captured = capsys.readouterr()
    assert captured.out == "" and "1200/1200 images [" in captured.err


def test_lines_hold_what_stands_beside_the_bar_and_an_unknown_total(clock, monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    with Bar("training", total=None, unit="steps") as bar:
        bar.set_postfix_str("-ELBO 97.10", refresh=False)
        clock[0] += 61.0
        bar.update(3)
    assert sys.stdout.getvalue() == "training: 3 steps, 01:01 so far, -ELBO 97.10\n"
