"""One method of estimating log p(x), applied to a run and added to its files."""

import numpy as np

from vae_flows.reports.annealing import annealed, bracketed, gain, set_against_importance
from vae_flows.reports.diagnostics import annealing_diagnostics, bracket_curve
from vae_flows.reports.evaluation import bits_per_dim, elbo_terms, exact_log_prob, importance, standard_error
from vae_flows.reports.figure_style import save
from vae_flows.reports.history import write_metrics
from vae_flows.reports.likelihood_table import bracket_line, headline, with_error
from vae_flows.reports.page import write_page
from vae_flows.reports.settings import SETTINGS, check_method
from vae_flows.run_folder.atomic import write_json
from vae_flows.run_folder.locks import results_lock

__all__ = ["checked_method", "judge"]

_IMAGES = ("dataset", "data_dir", "preparation", "seed")  # what of config.json the images and all noise depend on
_LARGER = "The smaller result that was there is kept under `further` in results.json."
_SMALLER = "The larger result that was there stays in front."
_DRAWS = 16  # posterior samples per test image for the ELBO, which cost little beside those for the likelihood


def judge(run, method=None, *, at_most=None, facts=None, tidy=True, **given):
    """Find log p(x) by `method`; write it to `results.json`, its diagnostics to `figures/`, both to `report.html`.

    Results of the same weights that are there already stay; what was found before with the same settings is not computed
    again. Of two by the same method that of more images, or of more samples, stands in front, and the other under `further`.

    Args:
        run: `FinishedRun`.
        method: "exact", "importance", "hais" or "bidirectional"; None for the first of them that the model allows.
        at_most: No more images than this, whatever the settings say.
        facts: What else `results.json` is to hold.
        tidy: Whether what was kept of unfinished estimates is removed.
        given: Settings that differ from those of the run's `config.json`, and these from `SETTINGS`.

    Returns:
        One line that says what was found.

    Raises:
        ValueError: if the method is not one for the run's model.
        OSError: if the results are of other weights, or cannot be written.
    """
    method = checked_method(run, method, anew=facts is not None)
    settings = {**SETTINGS[method], **run.config.get("evaluation", {}).get(method, {}), **given}
    if at_most is not None:
        settings["images"] = min(at_most, settings["images"] or at_most)
    asked = _asked(run, method, settings)
    found, write_beside = _found_before(run, method, asked) or _METHODS[method](run, settings)
    with results_lock(run.folder.path):
        checked_method(run, method, anew=facts is not None)  # a training may have ended meanwhile
        results, aside = _merged(run, {**(facts or {}), **found})
        if not aside.startswith(_SMALLER):
            results["settings"] = {**results.get("settings", {}), method: asked}
            write_beside()
        results |= set_against_importance(results, run.kept_values())
        _drop_figures(run, results)
        write_json(run.folder.results, results)
        write_metrics(run.folder.tensorboard, results)
        write_page(run.folder)
        if tidy:
            run.unfinished.tidy()
    return f"{_said(found)} {aside}".rstrip()


def checked_method(run, method=None, *, anew=False):
    """The method by which a run is to be judged, refused before anything is computed.

    Args:
        run: `FinishedRun`.
        method: As in `judge`.
        anew: Whether the results that are there are to be replaced as a whole.

    Raises:
        ValueError: if the method is not one for the run's model.
        OSError: if the results are of other weights, or none can be written.
    """
    method = check_method(method, exact=run.subject.exact)
    with results_lock(run.folder.path):  # which needs a place to write, too
        if not anew:
            run.checked_results()
    return method


def _asked(run, method, settings):
    """All that the result of a method depends on beside the weights."""
    return {**{name: run.config.get(name) for name in _IMAGES}, **settings}


def _there(run, *, tell=False):
    """The results that are there, if they can be read and are of these weights."""
    try:
        there = run.results
    except FileNotFoundError:
        return {}
    except ValueError as error:  # only where all is judged anew: `checked_method` reads them, too
        if tell:
            print(f"Warning: {error} It is written anew.", flush=True)
        return {}
    return there if there.get("model") == run.subject.mark else {}


def _found_before(run, method, asked):
    """What is there of these weights, asked for alike, with nothing to write beside it; None if it is not whole."""
    there, (of, beside) = _there(run), _FILES[method]
    if there.get("settings", {}).get(method) != asked:
        return None
    if not there.get(of) or not (run.folder.path / beside).is_file():
        return None
    print(f"Log-likelihood by {method}: found before with the same settings, and not computed again.", flush=True)
    return {of: there[of]}, lambda: None


def _merged(run, found):
    """All results of the run's weights, and in words which of two by one method went aside, if there were two."""
    there, said = _there(run, tell=True), ""
    results = {"hais": None, "bidirectional": None, **there, **found, "model": run.subject.mark}
    for name in ("test", "hais", "bidirectional"):
        before, now = there.get(name), found.get(name)
        if not before or not now or _size(before) == _size(now):
            continue
        said, results[name], aside = (_LARGER, now, before) if _size(before) < _size(now) else (_SMALLER, before, now)
        further = there.get("further", [])
        results["further"] = further if {name: aside} in further else [*further, {name: aside}]
    return results, said


def _drop_figures(run, results):
    """Removes the figures of what is no longer among the results: they were of other weights."""
    for name in ("hais", "bidirectional"):
        if not results[name]:
            (run.folder.path / _FILES[name][1]).unlink(missing_ok=True)


