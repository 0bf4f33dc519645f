"""The catalog: everything that the plugins provide, in one table, with nothing imported."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mlforge.errors import MissingRequirement, RecipeError, nearest
from mlforge.plugins.known import Elsewhere
from mlforge.plugins.states import Clash, Folder, PluginState, Provided
from mlforge.plugins.trace import place

if TYPE_CHECKING:
    from mlforge.components import Component

__all__ = ["Catalog", "reach"]


_LIKE = {"references": "source"}  # sections that take what another takes: their options are the other's


@dataclass(frozen=True)
class Catalog:
    """What recipes can name and the command line can run. Built by `catalog`."""

    provided: tuple[Provided, ...] = ()
    plugins: tuple[PluginState, ...] = ()
    folders: tuple[Folder, ...] = ()  # mlforge's own last
    imports: tuple[Path, ...] = ()  # where local plugins are found
    known: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)  # the plugin behind "section/option", there or not
    _table: Mapping[str, Mapping[str, Provided]] = field(init=False, repr=False, compare=False)
    clashes: tuple[Clash, ...] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Sort what is provided by section and option, and find what is provided twice."""
        table: dict[str, dict[str, Provided]] = defaultdict(dict)
        owners: dict[tuple[str, str], list[str]] = defaultdict(list)
        for one in self.provided:
            owners[one.section, one.option].append(f"{one.plugin} {one.version}")
            table[one.section].setdefault(one.option, one)
        ordered = {section: dict(sorted(options.items())) for section, options in sorted(table.items())}
        object.__setattr__(self, "_table", ordered)
        object.__setattr__(self, "clashes", tuple(Clash(*key, tuple(names)) for key, names in sorted(owners.items()) if len(names) > 1))

    @property
    def sections(self) -> tuple[str, ...]:
        """The sections for which there is any component."""
        return tuple(section for section in self._table if section != "commands")

    @property
    def commands(self) -> Mapping[str, str]:
        """The plugins' commands: references by name."""
        return {name: one.reference for name, one in self.options("commands").items()}

    def options(self, section: str) -> Mapping[str, Provided]:
        """The options of a section, by name; none for a section that nobody fills."""
        return self._table.get(_LIKE.get(section, section), {})

    def elsewhere(self, section: str, option: str) -> Elsewhere | None:
        """The plugin that an option is known to come from, when there is no such option here; None when nothing is known of it."""
        plugin = self.known.get(f"{_LIKE.get(section, section)}/{option}")
        return Elsewhere.of(plugin, self.plugins) if plugin and option not in self.options(section) else None

    def load(self, section: str, option: str) -> type[Component]:
        """Import the component behind an option.

        Raises RecipeError when there is no such option or two plugins provide it, MissingRequirement when its plugin cannot deliver it.
        """
        from mlforge.components import Component
        from mlforge.sections import SECTIONS

        one = self._one(section, option)
        kind = SECTIONS[section].kind if section in SECTIONS else Component
        found = self.resolve(one)
        if not (isinstance(found, type) and issubclass(found, kind)):
            was = f"the class {found.__name__}" if isinstance(found, type) else f"a {type(found).__name__}"
            raise MissingRequirement(
                f"{section}: {option}: {one.reference} of plugin {one.plugin} {one.version} is {was}; a {kind.__name__} was expected",
                hint=f"Tell the authors of {one.plugin}.",
            )
        missing = sorted(getattr(found, "__abstractmethods__", ()))
        if missing:
            raise MissingRequirement(
                f"{section}: {option}: {one.reference} of plugin {one.plugin} {one.version} lacks {', '.join(missing)}, which every {kind.__name__} has",
                hint=f"Tell the authors of {one.plugin}.",
            )
        return found

    def resolve(self, one: Provided) -> object:
        """Import whatever a reference names; MissingRequirement when that fails."""
        from importlib import import_module

        module, _, attribute = one.reference.partition(":")
        reach(self.imports)
        what = f"{one.section}: {one.option}: plugin {one.plugin} {one.version} cannot provide {one.reference}"
        try:
            found: object = import_module(module)
        except Exception as error:
            raise MissingRequirement(f"{what}: {type(error).__name__}: {error}{place(error, module)}", hint=_remedy(error, one)) from error
        for part in attribute.split("."):
            if not hasattr(found, part):
                raise MissingRequirement(f"{what}: module {module} has no {part}.", hint=nearest(part, dir(found)))
            found = getattr(found, part)
        return found

    def _one(self, section: str, option: str) -> Provided:
        for clash in self.clashes:
            if (clash.section, clash.option) == (_LIKE.get(section, section), option):
                raise RecipeError(f"{clash}", hint="Uninstall one of them, or name it in MLFORGE_BLOCK_PLUGINS.")
        options = self.options(section)
        if option not in options:
            known = ", ".join(options) or "no options"
            raise RecipeError(f"{section}: {option}: no such option; {section} has {known}", hint=nearest(option, options))
        return options[option]


def reach(folders: Iterable[Path]) -> None:
    """Let the project's own modules be imported. They come last: a project's `random.py` must not replace Python's."""
    for folder in folders:
        if str(folder) not in sys.path and folder.is_dir():
            sys.path.append(str(folder))


def _remedy(error: Exception, one: Provided) -> str:
    lacking = error.name.partition(".")[0] if isinstance(error, ModuleNotFoundError) and error.name else ""
    if lacking and lacking != one.reference.partition(".")[0].partition(":")[0]:
        return f"Install what has the module {lacking}, or reinstall {one.plugin}."
    return f"Reinstall {one.plugin}, or tell its authors."
