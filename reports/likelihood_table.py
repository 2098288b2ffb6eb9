"""The figures of a run as tables for a page."""

import dataclasses

__all__ = ["Table", "bits_with_error", "bracket_line", "headline", "likelihood_tables", "training_table", "with_error"]

_WIDE = 1.0  # nats of a bracket


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows of text under headings; the columns in `numeric` are set flush right."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[int, ...] = ()
    note: str = ""


def with_error(value, error, *, sign="-"):
    """A value and its standard error (None if it is not known), to two decimals; `sign="+"` shows that of either kind.

    Example:
        >>> with_error(84.318, 0.254)
        '84.32 ± 0.25'
    """
    return f"{value:{sign},.2f} ± {_decimals(error)}"


def bits_with_error(test):
    """Bits per dimension and their standard error, as words to three decimals; "" where the error is not known.

    Example:
        >>> bits_with_error({"bits_per_dim": 4.0242, "bits_per_dim_standard_error": 0.0331})
        ('4.024', '0.033')
    """
    error = test.get("bits_per_dim_standard_error")
    return f"{test['bits_per_dim']:.3f}", "" if error is None else f"{error:.3f}"


def bracket_line(bracket):
    """One line of what bidirectional Monte Carlo has found."""
    gap = with_error(bracket["gap"], bracket["gap_standard_error"])
    bounds = f"NLL {-bracket['upper']:,.3f} backward, {-bracket['lower']:,.3f} forward, gap {gap}"
    effort = f"{bracket['images']:,} images, {bracket['temperatures']:,} temperatures"
    return f"Simulated images: {bounds}; importance sampling {-bracket['importance']:,.3f} ({effort}).{_wide(bracket)}"


def headline(results):
    """The figure of `results` to believe, in one line: with what annealing says of an importance estimate that is flagged."""
    test, nll, hais = results["test"], results["test"]["nll"], results["hais"] or {}
    images, flagged, unsure = test["images"], nll.get("unreliable_images"), hais.get("unreliable_images")
    how = "exact" if nll["method"] == "exact" else f"{nll['samples']:,} samples each"
    if flagged and not unsure and hais.get("images") == images:
        nll, flagged = {"value": hais["nll"], "standard_error": hais["standard_error"]}, 0
        how = f"HAIS, {hais['chains']:,} chains, {hais['temperatures']:,} temperatures"
    told = f"NLL {with_error(nll['value'], nll['standard_error'])} nats"
    if nll.get("untrained_prior"):
        told += " of an untrained prior, which say nothing"
    elif flagged:
        gain, amount = hais.get("over_importance"), "an unknown amount"
        if gain and gain["log_likelihood"] > 0.0:  # chains that find less than importance sampling tell nothing
            gained = with_error(gain["log_likelihood"], gain["standard_error"])
            amount = f"{gained}{' or more' * bool(unsure)} (HAIS)"
        told += f", too high by {amount}"
    told = f"{told}: {images:,} test images, {how}."
    if restored := results.get("restoration"):  # what the run was trained for
        mse, corrupted = restored["mse"], restored["corrupted_mse"]
        worse = ", which is no better" if mse >= corrupted else ""
        told = f"Mean squared error {mse:.5f} restored, {corrupted:.5f} corrupted{worse}. {told}"
    return told


def likelihood_tables(results):
    """The likelihoods in `results`, the contents of `results.json`, as tables."""
    test, nll = results["test"], results["test"]["nll"]
    images = f"{test['images']:,} test images"
    rows = [_nll_row(nll, images)]
    if results["hais"]:
        rows += _hais_rows(results["hais"], test["images"])
    if test["neg_elbo"] is not None:
        rows += [
            ("negative ELBO", f"{test['neg_elbo']:,.2f}", _decimals(test.get("neg_elbo_standard_error")), images),
            ("KL to the prior", f"{test['kl']:,.2f}", "", images),
            ("-log p(x|z)", f"{test['neg_log_likelihood_given_z']:,.2f}", "", images),
        ]
    for name, value in results["validation"].items():
        called = {"neg_elbo": "negative ELBO", "nll": "NLL"}.get(name, name)
        rows.append((f"{called}, validation", f"{value:,.2f}", "", "all validation images"))
    if test["bits_per_dim"] is not None:
        rows.insert(1, ("bits per dimension", *bits_with_error(test), images))
    if results.get("latents"):
        use = results["latents"]
        rows.append(
            (
                "active latent features",
                f"{use['active_units']:,} of {use['features']:,}",
                "",
                f"variance of the posterior mean above 0.01, {_seen(use)}",
            )
        )
    headings = ("quantity", "value", "standard error", "how")
    note = _note(nll, test["images"], results["hais"])
    if results.get("restoration"):
        note += " All are of clean images, though the encoder has learned on corrupted ones."
    tables = [Table("Likelihood", headings, tuple(rows), (1, 2), note)]
    if (results.get("latents") or {}).get("groups"):
        tables.append(_group_table(results["latents"]))
    if results.get("restoration"):
        tables.append(_restoration_table(results["restoration"], results.get("features")))
    if results["bidirectional"]:
        tables.append(_bracket_table(results["bidirectional"]))
    return tables


