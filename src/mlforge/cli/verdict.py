"""How a command ends: an exit code, and for an error a few lines on stderr. A user's mistake is told without a traceback, a bug with one."""

from __future__ import annotations

import errno
from collections.abc import Iterable

import click

from mlforge.errors import MlforgeError, Problem, RecipeError
from mlforge.secrets import mask

__all__ = ["describe", "judge"]

_BUG, _USAGE, _FAILED, _INTERRUPTED = 1, 2, 6, 130
_LINES = 15  # no answer is longer
_WIDTH = 240  # no line is longer
_COLUMN = 52  # where a problem's origin begins
_MENDABLE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EMFILE}


def judge(error: BaseException) -> int:
    """Say what happened, and give the exit code."""
    match error:
        case click.exceptions.Exit():
            return error.exit_code
        case SystemExit():
            return error.code if isinstance(error.code, int) else int(error.code is not None)
        case click.UsageError():
            return _say(_usage(error), _USAGE)
        case click.ClickException():
            return _say([error.format_message()], _USAGE)
        case MlforgeError():
            return _say(describe(error), error.exit_code)
        case KeyboardInterrupt() | click.Abort():
            return _say(["Stopped."], _INTERRUPTED)
        case MemoryError():
            return _say(["out of memory"], _FAILED)
        case OSError() if error.errno in _MENDABLE:
            return _say(_machine(error), _FAILED)
    return _bug(error)


def describe(error: MlforgeError) -> list[str]:
    """The lines for an error: what is wrong, at most fifteen, the rest counted."""
    message, *more = (str(error.args[0]) if error.args else type(error).__name__).splitlines() or [""]
    after = [line for line in (error.hint, f"All of it: {error.evidence}" if error.evidence else "") if line]
    room = _LINES - 1 - len(after)
    if isinstance(error, RecipeError) and error.problems:
        more = [*more, "", *_problems(error.problems, room - len(more) - 1)]
    elif len(more) > room:
        more = [*more[: room - 1], f"… and {len(more) - room + 1} more lines"]
    return [message, *more, *after]


def _problems(problems: Iterable[Problem], room: int) -> list[str]:
    """Problems by the place where they are: a line for the place, a line for each problem there."""
    places: dict[tuple[str, str], list[Problem]] = {}
    for problem in problems:
        places.setdefault((problem.where, str(problem.origin or "")), []).append(problem)
    lines: list[str] = []
    left = sum(map(len, places.values()))
    for (where, origin), found in places.items():
        head = [f"  {where:<{_COLUMN}}{origin}".rstrip()]
        for problem in found:
            # A line is kept for "and N more", unless this problem is the last.
            if len(lines) + len(head) + 1 > room - (left > 1):
                return [*lines, f"  … and {left} more: mlforge check --json tells them all"]
            lines += [*head, f"    {_sentence(problem)}"]
            head, left = [], left - 1
    return lines


def _sentence(problem: Problem) -> str:
    rest = "; ".join(part for part in (problem.found, problem.expected) if part).replace("\n", " ")
    stop = "" if rest.endswith((".", "…", "?")) else "."
    return f"{rest}{stop} {problem.hint}" if problem.hint else rest


def _usage(error: click.UsageError) -> list[str]:
    command = error.ctx.command_path if error.ctx else "mlforge"
    lines = [error.format_message().replace("Error: ", "")]
    if isinstance(error, click.NoSuchOption) and "." in error.option_name:
        lines.append(f"Values of the recipe are written without dashes: {error.option_name.lstrip('-')}=VALUE")
    if "mlforge --help" not in lines[0]:
        lines.append(f"Try: {command} --help")
    return lines


def _machine(error: OSError) -> list[str]:
    """What the machine refused, where, and what to do."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    hint = "Free some space; the same command continues." if full else "Allow it, or choose another place; the same command continues."
    return [f"{error.filename or 'A file could not be read or written'}: {error.strerror or error}".replace("\n", " "), hint]


def _say(lines: list[str], code: int) -> int:
    for line in lines:
        shown = mask(line)
        click.echo(shown if len(shown) <= _WIDTH else shown[: _WIDTH - 1] + "…", err=True)
    return code


def _bug(error: BaseException) -> int:
    import traceback

    click.echo(mask("".join(traceback.format_exception(error))), err=True, nl=False)
    click.echo("This is a bug in mlforge. Please report it to its authors with the lines above and what `mlforge doctor` prints.", err=True)
    return _BUG
