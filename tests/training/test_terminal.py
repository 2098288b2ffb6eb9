import sys

from vae_flows.training import fit, recorded


def test_one_bar_for_the_whole_training_and_lines_in_the_log(new_recipe, data, new_folder, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with recorded(new_folder().log):
        fit(new_recipe(epochs=2), data, new_folder(), seed=3)
    captured = capsys.readouterr()
    states = captured.err.replace("\n", "").split("\r")
    assert captured.err.count("100%") >= 1 and captured.err.count("\n") == 1  # all is drawn over but the end
    assert max(map(len, states)) <= 100
    assert "20/20 steps [" in states[-1] and "-ELBO" in states[-1] and "validation" in states[-1]
    assert captured.out == ""
    lines = new_folder().log.read_text().splitlines()
    assert [line.split(":")[0] for line in lines[:2]] == ["step 10 of 20", "step 20 of 20"]
    assert lines[0].count("-ELBO") == lines[0].count("KL") == lines[0].count("validation") == 1


def test_where_there_is_no_terminal_lines_alone_are_printed(new_recipe, data, new_folder, capsys):
    fit(new_recipe(), data, new_folder(), seed=3, steps=13)
    fit(new_recipe(), data, new_folder(), seed=3, steps=20, resume=True)
    captured = capsys.readouterr()
    lines = [line.split(":")[0] for line in captured.out.splitlines() if line.startswith("step ")]
    assert lines == ["step 10 of 13", "step 13 of 13", "step 20 of 20"]
    assert captured.err == ""
