"""Where annealing had best start, at equal cost: from the prior, from the posterior's Gaussian, or from the whole posterior.

Run: python -m benchmarks.annealing_start RUN ... --temperatures 100,400

For each finished run, the time of one gradient from each start is measured; each start then gets as many temperatures as fit
into the time that the posterior takes for those given. All starts see the same images. An estimate of log p(x) by annealing
is too low on average, so the highest is the best. Prints a table in Markdown.
"""

import time

import click
import numpy as np
import tensorflow as tf

from vae_flows.reports import FinishedRun
from vae_flows.reports.annealing import annealed
from vae_flows.reports.settings import CHOICES

_REPEATS = 20


@click.command()
@click.argument("runs", nargs=-1, required=True)
@click.option("--images", default=30, show_default=True, help="The first N test images.")
@click.option("--chains", default=8, show_default=True)
@click.option("--leapfrogs", default=10, show_default=True)
@click.option("--temperatures", default="100,400", show_default=True, help="Of the start from the posterior.")
def main(runs, **settings):
    """The table, a row for each run, cost and start."""
    wanted = [int(count) for count in settings.pop("temperatures").split(",")]
    print(
        "| run | start | temperatures | log p(x) above that from the posterior | error of an image | effective chains |"
    )
    print("|---|---|---|---|---|---|", flush=True)
    for run in map(FinishedRun.open, runs):
        starts = CHOICES["start"]
        costs = {start: seconds(run.subject, start, settings["images"], settings["chains"]) for start in starts}
        for count in wanted:
            counts = {start: round(count * costs["posterior"] / costs[start]) for start in starts}
            found = {
                start: annealed(run.subject, start=start, temperatures=counts[start], gradients="float32", **settings)
                for start in starts
            }
            for start in starts:
                print(row(run.config["preset"], start, counts[start], found), flush=True)


def seconds(subject, start, images, chains):
    """Processor time of one gradient of the annealing target, of all images and chains together."""
    model, x = subject.model, tf.constant(subject.prepared(images))
    proposal = model.proposal(x, start=start)
    u = tf.zeros([chains, len(x), model.noise_features])

    @tf.function
    def gradient(u):
        with tf.GradientTape() as tape:
            tape.watch(u)
            target = model.inference(x, proposal, start=start).log_target(u)
        return tape.gradient(target, u)

    gradient(u)
    began = time.process_time()  # not disturbed by other processes, as a clock on the wall is
    for _ in range(_REPEATS):
        gradient(u).numpy()
    return (time.process_time() - began) / _REPEATS


def row(name, start, temperatures, found):
    """One line of the table."""
    estimate, best = found[start], found["posterior"]
    error = np.hypot(estimate.monte_carlo_error, best.monte_carlo_error)  # the images are the same
    above = f"{estimate.mean - best.mean:.2f} ± {error:.2f}" if estimate is not best else f"({estimate.mean:.2f})"
    effective = f"{np.mean(estimate.effective_sample_size):.1f} of {estimate.samples}"
    return f"| `{name}` | {start} | {temperatures:,} | {above} | {np.mean(estimate.errors):.2f} | {effective} |"


if __name__ == "__main__":
    main()
