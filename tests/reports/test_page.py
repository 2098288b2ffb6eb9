import base64
import html.parser
import pathlib
import re

from vae_flows.reports.judging import _said
from vae_flows.reports.likelihood_table import headline, likelihood_tables
from vae_flows.reports.page import render, run_page, write_page

VOID = {"meta", "img", "br", "link", "hr", "input"}


class Page(html.parser.HTMLParser):
    """Collects what a page shows, and refuses tags that do not close in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], [], [], []
        self.feed(text)
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def test_the_page_needs_nothing_beside_it(make_run):
    folder = make_run("run")
    write_page(folder)
    text = folder.report.read_text()
    page = Page(text)
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert "prefers-color-scheme: dark" in text
    assert "http" not in text and "@import" not in text and "url(" not in text
    (source,) = [value for name, value in page.attributes if name in ("src", "href", "srcset", "data")]
    kind, data = source.split(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(data) == (folder.figures / "samples.png").read_bytes()
    assert ("lang", "en") in page.attributes
    assert [name for name, _ in page.attributes if name == "alt"] == ["alt"]


def test_the_page_shows_the_results_and_the_configuration(make_run):
    folder = make_run("run")
    write_page(folder)
    text = Page(folder.report.read_text()).text
    for expected in (
        *(
            "quickstart on digits",
            "108.32 ± 1.21 nats",
            "112.90 ± 1.34 nats",
            "25.10",
            "87.80",
            "113.20",
            "1,234,567",
            "2,043",
        ),
        *(
            "too large, or unknown, for 451 of 500 images: their NLL by importance sampling is too high",
            "500 test images, 1,000 samples each, effective sample size 42.1",
            "data_dir none",
            "preparation",
            "seed 3",
        ),
    ):
        assert expected in text, expected
    assert "<script>alert(1)</script>" in text  # shown, not run


def test_the_page_names_the_hyperparameters_and_writes_short_times_and_large_errors_readably(results):
    results["training"]["seconds"], results["test"]["nll"]["standard_error"] = 2.6, 1080.632
    results["test"] |= {"bits_per_dim": 7.9, "bits_per_dim_standard_error": 0.021}
    config = {"hyperparameters": {"model": "iwae", "hidden": [500, 500]}}
    text = Page(run_page(results, config, figures=pathlib.Path("none"))).text
    assert "1,234,567 weights. model=iwae hidden=500,500" in text
    assert "training 3 seconds" in text and "± 1,080.63 nats" in text
    assert "bits per dimension 7.900 ± 0.021, too high: see below" in text


def test_hais_bidirectional_and_bits_have_their_places(results):
    plain = likelihood_tables(results)
    results["test"]["bits_per_dim"] = 3.123456
    results["hais"] = {
        **{"nll": 107.9, "standard_error": 2.3, "images": 100, "chains": 16, "temperatures": 1000},
        **{"acceptance": 0.652, "step_size": 0.1234, "seconds": 230.4},
    }
    results["bidirectional"] = {"lower": -98.32, "upper": -97.91, "gap": 0.41, "gap_standard_error": 0.236}
    groups = {"kl": [3.0, 4.5], "active_units": [1, 2]}
    results["latents"] = {"images": 50, "features": 4, "active_units": 3, "groups": groups}
    likelihood, grouped, bracket = likelihood_tables(results)
    assert len(likelihood.rows) == len(plain[0].rows) + 3
    shown = {row[0]: row[1:] for row in likelihood.rows}
    assert shown["active latent features"][2].endswith("first 50 test images")
    assert grouped.rows[1] == ("2", "4.50", "2") and grouped.note == "Of the first 50 test images."
    assert shown["bits per dimension"][:2] == ("3.123", "")
    how = "100 images, 16 chains, 1,000 temperatures, acceptance 65%, step size 0.123, 230 s"
    assert shown["NLL of the first 100 alone, HAIS"] == ("107.90", "2.30", how)
    assert bracket.rows == (
        ("NLL, lower bound", "97.910", ""),
        ("NLL, upper bound", "98.320", ""),
        ("gap", "0.410", "0.24"),
    )
    assert "wide" not in bracket.note
    results["bidirectional"] |= {"gap": 1.6, "gap_standard_error": 0.25}
    assert "The gap is wide" in likelihood_tables(results)[-1].note


def test_a_single_chain_has_no_halves_and_a_single_image_no_spread(results):
    results["hais"] = {
        **{"nll": 107.9, "standard_error": None, "images": 1, "chains": 1, "temperatures": 100, "unreliable_images": 1},
        **{"acceptance": 0.652, "step_size": 0.1234, "seconds": 1.0, "effective_chains": 1.0, "half_gain": None},
        "over_importance": {"log_likelihood": 0.3, "standard_error": None},
    }
    (table,) = likelihood_tables(results)
    assert "for 1 of 1 annealed images: their NLL is too high by an unknown amount, too." in table.note
    assert table.rows[1][:3] == ("HAIS minus importance sampling", "-0.30", "?")
    assert (
        _said(results) == "HAIS, first 1 images: NLL 0.30 ± ? below importance sampling's; 1.0 of 1 chains effective."
    )


def test_the_figure_to_believe(results):
    few = {"nll": 112.1, "standard_error": 5.5, "images": 20, "chains": 8, "temperatures": 100, "unreliable_images": 0}
    few["over_importance"] = {"log_likelihood": 0.732, "standard_error": 0.201}
    images = ": 500 test images, 1,000 samples each."
    assert headline(results) == f"NLL 108.32 ± 1.21 nats, too high by an unknown amount{images}"
    results["hais"] = few  # a shift between the same images, not a mean of others
    assert headline(results) == f"NLL 108.32 ± 1.21 nats, too high by 0.73 ± 0.20 (HAIS){images}"
    results["hais"] = {**few, "unreliable_images": 3}
    assert headline(results) == f"NLL 108.32 ± 1.21 nats, too high by 0.73 ± 0.20 or more (HAIS){images}"
    results["hais"] = {
        **few,
        "unreliable_images": 3,
        "over_importance": {"log_likelihood": -5.55, "standard_error": 0.89},
    }
    assert headline(results) == f"NLL 108.32 ± 1.21 nats, too high by an unknown amount{images}"
    results["hais"] = {**few, "nll": 107.6, "standard_error": 1.2, "images": 500}
    assert headline(results) == "NLL 107.60 ± 1.20 nats: 500 test images, HAIS, 8 chains, 100 temperatures."
    results["test"]["nll"]["unreliable_images"] = 0
    assert headline(results) == f"NLL 108.32 ± 1.21 nats{images}"


def test_templates_escape_and_refuse_what_is_missing():
    values = {"title": "<b>&", "lead": "", "head": [], "rows": [], "notes": ["<i>"], "figures": []}
    text = render("comparison.html.j2", **values)
    assert "&lt;b&gt;&amp;" in text and "<i>" not in text
    assert not re.search(r"{[{%]", text)
