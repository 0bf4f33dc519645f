"""Where recipes, presets and components are found: the project's folders, then plugins', then mlforge's own."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mlforge.errors import Origin, Problem, nearest
from mlforge.recipe.document import Document, load
from mlforge.sections import SECTIONS

if TYPE_CHECKING:
    from mlforge.plugins import Catalog, PluginState
    from mlforge.project import Project

__all__ = ["Library", "display"]

PRIMARY = ":recipe"  # the name under which a recipe that is given by its path is composed
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def display(path: Path) -> str:
    """A path as messages show it: relative to where the user stands, unless that is far away."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith(f"..{os.sep}..{os.sep}..") else relative


@dataclass(frozen=True, slots=True)
class _Place:
    provider: str
    path: Path


@dataclass(slots=True)
class Library:
    """All that a recipe can name, read when it is named."""

    project: Project
    catalog: Catalog
    primary: Path | None = None  # the recipe that was given by its path
    unknown: list[Problem] = field(default_factory=list)  # the problems that are options nobody is known to provide
    elsewhere: list[Problem] = field(default_factory=list)  # and those that are options of a plugin that is not there
    _read: dict[str, Document | None] = field(default_factory=dict)

    def recipe(self, name: str) -> Document | None:
        """A recipe (or base configuration) by name."""
        if name not in self._read:
            place = _Place("project", self.primary) if name == PRIMARY and self.primary else self._first(name, None)
            self._read[name] = self._load(name, place, None)
        return self._read[name]

    def preset(self, section: str, option: str) -> Document | None:
        """A preset of a section."""
        name = f"{section}/{option}"
        if name not in self._read:
            self._read[name] = self._load(name, self._first(option, section), section)
        return self._read[name]

    def exists(self, section: str, option: str) -> bool:
        """Is there a preset or a component of this name."""
        return option in self.catalog.options(section) or self.preset(section, option) is not None

    def options(self, section: str) -> list[str]:
        """Names of all presets and components of a section."""
        files = {path.stem for _, folder in self._folders(section) for path in sorted(folder.glob("*.yaml"))}
        return sorted(files | set(self.catalog.options(section)))

    def recipes(self) -> list[str]:
        """Names of all recipes and base configurations."""
        return sorted({path.stem for _, folder in self._folders(None) for path in folder.glob("*.yaml")})

    def component(self, section: str, option: str, chain: tuple[str, ...] = ()) -> str | None:
        """The component under an option: itself, or what its preset builds on. None when there is none."""
        preset = self.preset(section, option) if option not in chain else None
        if preset is None:
            return option if option in self.catalog.options(section) else None
        used = preset.body.items.get("use")
        if used is not None and isinstance(used.value, str):
            return used.value
        for parent in reversed(preset.parents):
            if parent.name == option:  # a preset over the component whose name it takes
                return option if option in self.catalog.options(section) else None
            if found := self.component(section, parent.name, (*chain, option)):
                return found
        return None

    def shadowed(self, name: str) -> tuple[str, ...]:
        """Who else provides what the project's own file of this name hides."""
        section, _, option = name.rpartition("/")
        document = self._read.get(name)
        if document is None or document.provider != "project" or name == PRIMARY:
            return ()
        others = [place.provider for place in self._places(option, section or None) if place.provider != "project"]
        provided = self.catalog.options(section).get(option) if section else None
        return tuple(dict.fromkeys([*others, *([provided.plugin] if provided else [])]))

    def clash(self, name: str, origin: Origin) -> Problem | None:
        """Two plugins, or a plugin and mlforge, that provide what the recipe names, where the project does not settle it."""
        section, _, option = name.rpartition("/")
        providers = [place.provider for place in self._places(option, section or None)]
        if "project" in providers:
            return None
        if section:
            clashing = next((clash for clash in self.catalog.clashes if (clash.section, clash.option) == (section, option)), None)
            provided = self.catalog.options(section).get(option)
            providers += [who.rpartition(" ")[0] for who in clashing.plugins] if clashing else [provided.plugin] if provided else []
        distinct = list(dict.fromkeys(providers))
        if len(distinct) < 2:
            return None
        return Problem(name.replace("/", "."), f"{' and '.join(distinct)} both provide {name}", origin, hint="Block one of them: MLFORGE_BLOCK_PLUGINS=NAME.")

    def near(self, section: str | None, name: str) -> str:
        """The hint for a name that is not there."""
        return nearest(name, self.options(section) if section else self.recipes())

    def no_option(self, section: str, option: str, where: str, origin: Origin, what: str = "option") -> Problem:
        """The problem that there is no such option (or component), or that it comes with a plugin that is not there."""
        source = self.catalog.elsewhere(section, option)
        if source is not None:
            self.elsewhere.append(Problem(where, f"{section} {option} comes with {source.plugin}, which {source.why}", origin, hint=f"→ {source.remedy}"))
            return self.elsewhere[-1]
        known = self.options(section)
        there = f"{section} has {', '.join(known[:10])}{' …' if len(known) > 10 else ''}" if known else f"nothing provides any {section}"
        hint = self.near(section, option) or next((f"It may be of {one.name}, which is {one.state}: {one.reason}." for one in self._silent()), "")
        self.unknown.append(Problem(where, f"no such {what}: {option}", origin, there, hint))
        return self.unknown[-1]

    def _silent(self) -> Iterator[PluginState]:
        """The project's own plugins that cannot say what they provide."""
        return (one for one in self.catalog.plugins if one.version == "local" and one.state == "broken")

    def documents(self) -> list[Document]:
        """Every file that was read, in that order."""
        return [document for document in self._read.values() if document is not None]

    def _folders(self, section: str | None) -> Iterator[tuple[str, Path]]:
        seen: set[Path] = set()
        groups: list[tuple[str, Path | None, Path | None]] = [("project", self.project.conf, self.project.recipes)]
        groups += [(folder.plugin, folder.conf, folder.recipes) for folder in self.catalog.folders]
        for provider, conf, recipes in groups:
            for folder in [conf / section if conf else None] if section else [recipes, conf]:
                if folder is not None and folder.is_dir() and folder.resolve() not in seen:
                    seen.add(folder.resolve())
                    yield provider, folder

    def _places(self, name: str, section: str | None) -> list[_Place]:
        if not _NAME.fullmatch(name) or (section is not None and section not in SECTIONS):
            return []
        return [_Place(provider, folder / f"{name}.yaml") for provider, folder in self._folders(section) if (folder / f"{name}.yaml").is_file()]

    def _first(self, name: str, section: str | None) -> _Place | None:
        return next(iter(self._places(name, section)), None)

    def _load(self, name: str, place: _Place | None, section: str | None) -> Document | None:
        return load(name, place.path, display(place.path), place.provider, tuple(self.project.env), section) if place else None
