"""The way in: parse, run the verb, and turn whatever happens into lines on stderr and an exit code."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

import click

import mlforge
from mlforge.cli.group import Verbs
from mlforge.cli.logs import configure
from mlforge.cli.verdict import judge

__all__ = ["main", "run"]

_PIPE = 141  # what a shell shows for a command whose reader went away


@click.group(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    no_args_is_help=False,
    invoke_without_command=True,
    subcommand_metavar="COMMAND …",
)
@click.version_option(mlforge.__version__, message="mlforge %(version)s")
@click.option("-v", "--verbose", count=True, help="Say more on stderr; twice: everything.")
@click.pass_context
def mlforge_command(ctx: click.Context, verbose: int) -> None:
    """From raw data to a trusted model, by declaring it.

    \b
    mlforge run breast_cancer                        a first model, from data that comes along
    mlforge check adult trainer.max_epochs=3         a recipe with one value changed; nothing runs
    """
    configure(verbose)
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def run(arguments: Sequence[str]) -> int:
    """Run one command line in this process; the exit code. (click's own `main` would say 1, a bug, when a reader goes away.)"""
    try:
        with mlforge_command.make_context("mlforge", list(arguments)) as context:
            mlforge_command.invoke(context)
        sys.stdout.flush()
    except BrokenPipeError:
        _mute()
        return _PIPE
    except BaseException as error:
        return judge(error)
    return 0


def main() -> None:
    """The console script."""
    gc.set_threshold(100_000, 20, 20)  # imports make many objects and no garbage: collecting less often saves a tenth of a short command
    signal.signal(signal.SIGTERM, _stop)
    sys.exit(run(sys.argv[1:]))


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt  # a polite end is an interruption: what runs is left so that the same command continues


def _mute() -> None:
    """Whoever read our output went away (`| head`): say nothing more, not even at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
