"""The hooks that carry behaviour, typed. Plugins' modules are loaded here, when a run starts, and only those that implement one of these hooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pluggy import PluginManager, PluginValidationError

from mlforge import hookspecs
from mlforge.errors import MissingRequirement, MlforgeError, Problem, RunFailed
from mlforge.plugins.states import PluginState
from mlforge.plugins.table import Catalog, reach
from mlforge.plugins.trace import place

if TYPE_CHECKING:
    from mlforge.components import Job, Stage
    from mlforge.finding import Finding
    from mlforge.project import Project

__all__ = ["Hooks", "hooks"]

_INDEX = frozenset({"mlforge_components", "mlforge_register_commands"})  # called when the index is built, never here
_OWN = "mlforge"


class Hooks:
    """Calls the hooks of every plugin, and says whose fault it is when one breaks."""

    def __init__(self, manager: PluginManager) -> None:
        self._manager = manager

    @property
    def plugins(self) -> tuple[str, ...]:
        """The plugins whose hooks are called, in the order in which they were loaded."""
        return tuple(name for name, _ in self._manager.list_name_plugin() if name != _OWN)

    def check(self, recipe: Mapping[str, Any]) -> list[Problem]:
        """Further problems of a composed recipe."""
        return [problem for found in self._call("mlforge_check", recipe=recipe) for problem in found]

    def run_recipe(self, recipe: str, run: str, stages: list[str]) -> bool | None:
        """Carry out a run; True when somebody has."""
        done: bool | None = self._call("mlforge_run_recipe", recipe=recipe, run=run, stages=stages)
        return done

    def run_stage(self, stage: Stage, name: str, job: Job) -> bool | None:
        """Run one stage; True when somebody has."""
        done: bool | None = self._call("mlforge_run_stage", stage=stage, name=name, job=job)
        return done

    def findings(self, run: str, stage: str, findings: list[Finding]) -> None:
        """Tell of a batch of findings."""
        self._call("mlforge_findings", run=run, stage=stage, findings=findings)

    def event(self, event: str, subject: str, details: Mapping[str, Any]) -> None:
        """Tell of something that has happened and is recorded."""
        self._call("mlforge_event", event=event, subject=subject, details=details)

    def _call(self, hook: str, **arguments: object) -> Any:
        try:
            return getattr(self._manager.hook, hook)(**arguments)
        except MlforgeError:
            raise
        except Exception as error:
            culprit = self._culprit(hook, error)
            if culprit == _OWN:
                raise
            module = getattr(self._manager.get_plugin(culprit), "__name__", culprit)
            raise RunFailed(
                f"{hook} of plugin {culprit} failed: {type(error).__name__}: {error}{place(error, module)}",
                hint=f"Tell its authors, or leave it out: MLFORGE_BLOCK_PLUGINS={culprit}.",
            ) from error

    def _culprit(self, hook: str, error: Exception) -> str:
        """The plugin whose implementation the error came from: the deepest in the traceback. A wrapper that lets an error pass is higher up."""
        owners = {getattr(impl.function, "__code__", None): impl.plugin_name for impl in getattr(self._manager.hook, hook).get_hookimpls()}
        culprit, trace = _OWN, error.__traceback__
        while trace is not None:
            culprit = owners.get(trace.tb_frame.f_code, culprit)
            trace = trace.tb_next
        return culprit

    @cached_property
    def implemented(self) -> frozenset[str]:
        """The hooks that any plugin implements."""
        names = (name for name in vars(hookspecs) if name.startswith("mlforge_"))
        return frozenset(name for name in names if getattr(self._manager.hook, name).get_hookimpls())


def hooks(project: Project, catalog: Catalog, own: object | None = None) -> Hooks:
    """The hooks of the plugins that are ok. `own` has mlforge's implementations (methods with `@hookimpl`), which run last.

    Raises MissingRequirement when a plugin that answered for the index cannot be loaded now.
    """
    manager = PluginManager("mlforge")
    manager.add_hookspecs(hookspecs)
    if own is not None:
        manager.register(own, _OWN)  # first registered, last called
    reach(project.imports if catalog.imports else ())
    for plugin in _behaving(catalog.plugins):
        _load(manager, plugin)
    return Hooks(manager)


def _behaving(plugins: Iterable[PluginState]) -> list[PluginState]:
    return [plugin for plugin in plugins if plugin.state == "ok" and set(plugin.hooks) - _INDEX]


def _load(manager: PluginManager, plugin: PluginState) -> None:
    hint = f"Reinstall it, or leave it out: MLFORGE_BLOCK_PLUGINS={plugin.name}."
    try:
        module = import_module(plugin.module)
    except Exception as error:
        raise MissingRequirement(
            f"plugin {plugin.name} {plugin.version} cannot be loaded: {type(error).__name__}: {error}{place(error, plugin.module)}", hint=hint
        ) from error
    try:
        manager.register(module, plugin.name)
        manager.check_pending()
    except (PluginValidationError, ValueError) as error:
        raise MissingRequirement(f"plugin {plugin.name} {plugin.version} has a hook that does not fit: {error}", hint=hint) from error
