import pytest

from vae_flows.reports.comparison import compare


def best(comparison):
    """{run name: headings of its bold entries}."""
    headings = ["run", *(column.heading for column in comparison.columns)]
    marked = ([h for h, cell in zip(headings, row, strict=True) if cell.best] for row in comparison.rows)
    return dict(zip([row[0].text.rsplit("/", 1)[-1] for row in comparison.rows], marked, strict=True))


def test_sorted_by_likelihood_and_the_best_in_bold(make_run):
    paths = [make_run(name, nll=nll).path for name, nll in (("fair", 90.0), ("good", 80.0), ("poor", 1000.0))]
    comparison = compare(paths)
    assert [row[0].text for row in comparison.rows] == [str(paths[1]), str(paths[0]), str(paths[2])]
    marked = best(comparison)
    assert "-log p(x)" in marked["good"]
    assert all("-log p(x)" not in marked[name] for name in ("fair", "poor"))
    text = comparison.text(emphasise=lambda entry: f"[{entry}]")
    assert "80.00*]" in text and "90.00*" not in text
    page = comparison.page()
    assert "<strong>80.00</strong>" in page and "<strong>90.00</strong>" not in page
    assert page.count("data:image/png") == 3 and "http" not in page


def test_columns_line_up(make_run):
    lines = compare([make_run("a", nll=9.5).path, make_run("longer", nll=1234.5).path]).text().splitlines()
    ends = {lines[0].index("-log p(x)") + len("-log p(x)"), lines[1].index("9.50*") + 4, lines[2].index("1,234.50") + 8}
    assert len(ends) == 1


def test_columns_without_a_value_are_left_out(make_run):
    plain = compare([make_run("a").path])
    assert "HAIS" not in [column.heading for column in plain.columns]
    hais = {"nll": 88.0}
    mixed = compare([make_run("b", hais=hais).path, make_run("c", nll=5.0).path])
    assert "HAIS" in [column.heading for column in mixed.columns]
    assert "HAIS" in best(mixed)["b"]
    assert "-" in [cell.text for cell in mixed.rows[0]]


def test_one_run_alone_is_not_the_best(make_run):
    assert best(compare([make_run("a").path])) == {"a": []}


def test_different_data_sets_have_their_own_best(make_run):
    paths = [
        make_run("a", nll=80.0).path,
        make_run("b", nll=90.0).path,
        make_run("c", nll=200.0, dataset="fashion").path,
    ]
    comparison = compare(paths)
    assert [name for name, marked in best(comparison).items() if "-log p(x)" in marked] == ["a", "c"]
    assert any("different data sets" in note for note in comparison.notes)


def test_runs_without_results_are_named(make_run):
    comparison = compare([make_run("a").path, make_run("young", results=False).path])
    assert len(comparison.rows) == 1
    assert comparison.lacking[0].endswith("young")
    assert "young" in comparison.text() and "young" in comparison.page()
    with pytest.raises(ValueError, match="None of these runs has results.*young"):
        compare([comparison.lacking[0]])


def test_the_same_run_twice_is_one(make_run):
    path = make_run("a").path
    assert len(compare([path, path]).rows) == 1


def test_folders_that_are_no_runs_are_refused_by_name(make_run, tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        compare([make_run("a").path, tmp_path / "absent"])
    broken = make_run("broken")
    broken.results.write_text('{"test": ')
    with pytest.raises(ValueError, match="broken/results.json"):
        compare([broken.path])
    broken.results.write_text('{"test": {}}')
    with pytest.raises(ValueError, match="broken/results.json is not complete"):
        compare([broken.path])
    broken.config.write_text("{")
    with pytest.raises(ValueError, match="broken/config.json"):
        compare([broken.path])
