"""What a project tells its plugins: `[tool.mlforge.settings.NAME]`, held against the model that the plugin names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from mlforge.errors import MissingRequirement, Origin, Problem, RecipeError, nearest
from mlforge.plugins.states import PluginState
from mlforge.plugins.trace import place
from mlforge.project import Project

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["nobody_missing", "settings_of"]

_NAME = "MLFORGE_SETTINGS"


def nobody_missing(project: Project, plugins: Iterable[PluginState]) -> None:
    """Raise MissingRequirement when the project has settings for a plugin that is not installed."""
    known = {plugin.name for plugin in plugins}
    for name in project.given:
        if name not in known:
            where = f"{_shown(project)}: settings.{name}"
            hint = f"{nearest(name, known - {'mlforge'})} Else pip install {name}, or take the table out.".removeprefix(" Else ")
            raise MissingRequirement(f"{where}: no such plugin is installed", hint=hint)


def settings_of(plugin: PluginState, module: ModuleType, project: Project) -> BaseModel | None:
    """The plugin's settings, checked; None when it has none. RecipeError with every key that is unknown or wrong."""
    given = project.given.get(plugin.name, {})
    reference = getattr(module, _NAME, None)
    if reference is None:
        if given:
            raise RecipeError(f"{_shown(project)}: settings.{plugin.name}: the plugin has no settings", hint="Take the table out.")
        return None
    from pydantic import ValidationError

    kind = _model(plugin, str(reference))
    try:
        return kind.model_validate(dict(given))
    except ValidationError as error:
        problems = [_problem(project, plugin.name, kind, one["type"], one["loc"], one["msg"]) for one in error.errors()]
        raise RecipeError(f"{len(problems)} problem{'s' * (len(problems) > 1)} in the project's settings of {plugin.name}", problems=problems) from None


def _model(plugin: PluginState, reference: str) -> type[BaseModel]:
    from pydantic import BaseModel

    name, _, attribute = reference.partition(":")
    try:
        found = getattr(import_module(name), attribute)
    except Exception as error:
        raise MissingRequirement(
            f"plugin {plugin.name} {plugin.version} cannot provide {_NAME} {reference}: {type(error).__name__}: {error}{place(error, name)}",
            hint=f"Reinstall it, or tell its authors; without it: MLFORGE_BLOCK_PLUGINS={plugin.name}.",
        ) from error
    if not (isinstance(found, type) and issubclass(found, BaseModel)):
        raise MissingRequirement(f"{reference} of plugin {plugin.name} is no pydantic model", hint=f"Tell the authors of {plugin.name}.")
    return found


def _problem(project: Project, plugin: str, kind: type[BaseModel], sort: str, loc: tuple[int | str, ...], said: str) -> Problem:
    key = ".".join(str(part) for part in loc)
    where = ".".join(part for part in ("settings", plugin, key) if part)
    origin = _place(project, plugin, str(loc[0]) if loc else "")
    if sort == "extra_forbidden":
        return Problem(where, "unknown setting", origin, f"there are {', '.join(kind.model_fields)}", nearest(str(loc[-1]), kind.model_fields))
    return Problem(where, said.removeprefix("Value error, "), origin)


def _place(project: Project, plugin: str, key: str) -> Origin:
    """The line of a key below the plugin's table; of the table where the key is not found."""
    assert project.settings is not None, "settings come from a file"
    table = None
    for number, line in enumerate(project.settings.read_text(encoding="utf-8").splitlines(), 1):
        if re.match(r"\s*\[", line):
            if table is not None:
                break
            table = number if re.match(rf"\s*\[.*settings\.[\"']?{re.escape(plugin)}[\"']?\s*\]", line) else None
        elif table is not None and key and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", line):
            return Origin(_shown(project), number)
    return Origin(_shown(project), table)


def _shown(project: Project) -> str:
    assert project.settings is not None, "settings come from a file"
    try:
        return str(project.settings.relative_to(Path.cwd()))
    except ValueError:
        return str(project.settings)
