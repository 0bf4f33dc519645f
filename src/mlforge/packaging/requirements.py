"""What a serving machine needs of Python: the versions that are installed here, and nothing that only writing recipes and training need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import TYPE_CHECKING

from mlforge.errors import MissingRequirement

if TYPE_CHECKING:
    from packaging.requirements import Requirement

__all__ = ["LEFT_OUT", "own", "pinned"]

LEFT_OUT = frozenset({"pandera", "sqlalchemy", "alembic", "rich", "pyarrow"})
"""Of mlforge's own requirements those that ingest, stores and tables need: a server of one bundle starts and answers without them, which a test proves."""


def own() -> Distribution:
    """This very mlforge. Raises MissingRequirement when it is run without being installed."""
    try:
        return distribution("mlforge")
    except PackageNotFoundError:
        raise MissingRequirement("mlforge is not installed, so that there is no version to be pinned", hint="pip install mlforge") from None


def pinned(also: Sequence[str] = ()) -> tuple[str, ...]:
    """Every distribution that a server needs, and `also` these, with its version, "numpy==2.3.1", sorted: complete, so that pip need not look for more.

    Raises MissingRequirement for one that is not installed here.
    """
    from packaging.requirements import Requirement

    found: dict[str, str] = {}
    waiting = [*_asked(own(), frozenset({"serve"})), *map(Requirement, also)]
    while waiting:
        wanted = waiting.pop()
        name = _canonical(wanted.name)
        if name in found or name in LEFT_OUT:
            continue
        try:
            there = distribution(wanted.name)
        except PackageNotFoundError:
            raise MissingRequirement(f"a package pins what is installed, and {wanted.name} is not", hint="pip install 'mlforge[serve]'") from None
        found[name] = f"{name}=={there.version}"
        waiting += _asked(there, frozenset(wanted.extras))
    return tuple(found[name] for name in sorted(found))


def _asked(of: Distribution, extras: frozenset[str]) -> Iterator[Requirement]:
    from packaging.requirements import Requirement

    for line in of.requires or ():
        wanted = Requirement(line)
        if wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in ("", *sorted(extras))):
            yield wanted


def _canonical(name: str) -> str:
    from packaging.utils import canonicalize_name

    return str(canonicalize_name(name))
