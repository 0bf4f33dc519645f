"""The order in which files are laid over each other: Hydra works it out from their defaults lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlforge.errors import Problem
from mlforge.recipe.document import Choice, Document, Parent
from mlforge.recipe.library import Library
from mlforge.recipe.lineage import Lineage, Use
from mlforge.sections import SECTIONS

if TYPE_CHECKING:
    from hydra.core.default_element import InputDefault
    from hydra.plugins.config_source import ConfigResult

__all__ = ["Layer", "Listing", "layers"]

COMPONENT = "="  # before the name of a component that a preset of the same name builds on


@dataclass(frozen=True, slots=True)
class Layer:
    """One file, and the address at which its keys land ("" for a recipe)."""

    document: Document
    address: str


@dataclass(slots=True)
class Listing:
    """Every file's defaults list in the form that Hydra orders.

    Each section is listed once, by the first file that names it; who chose what is settled already, and is handed to Hydra as overrides. So a child may
    choose an option with or without `override`, and whether or not a parent lists the section.
    """

    library: Library
    root: str
    chosen: Mapping[str, Sequence[str]]  # options by section
    items: dict[str, list[Parent | Choice]] = field(default_factory=dict)
    listed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Go through the recipe and its parents, parents first."""
        self._visit(self.root)
        extra = [Choice(section, (), item.origin) for section in self.chosen if section not in self.listed for item in self.items[self.root][:1]]
        self.items[self.root] = [*extra, *self.items[self.root]]

    def _visit(self, name: str) -> None:
        document = self.library.recipe(name)
        self.items[name] = []  # being visited
        parents = [item for item in document.parents if item.name not in self.items and self.library.recipe(item.name)] if document else []
        for parent in parents:
            self._visit(parent.name)
        for item in document.defaults if document else ():
            if isinstance(item, Parent):
                if item.is_self or item in parents:
                    self.items[name].append(item)
            elif item.section not in self.listed:
                self.listed.add(item.section)
                self.items[name].append(item)

    def defaults(self, name: str) -> list[InputDefault]:
        """A file's defaults list as Hydra's own objects."""
        from hydra.core.default_element import ConfigDefault, GroupDefault

        section, _, option = name.rpartition("/")
        if section:
            preset = self.library.preset(section, option)
            names = [COMPONENT + item.name if item.name == option else item.name for item in preset.defaults if isinstance(item, Parent)] if preset else []
            return [ConfigDefault(path=item, package=None if item == "_self_" else "") for item in names]
        made: list[InputDefault] = []
        for item in self.items.get(name, ()):
            if isinstance(item, Parent):
                made.append(ConfigDefault(path=item.name))
            else:
                made.append(GroupDefault(group=item.section, value=self.value(item.section)))
        return made

    def value(self, section: str) -> list[str] | str | None:
        """The options of a section as Hydra takes them."""
        names = list(self.chosen.get(section, ()))
        return names if SECTIONS[section].plural else names[0] if names else None

    def package(self, name: str) -> str:
        """Where a file's keys land, unless a preset builds on it."""
        section, _, option = name.rpartition("/")
        return "_global_" if not section else f"_global_.{section}.{option}" if SECTIONS[section].plural else f"_global_.{section}"

    def has(self, name: str) -> bool:
        """Is there such a file or component."""
        section, _, option = name.rpartition("/")
        if not section:
            return self.library.recipe(name) is not None
        return section in SECTIONS and self.library.exists(section, option.removeprefix(COMPONENT))


def layers(lineage: Lineage, uses: Mapping[str, Use]) -> tuple[list[Layer], list[Problem]]:
    """All files of a recipe in the order in which they are laid over each other, the last on top."""
    chosen: dict[str, list[str]] = {}
    for where, use in uses.items():
        if use.listed is not None and lineage.library.exists(where.partition(".")[0], use.listed):
            chosen.setdefault(where.partition(".")[0], []).append(use.listed)
    listing = Listing(lineage.library, lineage.root, chosen)
    made: list[Layer] = []
    from hydra.errors import HydraException

    try:
        for name, package in _ordered(listing):
            section, _, option = name.rpartition("/")
            library = lineage.library
            document = library.recipe(name) if not section else None if option.startswith(COMPONENT) else library.preset(section, option)
            if document is not None:
                made.append(Layer(document, package))
    except HydraException as error:
        root = lineage.library.recipe(lineage.root)
        return [], [Problem("defaults", str(error).split("\n")[0], root.body.origin if root else None)]
    return made, []


def _ordered(listing: Listing) -> list[tuple[str, str]]:
    from hydra import version
    from hydra._internal.defaults_list import create_defaults_list

    version.setbase("1.3")
    result = create_defaults_list(_repository(listing), listing.root, [], prepend_hydra=False, skip_missing=False)
    return [(str(item.config_path), str(item.package or "")) for item in result.defaults]


def _repository(listing: Listing) -> object:
    """Hydra's view of the library. It sees names and defaults lists only; contents are merged by us, with their origins."""
    from hydra._internal.config_repository import IConfigRepository
    from hydra.core.object_type import ObjectType
    from hydra.plugins.config_source import ConfigResult, ConfigSource
    from omegaconf import OmegaConf

    class Repository(IConfigRepository):  # type: ignore[misc]
        def get_schema_source(self) -> ConfigSource:
            raise NotImplementedError

        def get_sources(self) -> list[ConfigSource]:
            return []

        def initialize_sources(self, config_search_path: object) -> None:
            """Nothing to prepare."""

        def config_exists(self, config_path: str) -> bool:
            return listing.has(config_path)

        def group_exists(self, config_path: str) -> bool:
            return config_path in SECTIONS

        def get_group_options(self, group_name: str, results_filter: ObjectType | None = None) -> list[str]:
            return listing.library.options(group_name)

        def load_config(self, config_path: str) -> ConfigResult | None:
            if not listing.has(config_path):
                return None
            made = ConfigResult("mlforge", config_path, OmegaConf.create(), {"package": listing.package(config_path)})
            made.defaults_list = listing.defaults(config_path)
            return made

    return Repository()
