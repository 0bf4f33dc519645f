"""The hooks that carry behaviour, typed. Plugins' modules are loaded here, when a run starts, and only those that implement one of these hooks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pluggy import PluginManager, PluginValidationError

from mlforge import hookspecs
from mlforge.errors import MissingRequirement, MlforgeError, Problem, RunFailed
from mlforge.hookspecs import hookimpl
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

Work = Callable[[], object]
_recipe: ContextVar[Work] = ContextVar("_recipe")
_stage: ContextVar[Work] = ContextVar("_stage")


class _Own:
    """mlforge's own implementations: do the work that the engine has handed in. Registered first, so called last, inside every wrapper."""

    @hookimpl
    def mlforge_run_recipe(self) -> bool:
        _recipe.get()()
        return True

    @hookimpl
    def mlforge_run_stage(self) -> bool:
        _stage.get()()
        return True


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

    def run_recipe(self, recipe: str, run: str, stages: list[str], work: Work) -> None:
        """Carry out a run: `work`, inside what plugins wrap around it."""
        token = _recipe.set(work)
        try:
            self._call("mlforge_run_recipe", recipe=recipe, run=run, stages=stages)
        finally:
            _recipe.reset(token)

    def run_stage(self, stage: Stage, name: str, job: Job, work: Work) -> None:
        """Run one stage: `work`, inside what plugins wrap around it."""
        token = _stage.set(work)
        try:
            self._call("mlforge_run_stage", stage=stage, name=name, job=job)
        finally:
            _stage.reset(token)

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


def hooks(project: Project, catalog: Catalog) -> Hooks:
    """The hooks of the plugins that are ok.

    Raises MissingRequirement when a plugin that answered for the index cannot be loaded now.
    """
    manager = PluginManager("mlforge")
    manager.add_hookspecs(hookspecs)
    manager.register(_Own(), _OWN)
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
