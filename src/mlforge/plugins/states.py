"""What the index says of plugins: who they are, what they provide, and what is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mlforge.plugins.api import Range

__all__ = ["Clash", "Folder", "PluginState", "Provided", "State"]

State = Literal["ok", "broken", "blocked", "clash", "api"]


@dataclass(frozen=True, slots=True)
class Provided:
    """One option of a section, and who provides it. Commands are the options of the section "commands"."""

    section: str
    option: str
    reference: str  # "module:Class"
    plugin: str
    version: str


@dataclass(frozen=True, slots=True)
class Folder:
    """Where a plugin keeps presets and recipes; None for a folder that is not there."""

    plugin: str
    version: str
    conf: Path | None
    recipes: Path | None


@dataclass(frozen=True, slots=True)
class Clash:
    """Two or more plugins that provide the same option."""

    section: str
    option: str
    plugins: tuple[str, ...]  # with their versions: "mlforge-lightgbm 0.2.1"

    def __str__(self) -> str:
        return f"{self.section}/{self.option} is provided by {' and by '.join(self.plugins)}"


@dataclass(frozen=True, slots=True)
class PluginState:
    """One plugin, as `mlforge plugins` lists it."""

    name: str
    version: str
    module: str
    state: State
    reason: str = ""  # why it is not ok: what was found, where, what to do
    api: Range | None = None  # the versions of the hooks that it is written for; None when that is not known
    components: tuple[str, ...] = ()  # "section/option"
    commands: tuple[str, ...] = ()
    hooks: tuple[str, ...] = field(default=())  # the hooks that it implements
    seconds: float = 0.0  # how long its module took to load when the index was built
    local: bool = False  # a module of the project itself
    warnings: tuple[str, ...] = ()  # what it uses that will go