def training_table(results):
    """What the training took."""
    facts = (
        ("weights", f"{results['parameters']:,}"),
        ("optimizer steps", f"{results['steps']:,}"),
        ("seconds", f"{results['training']['seconds']:,.1f}"),
        ("images per second", f"{results['training']['images_per_second']:,.0f}"),
    )
    return Table("Training", ("quantity", "value"), facts, (1,))


def _note(nll, images, hais):
    note = "In nats per image unless the name says otherwise; NLL is -log p(x): lower is better."
    heavy = nll.get("unreliable_images")
    if nll.get("untrained_prior"):
        note += " The prior was not trained, so these figures say nothing of the model as an autoencoder."
    elif heavy:
        note += f" Pareto's k is too large, or unknown, for {heavy:,} of {images:,} images: their NLL by importance"
        note += " sampling is too high by an unknown amount, which annealing can tell."
    few = (hais or {}).get("unreliable_images")
    if few:
        note += f" Chains have very unequal weights for {few:,} of {hais['images']:,} annealed images: their NLL is"
        note += " too high by an unknown amount, too"
        note += "." if hais["half_gain"] is None else f"; half the chains would say {hais['half_gain']:,.2f} nats more."
    return note


def _nll_row(nll, images):
    value, error = f"{nll['value']:,.2f}", _decimals(nll["standard_error"])
    if nll["method"] == "exact":
        return ("NLL, exact", value, error, images)
    size = f"effective sample size {nll['effective_sample_size']:,.1f}"
    return ("NLL, importance sampling", value, error, f"{images}, {nll['samples']:,} samples each, {size}")


def _hais_rows(hais, images):
    """The mean of fewer images than all is told after what they say of all: their difference from importance sampling."""
    how = f"{hais['images']:,} images, {hais['chains']:,} chains"
    how += f" ({hais['effective_chains']:.1f} effective)" if "effective_chains" in hais else ""
    how += f", {hais['temperatures']:,} temperatures"
    how += f", acceptance {hais['acceptance']:.0%}, step size {hais['step_size']:.3g}, {hais['seconds']:,.0f} s"
    name = "NLL, HAIS" if hais["images"] >= images else f"NLL of the first {hais['images']:,} alone, HAIS"
    rows = [(name, f"{hais['nll']:,.2f}", _decimals(hais["standard_error"]), how)]
    if "over_importance" in hais:
        gain = hais["over_importance"]
        figures = (f"{-gain['log_likelihood']:+,.2f}", _decimals(gain["standard_error"]))
        how = f"NLL of the same {gain.get('images', hais['images']):,} images"
        how += f", {gain['samples']:,} samples each" if "samples" in gain else ""
        rows.insert(0, ("HAIS minus importance sampling", *figures, how))
    return rows


def _seen(latents):
    return f"first {latents['images']:,} test images" if "images" in latents else "test images"


def _group_table(latents):
    groups = latents["groups"]
    rows = tuple(
        (str(number), f"{kl:,.2f}", f"{active:,}")
        for number, (kl, active) in enumerate(zip(groups["kl"], groups["active_units"], strict=True), 1)
    )
    headings = ("group, from the top", "KL, nats", "active features")
    return Table("Latent groups", headings, rows, (1, 2), f"Of the {_seen(latents)}.")


def _restoration_table(restored, features):
    parts = [("mean squared error", restored["mse"], restored["corrupted_mse"], restored)]
    note = f"Against the clean images, pixels from 0 to 1, of {restored['images']:,} test images: lower is better."
    if features:
        parts.append(("distance of features", features["distance"], features["corrupted_distance"], features))
        note += f" The features are those of Inception v3 ({features['weights']}); of {features['images']:,} images."
    rows = []
    for name, value, corrupted, about in parts:
        error = "?" if about["standard_error"] is None else f"{about['standard_error']:.5f}"
        rows += [(f"{name}, restored", f"{value:.5f}", error), (f"{name}, corrupted", f"{corrupted:.5f}", "")]
    return Table("Restoration", ("quantity", "value", "standard error"), tuple(rows), (1, 2), note)


def _bracket_table(bracket):
    values = {"NLL, lower bound": -bracket["upper"], "NLL, upper bound": -bracket["lower"], "gap": bracket["gap"]}
    if "importance" in bracket:
        values["NLL, importance sampling"] = -bracket["importance"]
    errors = {"gap": _decimals(bracket.get("gap_standard_error"))}
    rows = tuple((name, f"{value:,.3f}", errors.get(name, "")) for name, value in values.items())
    note = "Bidirectional Monte Carlo on images drawn from the model itself, whose exact latent codes are known. The bounds"
    note += f" hold on average over noise: within its error a gap may come out below 0.{_wide(bracket)}"
    return Table("Bracket of NLL", ("quantity", "nats per image", "standard error"), rows, (1, 2), note)


def _wide(bracket):
    """A warning of a gap that leaves models a nat apart in the dark, and is no chance."""
    certain = bracket["gap"] - 2.0 * (bracket.get("gap_standard_error") or 0.0)
    return " The gap is wide: annealing is not to be believed with so few temperatures." if certain > _WIDE else ""


def _decimals(error):
    return "?" if error is None else f"{error:,.2f}"
