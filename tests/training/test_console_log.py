import sys
import time

import keras
import pytest

from vae_flows.training import recorded


class Terminal:
    """A stream that says it is a terminal."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text
        return len(text)

    def isatty(self):
        return True

    def flush(self):
        pass


def test_what_is_printed_goes_to_both(tmp_path, capsys):
    with recorded(tmp_path / "log.txt"):
        print("one")
        print("two", file=sys.stderr)
        print("no end", end="")
    print("after")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("one\nno endafter\n", "two\n")
    assert (tmp_path / "log.txt").read_text() == "one\ntwo\nno end\n"


def test_a_second_run_adds(tmp_path):
    for word in ("first", "second"):
        with recorded(tmp_path / "log.txt"):
            print(word)
    assert (tmp_path / "log.txt").read_text() == "first\nsecond\n"


def test_a_line_is_in_the_file_as_soon_as_it_ends(tmp_path):
    with recorded(tmp_path / "log.txt"):
        print("safe")
        assert (tmp_path / "log.txt").read_text() == "safe\n"


def test_streams_are_given_back_after_an_error(tmp_path):
    before = sys.stdout, sys.stderr
    with pytest.raises(KeyError), recorded(tmp_path / "log.txt"):
        print("then")
        raise KeyError
    assert (sys.stdout, sys.stderr) == before
    assert (tmp_path / "log.txt").read_text() == "then\n"


def test_of_keras_s_progress_bar_the_last_state_is_kept(tmp_path, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    with recorded(tmp_path / "log.txt"):
        print("Epoch 1/1")
        bar = keras.utils.Progbar(20, interval=0.0)
        for step in range(1, 21):
            bar.update(step, [("loss", float(step))], finalize=step == 20)
            time.sleep(0.001)
    assert terminal.text.count("\r") == 20
    lines = (tmp_path / "log.txt").read_text().splitlines()
    assert lines[0] == "Epoch 1/1"
    assert len(lines) == 2
    assert lines[1].startswith("20/20 ")
    assert not set("\r\b\x1b") & set(lines[1])
