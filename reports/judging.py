"""One method of estimating log p(x), applied to a finished run and added to its files."""

import numpy as np

from vae_flows.reports.annealing import annealed, bracketed
from vae_flows.reports.diagnostics import annealing_diagnostics, bracket_curve
from vae_flows.reports.evaluation import evaluate, importance
from vae_flows.reports.figure_style import save
from vae_flows.reports.likelihood_table import with_error
from vae_flows.reports.page import write_page
from vae_flows.reports.settings import SETTINGS
from vae_flows.reports.unfinished import unfinished

__all__ = ["judge"]


def judge(run, method, *, at_most=None, **given):
    """Estimate log p(x) by `method`; write it to `results.json`, its diagnostics to `figures/`, both to `report.html`.

    Args:
        run: `FinishedRun` with results.
        method: "importance", "hais" or "bidirectional".
        at_most: No more images than this, whatever the settings say.
        given: Settings that differ from those of the run's `config.json`, and these from `SETTINGS`.

    Returns:
        One line that says what was found.
    """
    settings = {**SETTINGS[method], **_configured(run.config, method), **given}
    if at_most is not None:
        settings["images"] = min(at_most, settings["images"] or at_most)
    results, said = _METHODS[method](run, settings)
    run.folder.write_json("results.json", {**run.results, **results})
    write_page(run.folder)
    return said


def _configured(config, method):
    """What the run's configuration says of a method: its section, and the samples of the training's own evaluation."""
    trained = (
        {"samples": config["importance_samples"]} if method == "importance" and "importance_samples" in config else {}
    )
    return {**trained, **config.get("evaluation", {}).get(method, {})}


def _importance(run, settings):
    with _unfinished(run, "importance", settings) as file:
        test = evaluate(
            *(run.model, run.data.test, run.preparation),
            **{"spec": run.data.spec, "seed": run.seed, "file": file(), "values": run.folder.test_images},
            **settings,
        )
    nll = test["nll"]
    found = with_error(nll["value"], nll["standard_error"])
    return {
        "test": test
    }, f"-log p(x) = {found} nats: {test['images']:,} test images, {nll['samples']:,} importance samples."


def _hais(run, settings):
    parts = (run.model, run.data.test, run.preparation)
    with _unfinished(run, "hais", settings) as file:
        estimate = annealed(*parts, seed=run.seed, file=file(), **settings)
    numbers = estimate.to_dict()
    reference = importance(*parts, samples=run.results["test"]["nll"]["samples"], seed=run.seed, images=estimate.images)
    save(annealing_diagnostics(estimate, reference), run.folder.figures / "hais.png")
    results = {name: numbers[name] for name in ("nll", "standard_error", "images")}
    results |= {"chains": estimate.samples, "temperatures": int(numbers["temperatures"])}
    results |= {name: numbers[name] for name in ("acceptance", "step_size", "seconds")}
    said = f"-log p(x) = {with_error(-estimate.mean, numbers['standard_error'])} nats: {estimate.images:,} test images, HAIS. "
    error = float(np.hypot(estimate.monte_carlo_error, reference.monte_carlo_error))
    results["over_importance"] = {"log_likelihood": estimate.mean - reference.mean, "standard_error": error}
    shift = f"{estimate.mean - reference.mean:+.3f} ± {error:.3f}"
    return {"hais": results}, f"{said}Its log p(x) minus that of importance sampling on the same images: {shift} nats."


def _bidirectional(run, settings):
    with _unfinished(run, "bidirectional", settings) as file:
        brackets, reference = bracketed(run.model, seed=run.seed, file=lambda name: file(f"-{name}"), **settings)
    save(bracket_curve(brackets, reference), run.folder.figures / "bidirectional.png")
    bracket = brackets[max(brackets)]
    curve = [
        {"temperatures": steps, "lower": each.lower.mean, "upper": each.upper.mean} for steps, each in brackets.items()
    ]
    results = {**bracket.to_dict(), **settings, "curve": curve, "importance": reference.mean}
    said = f"{bracket.lower.mean:,.3f} <= log p(x) <= {bracket.upper.mean:,.3f} nats, a gap of {bracket.gap:.3f}"
    said += f", and {reference.mean:,.3f} by importance sampling"
    return {"bidirectional": results}, f"{said}: {bracket.images:,} simulated images, {max(brackets):,} temperatures."


def _unfinished(run, method, settings):
    depends = {name: run.config.get(name) for name in ("dataset", "data_dir", "preparation", "seed")}
    return unfinished(run.folder, method, {**depends, **settings})


_METHODS = {"importance": _importance, "hais": _hais, "bidirectional": _bidirectional}
