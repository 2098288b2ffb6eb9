"""What is seen of sets that are gathered into files."""

import io
import sys

import numpy as np
import pytest

from vae_flows.image_data.collect import collect


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def gather(cache=None, *, count=7):
    blocks = ((np.full([size, 1, 1, 1], size, np.uint8), None) for size in (4, 3))
    return collect(blocks, rows=[np.arange(count - 2), np.arange(count - 2, count)], shape=(1, 1, 1), cache=cache)


def test_a_terminal_shows_how_many_images_are_written(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    gather(tmp_path / "set")
    text = sys.stderr.getvalue()
    assert "0/7 images" in text and "7/7 images" in text
    gather(tmp_path / "set")  # reads what is there
    assert sys.stderr.getvalue() == text


def test_nothing_is_shown_elsewhere_or_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    gather(tmp_path / "set")
    assert sys.stderr.getvalue() == ""
    monkeypatch.setattr(sys, "stderr", Terminal())
    gather()
    assert sys.stderr.getvalue() == ""


@pytest.mark.parametrize("count", [6, 8])
def test_a_source_of_another_number_of_images_is_refused_and_leaves_nothing(tmp_path, count):
    with pytest.raises(ValueError, match=rf"Expected {count} images\. Received: 7"):
        gather(tmp_path / "set", count=count)
    assert not list(tmp_path.iterdir())
