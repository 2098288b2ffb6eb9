"""`report.html`: one page that needs nothing beside it."""

import base64
import io
import json
import pathlib

import PIL.Image

from vae_flows.reports.likelihood_table import bits_with_error, likelihood_tables, training_table, with_error
from vae_flows.run_folder.atomic import read_json, replacing
from vae_flows.run_folder.configuration import told_hyperparameters, words

__all__ = ["FIGURES", "picture", "render", "run_page", "write_page"]

FIGURES = {
    "samples.png": ("Samples", "Images decoded from draws of the prior: the mean of p(x|z)."),
    "reconstructions.png": ("Reconstructions", "Test images, and what the model makes of one latent code of each."),
    "training_curves.png": (
        "Training",
        "What validation judges, and what goes with it. The axes are fitted to all but the first tenth.",
    ),
    "latent_space.png": ("Latent space", "A latent code of each test image, coloured by its label."),
    "posterior.png": (
        "Posterior",
        "Of 200 test images those where q(z|x) fits best, in the middle and worst; KL in nats. Lines hold 10 to 99 %.",
    ),
    "hais.png": (
        "Annealed importance sampling",
        "Acceptance and step sizes along the schedule, and how far importance sampling is off, image by image.",
    ),
    "bidirectional.png": ("Bidirectional Monte Carlo", "The bracket of NLL against the number of temperatures."),
    "data.png": ("Data", "The first training images."),
}
_BARE = ("samples.png", "data.png")  # pictures without words


def write_page(folder):
    """Write `report.html` of the run `folder` from its `results.json`, `config.json` and figures."""
    page = run_page(read_json(folder.results), read_json(folder.config), figures=folder.figures)
    with replacing(folder.report) as partial:
        partial.write_text(page, encoding="utf-8")


def run_page(results, config, *, figures):
    """The page of one run as HTML text.

    Args:
        results: Contents of `results.json`.
        config: Contents of `config.json`.
        figures: Folder of PNG files; those that `FIGURES` names are embedded, in its order.
    """
    return render(
        "run.html.j2",
        title=f"{results['preset']} on {results['dataset']}",
        lead=_lead(results, told_hyperparameters(config)),
        key=_key_figures(results),
        tables=[*likelihood_tables(results), training_table(results)],
        figures=_embedded(figures),
        config=_configuration(config),
    )


def render(template, **values):
    """The template file of this folder with its values, as HTML text; every value is escaped."""
    import jinja2

    loader = jinja2.FileSystemLoader(pathlib.Path(__file__).parent)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template(template).render(values)


def picture(png, *, title, caption=None, text=True):
    """What a page's template shows of the bytes of a PNG file; on a phone one with `text` keeps a width at which that is read.

    Without a caption the description in the file is taken.
    """
    with PIL.Image.open(io.BytesIO(png)) as opened:
        least, caption = opened.width // 3 if text else None, caption or opened.info.get("Description", "")
    source = "data:image/png;base64," + base64.b64encode(png).decode("ascii")
    return {"source": source, "title": title, "caption": caption, "least": least}


def _lead(results, hyperparameters):
    said = f"Seed {results['seed']}, {results['steps']:,} optimizer steps, {results['parameters']:,} weights."
    return f"{said} {words(hyperparameters)}".rstrip()


def _duration(seconds):
    return (f"{seconds:,.0f}", "seconds") if seconds < 60.0 else (f"{seconds / 60.0:,.1f}", "minutes")


def _key_figures(results):
    test, nll = results["test"], results["test"]["nll"]
    value, error = with_error(nll["value"], nll["standard_error"]).split(" ± ")
    untrained = ", untrained prior" if nll.get("untrained_prior") else ""
    flagged = untrained or (", too high: see below" if nll.get("unreliable_images") else "")
    figures = [
        ("NLL, test", value, f"± {error} nats{flagged}"),
        ("training", *_duration(results["training"]["seconds"])),
        ("speed of the steps alone", f"{results['training']['images_per_second']:,.0f}", "images/s"),
    ]
    if test["neg_elbo"] is not None:
        bound, error = with_error(test["neg_elbo"], test.get("neg_elbo_standard_error")).split(" ± ")
        figures.insert(1, ("negative ELBO, test", bound, f"± {error} nats{untrained}"))
    if test["bits_per_dim"] is not None:
        bits, error = bits_with_error(test)
        figures.insert(1, ("bits per dimension", bits, f"{error and f'± {error}'}{flagged}".removeprefix(", ")))
    if restored := results.get("restoration"):
        figures.insert(
            0, ("mean squared error", f"{restored['mse']:.5f}", f"{restored['corrupted_mse']:.5f} corrupted")
        )
    return figures


def _embedded(figures):
    """The figures that there are: those of every model, and the model's own views after the reconstructions."""
    views = {path.name: (path.stem.removeprefix("view_").replace("_", " ").capitalize(), None)
             for path in sorted(figures.glob("view_*.png"))}  # fmt: skip
    known = dict(list(FIGURES.items())[:2]) | views | FIGURES
    present = {name: text for name, text in known.items() if (figures / name).is_file()}
    return [
        picture((figures / name).read_bytes(), title=title, caption=caption, text=name not in _BARE)
        for name, (title, caption) in present.items()
    ]


def _configuration(config):
    """Numbers and words as rows, what has parts as blocks of JSON."""
    nested = {name: value for name, value in config.items() if isinstance(value, (dict, list))}
    plain = [(name, "none" if value is None else value) for name, value in config.items() if name not in nested]
    return {"plain": plain, "nested": [(name, json.dumps(value, indent=2)) for name, value in nested.items()]}
