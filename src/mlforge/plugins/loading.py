"""Loading the plugins that carry behaviour: when a run starts, and only those that implement one of those hooks."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from importlib import import_module
from types import ModuleType

from pluggy import PluginManager, PluginValidationError

from mlforge import hookspecs
from mlforge.errors import Deprecation, MissingRequirement, MlforgeError, RunFailed
from mlforge.plugins.facade import OWN, Hooks, Own
from mlforge.plugins.guard import Mishaps
from mlforge.plugins.settings import nobody_missing, settings_of
from mlforge.plugins.states import PluginState
from mlforge.plugins.table import Catalog, reach
from mlforge.plugins.trace import place
from mlforge.project import Project

__all__ = ["hooks"]

_INDEX = frozenset({"mlforge_components", "mlforge_register_commands"})  # called when the index is built, never here
_WRAPPED = ("mlforge_run_recipe", "mlforge_run_stage")
_CONFIGURE = "mlforge_configure"


def hooks(project: Project, catalog: Catalog) -> Hooks:
    """The hooks of the plugins that are ok, each with its settings.

    Raises MissingRequirement when a plugin that answered for the index cannot be loaded now, or one that has settings is not there; RecipeError when
    settings are wrong.
    """
    manager, mishaps = PluginManager("mlforge"), Mishaps()
    manager.add_hookspecs(hookspecs)
    manager.register(Own(), OWN)
    reach(project.imports if catalog.imports else ())
    nobody_missing(project, catalog.plugins)
    for plugin in _behaving(catalog.plugins):
        module = _load(manager, plugin)
        _guard(manager, plugin, mishaps)
        _configure(manager, module, plugin, project)
    return Hooks(manager, mishaps)


def _behaving(plugins: Iterable[PluginState]) -> list[PluginState]:
    return [plugin for plugin in plugins if plugin.state == "ok" and set(plugin.hooks) - _INDEX]


def _load(manager: PluginManager, plugin: PluginState) -> ModuleType:
    hint = f"Reinstall it, or leave it out: MLFORGE_BLOCK_PLUGINS={plugin.name}."
    try:
        module = import_module(plugin.module)
    except Exception as error:
        raise MissingRequirement(
            f"plugin {plugin.name} {plugin.version} cannot be loaded: {type(error).__name__}: {error}{place(error, plugin.module)}", hint=hint
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Deprecation)  # the index knows them, and they are told in one way
            manager.register(module, plugin.name)
        manager.check_pending()
    except (PluginValidationError, ValueError) as error:
        raise MissingRequirement(f"plugin {plugin.name} {plugin.version} has a hook that does not fit: {error}", hint=hint) from error
    return module


def _guard(manager: PluginManager, plugin: PluginState, mishaps: Mishaps) -> None:
    """Put a guard around the plugin's wrappers. pluggy calls whatever function the implementation has."""
    for name in sorted(set(plugin.hooks) - _INDEX):
        for impl in getattr(manager.hook, name).get_hookimpls():
            if impl.plugin_name != plugin.name:
                continue
            if impl.hookwrapper or (impl.wrapper and name not in _WRAPPED):
                found = "is wrapped in pluggy's old way; write wrapper=True" if name in _WRAPPED else "cannot be wrapped"
                raise MissingRequirement(f"plugin {plugin.name} {plugin.version} has a hook that does not fit: {name} {found}", hint=_without(plugin))
            if impl.wrapper:
                impl.function = mishaps.guarded(plugin.name, name, plugin.module, impl.function)


def _configure(manager: PluginManager, module: ModuleType, plugin: PluginState, project: Project) -> None:
    """Give a plugin its settings, where it has any."""
    settings = settings_of(plugin, module, project)
    if settings is None:
        return
    told = {"settings": settings, "root": project.root}
    for impl in getattr(manager.hook, _CONFIGURE).get_hookimpls():
        if impl.plugin_name != plugin.name:
            continue
        try:
            impl.function(*(told[name] for name in impl.argnames))
        except MlforgeError:
            raise
        except Exception as error:
            where = place(error, plugin.module)
            raise RunFailed(f"{_CONFIGURE} of plugin {plugin.name} failed: {type(error).__name__}: {error}{where}", hint=_without(plugin)) from error


def _without(plugin: PluginState) -> str:
    return f"Tell its authors, or leave it out: MLFORGE_BLOCK_PLUGINS={plugin.name}."
