"""The command line around a script's presets."""

import pathlib
import sys

import click

from vae_flows import estimators, training
from vae_flows.experiment.hyperparameters import shown
from vae_flows.experiment.presets import find
from vae_flows.experiment.running import begin, hushed, take_up
from vae_flows.run_folder import exit_status, told_in_one_line, warnings_in_one_line

__all__ = ["command_line", "main"]

_POSITIVE = click.IntRange(min=1)


def command_line(presets):
    """The function that obeys the words of this process's command line and exits: 0, 1 for a user's mistake, 130 on Ctrl-C.

    Args:
        presets: `catalogue`; its first preset is run where none is named.
    """

    def run_from_terminal():
        name = pathlib.Path(sys.argv[0]).name
        sys.exit(exit_status(main, name=f"python {name}" if name.endswith(".py") else name, obj=presets))

    return run_from_terminal


@click.command(context_settings={"max_content_width": 110, "help_option_names": []})
@click.argument("words", nargs=-1, metavar="[PRESET] [NAME=VALUE ...]")
@click.option("--dataset", help="TFDS name, `digits` (embedded), a folder of images, or a .npy/.npz file.")
@click.option("--data-dir", help="Where prepared TFDS data sets are, or go.")
@click.option("--image-size", type=_POSITIVE, help="Side to which a folder's or TFDS's images are cropped and resized.")
@click.option("--pixel-limit", type=_POSITIVE, help="Pixels that an image of a folder may have.  [default: 64,000,000]")
@click.option("--skip-unreadable", is_flag=True, default=None, help="Leave unreadable files of a folder out.")
@click.option("--out", help="Folder of the run.  [default: runs/PRESET/TIME]")
@click.option("--epochs", type=_POSITIVE, help="Instead of the preset's.")
@click.option("--steps", type=_POSITIVE, help="Stop after this many optimizer steps.")
@click.option("--test-images", type=_POSITIVE, help="Evaluate on the first N test images.")
@click.option("--seed", type=click.IntRange(min=0, max=2**31 - 1), help="[default: 0]")
@click.option("--resume", is_flag=True, help="Go on with the run in --out, which stays what it is.")
@click.option("--restart", is_flag=True, help="With --resume: begin again at step 0 if all checkpoints are lost.")
@click.option("--quiet", is_flag=True, help="Print warnings and the result alone.")
@click.option("--list", "list_presets", is_flag=True, help="Print the presets.")
@click.option("--help", "-h", "show_help", is_flag=True, help="Print this, or the hyperparameters of PRESET.")
@click.pass_obj
def main(presets, words, resume, restart, quiet, list_presets, show_help, **options):
    """Trains, judges and exports PRESET, one of those that --list prints, or FILE.py:FUNCTION.

    NAME=VALUE sets one of its hyperparameters, which --help PRESET prints.
    """
    preset = words[0] if words and "=" not in words[0] else None
    if list_presets:
        click.echo(_listing(presets))
    elif show_help:
        with told_in_one_line():
            click.echo(_description(find(preset, presets)) if preset else click.get_current_context().get_help())
    else:
        said = {name: value for name, value in options.items() if value is not None}
        said |= {"presets": presets, "hyperparameters": _given(words[preset is not None :])}
        _execute(preset, said, next(iter(presets)), resume=resume, restart=restart, quiet=quiet)


def _execute(preset, said, usual, *, resume, restart, quiet):
    with told_in_one_line(), warnings_in_one_line(), hushed(quiet):
        if resume and "out" not in said:
            raise ValueError("--resume needs the folder of the run. Expected --out RUN. Received: none.")
        if restart and not resume:
            raise ValueError("--restart is for a run that was begun. Expected --resume beside it. Received: none.")
        run = take_up(preset=preset, restart=restart, **said) if resume else begin(preset or usual, **said)
    with told_in_one_line(OSError, ValueError, training.TrainingStopped), run.recorded(quiet=quiet):
        run.train()
    with told_in_one_line(OSError, estimators.NoStart), run.recorded(quiet=quiet):
        with warnings_in_one_line():
            result = run.report()
        click.echo(result)
    if quiet:
        click.echo(result)


def _given(words):
    """Hyperparameters as text."""
    given = dict(word.split("=", 1) for word in words if "=" in word)
    if len(given) < len(words):
        raise click.ClickException(f"After the preset come NAME=VALUE, each name once. Received: {' '.join(words)}.")
    return given


def _listing(presets):
    """The presets by section, one line each."""
    lines, section = [], None
    for preset in presets.values():
        lines += [] if preset.section == section else ["", preset.section]
        lines.append(f"  {preset.name:24s} {preset.description}")
        section = preset.section
    return "\n".join(
        [*lines[1:], "", "FILE.py:FUNCTION is a preset of your own. --help PRESET prints hyperparameters."]
    )


def _description(preset):
    """What a preset is, and its hyperparameters with their defaults."""
    return "\n  ".join([f"{preset.name}: {preset.description}", *shown(preset.build)])
