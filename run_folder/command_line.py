"""How a command ends: its exit status, and one clear line for a user's mistake."""

import contextlib
import importlib
import os
import shutil
import sys
import tempfile
import textwrap
import warnings

import click

__all__ = ["exit_status", "quiet_import", "told_in_one_line", "warnings_in_one_line"]


def quiet_import(name):
    """Imports a package whose compiled parts greet on stderr; the greetings are shown only if the import fails.

    TensorFlow writes six lines before it can be told not to, and later ones unless it was told before.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with tempfile.TemporaryFile() as held:
        sys.stderr.flush()
        stderr = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            importlib.import_module(name)
        except Exception:
            held.seek(0)
            os.write(stderr, held.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


@contextlib.contextmanager
def told_in_one_line(*kinds):
    """Context in which errors that a user can mend (`kinds`; `OSError` and `ValueError` by default) have no traceback.

    Put it around what reads the user's words and files, not around the program's own work: there a traceback helps.

    Example:
        >>> import click
        >>> with told_in_one_line():
        ...     raise ValueError("`batch` must be\\n positive.")
        Traceback (most recent call last):
        ...
        click.exceptions.ClickException: `batch` must be positive.
    """
    kinds = kinds or (OSError, ValueError)
    try:
        yield
    except kinds as error:
        by_system = isinstance(error, OSError) and error.errno and error.filename
        told = f"{error.filename} cannot be read or written: {error.strerror}." if by_system else str(error)
        raise click.ClickException(" ".join(told.split())) from error


@contextlib.contextmanager
def warnings_in_one_line():
    """Context whose Python warnings are told after it, each once, without its place in the code and with no word broken."""
    with warnings.catch_warnings(record=True) as caught:
        yield
    for message in dict.fromkeys(str(warning.message) for warning in caught):
        told, columns = f"Warning: {' '.join(message.split())}", shutil.get_terminal_size().columns
        click.echo(textwrap.fill(told, columns) if sys.stderr.isatty() else told, err=True)


def exit_status(command, *, arguments=None, name, obj=None):
    """Runs a click command: 0 on success, 1 for a user's mistake, 130 on Ctrl-C.

    Args:
        command: The click command.
        arguments: Words after the program's name; those of this process by default.
        name: The program's name in its help.
        obj: What the command gets as its context's object.
    """
    try:
        command.main(args=arguments, prog_name=name, standalone_mode=False, obj=obj)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
    except click.ClickException as error:
        click.echo(f"Error: {error.format_message()}", err=True)
        return 1
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return 130
    return 0
