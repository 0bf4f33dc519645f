"""Has anything changed since this very command had nothing left to do? Answered by looking at files, not into them.

A stamp notes what a run's outcome depends on: the command line, the project's settings, the plugins, every file that was read (recipes, presets, the source
of components, the data) and every folder in which a file could have come first, the installed distributions, and the records. Each by size and time, and none
written after the command began: what was edited while it ran is looked into the next time. Anything that differs, or cannot be told so cheaply, is no error:
the plan is then made in full, by content.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlforge
from mlforge.plugins import Catalog, PluginState
from mlforge.project import Project

if TYPE_CHECKING:
    from mlforge.lifecycle.plan import Lifecycle

__all__ = ["Stamp"]

_SETTLED = 20_000_000  # ns; a file that was written so shortly before the command began may have changed again without its time showing it


@dataclass(frozen=True)
class Stamp:
    """The stamp of one command in one folder."""

    project: Project
    catalog: Catalog
    command: tuple[str, ...]
    began: int = field(default_factory=time.time_ns)  # ns

    def told(self) -> dict[str, Any] | None:
        """What was told when there was nothing left to do; None when something may have changed since."""
        question = self._question
        if self.project.env:
            return None  # what variables say is nothing to be written down, not even as a digest
        try:
            noted = json.loads(self._path.read_bytes())
            same = noted["question"] == question and all(_look(Path(path)) == seen for path, seen in noted["seen"].items())
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return dict(noted["told"]) if same else None

    def note(self, lifecycle: Lifecycle, outputs: Iterable[str], told: Mapping[str, Any]) -> None:
        """Note that there is nothing left to do and what to tell then, where that can be told by looking. Closes the store: its files come to rest."""
        watched = self._watched(lifecycle)
        if self.project.env or watched is None or any(step.state not in ("reuse", "done") for step in lifecycle.afresh().plan()):
            return
        made = [*lifecycle.store.files(), *(lifecycle.store.artifacts.path(digest) for digest in outputs)]
        lifecycle.store.close()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        aside = self._path.with_suffix(f".{os.getpid()}")
        looks = {str(path): _look(path) for path in watched}
        if any(look and look[0] > self.began - _SETTLED for look in looks.values()):
            return
        seen = looks | {str(path): _look(path) for path in made}
        aside.write_text(json.dumps({"question": self._question, "seen": seen, "told": dict(told)}))
        aside.replace(self._path)

    @property
    def always_planned(self) -> bool:
        """Are there plugins that the project has set up, and that look on: they want to be told of every run."""
        return any(_behaves(plugin) and (plugin.local or plugin.name in self.project.given) for plugin in self.catalog.plugins)

    @property
    def _path(self) -> Path:
        name = hashlib.sha256(json.dumps([*self.command, str(Path.cwd())]).encode()).hexdigest()[:32]
        return self.project.state / "cache" / "unchanged" / f"{name}.json"

    @cached_property
    def _question(self) -> str:
        """Everything that is not a file, in one digest, as it is when the command begins."""
        plugins = [(p.name, p.version, p.state, p.components, p.hooks) for p in self.catalog.plugins]
        facts = [mlforge.__version__, sys.version, sys.path, repr(self.project), plugins]
        facts += [sorted(os.environ)] if any(map(_behaves, self.catalog.plugins)) else []  # one that looks on may wait for a variable to be set
        return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()

    def _watched(self, lifecycle: Lifecycle) -> list[Path] | None:
        from mlforge.components import Source, reads_of
        from mlforge.sections import SECTIONS

        if self.always_planned:
            return None
        parts = [component for _, component in lifecycle.recipe.components()]
        data = [source.watched() for source in parts if isinstance(source, Source)]
        if any(paths is None for paths in data) or not lifecycle.store.files():
            return None
        others = [Path(str(path)) for part in parts if not isinstance(part, Source) for path in reads_of(part).values() if path is not None]
        code = lifecycle.code.files()
        roots = [self.project.recipes, self.project.conf]
        roots += [folder for plugin in self.catalog.folders for folder in (plugin.recipes, plugin.conf) if folder is not None]
        folders = [*roots, *(root / section for root in roots for section in SECTIONS), *(path.parent for path in code), *_installed()]
        return list(dict.fromkeys([*lifecycle.recipe.files, *code, *folders, *others, *(path for paths in data for path in paths or ())]))


def _behaves(plugin: PluginState) -> bool:
    """Has it hooks that are called in a run."""
    return any(not hook.endswith(("_components", "_commands")) for hook in plugin.hooks)


def _installed() -> Iterable[Path]:
    """The folders in which distributions are installed: their times change with every installation."""
    return (Path(entry) for entry in sys.path if entry.endswith(("site-packages", "dist-packages")))


def _look(path: Path) -> list[int] | None:
    """Time, and for a file size and inode; None when it is not there."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return [stat.st_mtime_ns] if path.is_dir() else [stat.st_mtime_ns, stat.st_size, stat.st_ino]
