"""Which plugins there are: entry points of the group `mlforge`, and the project's own modules. Nothing of theirs is imported."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from importlib.metadata import Distribution

    from mlforge.project import Project

__all__ = ["Candidate", "installed", "local", "locate"]

GROUP = "mlforge"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plugin that is there to be asked."""

    name: str  # of the distribution, or of a local module
    version: str
    entry: str  # name of the entry point; of the module when local
    module: str
    local: bool = False


def installed() -> list[Candidate]:
    """The entry points of installed distributions, by name of the plugin."""
    from importlib.metadata import entry_points

    points = [(_named(point.dist), point.name, point.value) for point in entry_points(group=GROUP) if point.dist]
    found = sorted({(*named, entry, value) for named, entry, value in points if named})
    entries = Counter(name for name, *_ in found)
    # A distribution with several entry points is several plugins, each with a name of its own.
    return [Candidate(name if entries[name] == 1 else f"{name}:{entry}", version, entry, module.partition(":")[0]) for name, version, entry, module in found]


def _named(distribution: Distribution) -> tuple[str, str] | None:
    """Its name and version; None where there is no telling, as while pip is at it."""
    try:
        return distribution.name, distribution.version
    except (FileNotFoundError, KeyError):  # a folder without METADATA
        return None


def local(project: Project) -> list[Candidate]:
    """The project's own plugins, in the order in which it lists them."""
    return [Candidate(module, "local", module, module, local=True) for module in project.plugins]


def locate(module: str, folders: tuple[Path, ...] = ()) -> ModuleSpec | None:
    """Where a module would be imported from, without importing it or its parents; looked for in `folders` last."""
    search: list[str] | None = None
    spec = None
    for depth in range(module.count(".") + 1):
        name = ".".join(module.split(".")[: depth + 1])
        spec = _spec(name, search) or (_spec(name, [str(folder) for folder in folders]) if depth == 0 and folders else None)
        if spec is None:
            return None
        search = list(spec.submodule_search_locations or [])
    return spec


def _spec(name: str, search: list[str] | None) -> ModuleSpec | None:
    for finder in sys.meta_path:
        if (spec := finder.find_spec(name, search)) is not None:
            return spec
    return None
