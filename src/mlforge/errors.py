"""What can go wrong, in one shape: where, what was found, what was expected, what to do.

Every error that is a user's to mend derives from `MlforgeError` and carries its exit code; anything else that escapes is a bug in mlforge.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from mlforge.secrets import mask

__all__ = [
    "DataError",
    "Deprecation",
    "GateRefused",
    "Interrupted",
    "MissingRequirement",
    "MlforgeError",
    "Origin",
    "Problem",
    "RecipeError",
    "RunFailed",
    "TimedOut",
    "Vetoed",
    "near_file",
    "nearest",
]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value came from: a place in a file, the command line, a default of a component."""

    source: str  # a path relative to where the user stands, "command line", or "default of mlforge csv"
    line: int | None = None  # from 1
    column: int | None = None  # from 1

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.source, self.line, self.column) if part is not None)


COMMAND_LINE = Origin("command line")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a recipe."""

    where: str  # config path, as the user would type it: "trainer.max_epoch"
    found: str  # one sentence: what is there
    origin: Origin | None = None
    expected: str = ""  # what would be right
    hint: str = ""  # what to type instead

    def __str__(self) -> str:
        rest = "; ".join(part for part in (self.found, self.expected) if part)
        place = f" ({self.origin})" if self.origin else ""
        return mask(f"{self.where}{place}: {rest}." + (f" {self.hint}" if self.hint else ""))


class MlforgeError(Exception):
    """An error that a user can mend. `str()` is one or a few lines; `hint` says what to do."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", evidence: str = "") -> None:
        super().__init__(message)
        self.hint = hint
        self.evidence = evidence  # a file with everything that the message is too short for

    def __str__(self) -> str:
        parts = (super().__str__(), self.hint, f"All of it: {self.evidence}" if self.evidence else "")
        return mask("\n".join(part for part in parts if part))


class RecipeError(MlforgeError):
    """The recipe or the command line is wrong; nothing ran."""

    exit_code = 2

    def __init__(self, message: str, *, problems: Iterable[Problem] = (), hint: str = "", evidence: str = "") -> None:
        super().__init__(message, hint=hint, evidence=evidence)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(f"  {problem}" for problem in self.problems)])


class DataError(MlforgeError):
    """The data broke its contract beyond what the recipe allows, or cannot be read."""

    exit_code = 3


class GateRefused(MlforgeError):
    """A gate said no."""

    exit_code = 4


class MissingRequirement(MlforgeError):
    """A plugin, package, device or service that the recipe needs is missing."""

    exit_code = 5


class RunFailed(MlforgeError):
    """The run could not finish: diverged, out of disk or memory, over budget, a stage timed out."""

    exit_code = 6


class TimedOut(RunFailed):
    """A stage took longer than its limit."""


class Vetoed(RunFailed):
    """A plugin said that the run must not go on. Anything else that a plugin which only looks on raises is a warning."""


class Interrupted(MlforgeError):
    """Stopped by a signal; the same command continues."""

    exit_code = 130


class Deprecation(FutureWarning):
    """Something that will go: what, since which version, and what to write instead. Users see it by default.

    A hook is deprecated in `hookspecs`: `@hookspec(warn_on_impl=Deprecation("the hook mlforge_old", "mlforge 0.3", "implement mlforge_event"))`, one of its
    arguments by `warn_on_impl_args={"old": Deprecation("its argument old", …)}`; a component's field by the mark `mlforge.components.Deprecated`.
    """

    def __init__(self, what: str, since: str, instead: str = "") -> None:
        super().__init__(f"{what} is deprecated since {since}" + (f": {instead}" if instead else ""))


def near_file(path: Path) -> str:
    """The hint "Did you mean …?" for a file that is not there, from those beside it."""
    return nearest(path.name, (other.name for other in path.parent.glob("*")))


def nearest(word: str, known: Iterable[str]) -> str:
    """The hint "Did you mean …?" for a misspelt word, or nothing when no known word is near.

    Whole words first; then a known word that begins with or contains what was typed.
    """
    choices = sorted(set(known))
    lowered = {choice.lower(): choice for choice in choices}
    close = get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    if close:
        return f"Did you mean {lowered[close[0]]}?"
    parts = [choice for choice in choices if len(word) > 2 and (choice.lower().startswith(word.lower()) or word.lower() in choice.lower())]
    return f"Did you mean {parts[0]}?" if parts else ""