def _size(result):
    """What tells the better of two results by one method: images, then samples."""
    effort = result.get("nll") if isinstance(result.get("nll"), dict) else result
    return result["images"], (effort.get("samples") or 1) * effort.get("chains", 1) * effort.get("temperatures", 1)


def _exact(run, settings):
    subject = run.subject
    nll = -exact_log_prob(subject, settings["images"])
    value, error = float(nll.mean()), standard_error(nll)
    parts = dict.fromkeys(("neg_elbo", "neg_elbo_standard_error", "kl", "neg_log_likelihood_given_z"))
    found = {"method": "exact", "value": value, "standard_error": error, "samples": None, "effective_sample_size": None}
    test = {"images": len(nll), **parts, "nll": found, **_bits(subject, found)}
    return {"test": test}, lambda: run.keep_values(nll=nll, nll_error=np.zeros_like(nll))


def _importance(run, settings):
    """The bound with its parts, and log p(x) by importance sampling.

    `nll["value"]` is minus the mean over images of the log of the mean weight. `nll["standard_error"]` is that of this mean
    over images *and* Monte-Carlo noise, std(values) / sqrt(images): each image's value carries its own noise, so their
    spread holds both. `neg_elbo_standard_error` is of the same kind. `unreliable_images` counts those of which neither value
    nor error holds (`Estimate.unreliable`).
    """
    subject, images, samples = run.subject, settings["images"], settings["samples"]
    terms = elbo_terms(subject, images, draws=min(samples, _DRAWS))
    estimate = importance(subject, images, samples=samples, kept=_unfinished(run, "importance", settings)())
    nll = {
        "method": "importance",
        "value": -estimate.mean,
        "standard_error": estimate.to_dict()["standard_error"],
        "samples": estimate.samples,
        "effective_sample_size": float(np.mean(estimate.effective_sample_size)),
        "unreliable_images": int(np.sum(estimate.unreliable)),
        "untrained_prior": not subject.model.trains_prior,
    }
    bound = {name: float(each.mean()) for name, each in terms.items()}
    bound["neg_elbo_standard_error"] = standard_error(terms["neg_elbo"])
    test = {"images": estimate.images, **bound, "nll": nll, **_bits(subject, nll)}
    values = {"neg_elbo": terms["neg_elbo"], "nll": -estimate.values, "nll_error": estimate.errors}
    return {"test": test}, lambda: run.keep_values(**values)


def _hais(run, settings):
    """Annealed estimates, and what they are above importance sampling's of the same images (`over_importance`).

    The error of that difference is std(differences) / sqrt(images): these images speak for all, and the noise of flagged
    weights cannot be told. Each estimate is too low on average by an amount of its own, which no error tells.
    """
    estimate = annealed(run.subject, kept=_unfinished(run, "hais", settings)(), **settings)
    numbers = estimate.to_dict()
    reference = importance(run.subject, estimate.images, samples=run.results["test"]["nll"]["samples"])
    results = {name: numbers[name] for name in ("nll", "standard_error", "images")}
    results |= {"chains": estimate.samples, "temperatures": int(numbers["temperatures"])}
    results |= {name: numbers[name] for name in ("acceptance", "step_size", "seconds")}
    results["effective_chains"] = numbers["effective_sample_size"]
    results["unreliable_images"] = int(np.sum(estimate.unreliable))
    results["half_gain"] = None if estimate.half_gains is None else float(np.mean(estimate.half_gains))
    results["over_importance"] = gain(estimate.values - reference.values, reference.samples)
    figure, nll = annealing_diagnostics(estimate, reference), -estimate.values
    return {"hais": results}, lambda: (save(figure, run.folder.figures / "hais.png"), run.keep_values(hais=nll))


def _bidirectional(run, settings):
    kept = _unfinished(run, "bidirectional", settings)
    brackets, reference = bracketed(run.subject, kept=lambda part: kept(f"-{part}"), **settings)
    bracket = brackets[max(brackets)]
    curve = [
        {"temperatures": steps, "lower": each.lower.mean, "upper": each.upper.mean} for steps, each in brackets.items()
    ]
    results = {**bracket.to_dict(), **settings, "curve": curve, "importance": reference.mean}
    figure = bracket_curve(brackets, reference)
    return {"bidirectional": results}, lambda: save(figure, run.folder.figures / "bidirectional.png")


def _said(found):
    """One line of what one method has found."""
    if hais := found.get("hais"):
        over, chains = hais["over_importance"], hais["effective_chains"]
        side = "below" if over["log_likelihood"] >= 0.0 else "above"
        gain = with_error(abs(over["log_likelihood"]), over["standard_error"])
        said = f"HAIS, first {hais['images']:,} images: NLL {gain} {side} importance sampling's; "
        return f"{said}{chains:.1f} of {hais['chains']} chains effective."
    if bracket := found.get("bidirectional"):
        return bracket_line(bracket)
    return headline({"test": found["test"], "hais": None})


def _unfinished(run, method, settings):
    depends = {name: run.config.get(name) for name in _IMAGES}
    return run.unfinished.files(method, {**depends, **settings})


def _bits(subject, nll):
    about = {"spec": subject.data.spec, "preparation": subject.preparation}
    return bits_per_dim(nll["value"], nll["standard_error"], **about)


_FILES = {  # where a method's result stands in results.json, and what is written beside it
    "exact": ("test", "test_images.npz"),
    "importance": ("test", "test_images.npz"),
    "hais": ("hais", "figures/hais.png"),
    "bidirectional": ("bidirectional", "figures/bidirectional.png"),
}
_METHODS = {"exact": _exact, "importance": _importance, "hais": _hais, "bidirectional": _bidirectional}
