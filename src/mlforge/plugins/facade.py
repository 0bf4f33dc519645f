"""The hooks that carry behaviour, typed: who is called, and who is named when one breaks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from pluggy import PluginManager

from mlforge.errors import MlforgeError, Problem, RunFailed, Vetoed
from mlforge.hookspecs import hookimpl
from mlforge.plugins.guard import Mishap, Mishaps
from mlforge.plugins.trace import place

if TYPE_CHECKING:
    from mlforge.artifact import Made
    from mlforge.components import Job, Stage
    from mlforge.finding import Finding

__all__ = ["OWN", "Hooks", "Own"]

OWN = "mlforge"  # the name under which mlforge's own implementations are registered

Work = Callable[[], object]
_recipe: ContextVar[Work] = ContextVar("_recipe")
_stage: ContextVar[Work] = ContextVar("_stage")


class Own:
    """mlforge's own implementations: do the work that the engine has handed in. Registered first, so called last, inside every wrapper."""

    @hookimpl
    def mlforge_run_recipe(self) -> bool:
        """Carry out the run."""
        _recipe.get()()
        return True

    @hookimpl
    def mlforge_run_stage(self) -> bool:
        """Run the stage."""
        _stage.get()()
        return True


class Hooks:
    """Calls the hooks of every plugin, and says whose fault it is when one breaks."""

    def __init__(self, manager: PluginManager, mishaps: Mishaps | None = None) -> None:
        self._manager = manager
        self._mishaps = mishaps or Mishaps()

    @property
    def plugins(self) -> tuple[str, ...]:
        """The plugins whose hooks are called, in the order in which they were loaded."""
        return tuple(name for name, _ in self._manager.list_name_plugin() if name != OWN)

    @property
    def mishaps(self) -> tuple[Mishap, ...]:
        """What went wrong so far in plugins that only look on."""
        return tuple(self._mishaps.seen)

    def check(self, recipe: Mapping[str, Any]) -> list[Problem]:
        """Further problems of a composed recipe."""
        return [problem for found in self._call("mlforge_check", recipe=recipe) for problem in found]

    def run_recipe(self, recipe: str, run: str, stages: list[str], plain: Mapping[str, Any], overrides: Sequence[str], smoke: bool, work: Work) -> None:
        """Carry out a run: `work`, inside what plugins wrap around it."""
        token = _recipe.set(work)
        try:
            self._call("mlforge_run_recipe", recipe=recipe, run=run, stages=stages, plain=plain, overrides=overrides, smoke=smoke)
        finally:
            _recipe.reset(token)

    def run_stage(self, stage: Stage, name: str, job: Job, run: str, work: Work) -> None:
        """Run one stage: `work`, inside what plugins wrap around it."""
        token = _stage.set(work)
        try:
            self._call("mlforge_run_stage", stage=stage, name=name, job=job, run=run)
        finally:
            _stage.reset(token)

    def findings(self, run: str, stage: str, findings: list[Finding], artifacts: Made, reused: bool) -> None:
        """Tell what a stage has found and made."""
        self._tell("mlforge_findings", run=run, stage=stage, findings=findings, artifacts=artifacts, reused=reused)

    def event(self, event: str, subject: str, details: Mapping[str, Any]) -> None:
        """Tell of something that has happened and is recorded."""
        self._tell("mlforge_event", event=event, subject=subject, details=details)

    def _tell(self, hook: str, **arguments: object) -> None:
        """Every plugin is told, whatever the others do with it; then the first veto counts."""
        veto: Vetoed | None = None
        for impl in reversed(getattr(self._manager.hook, hook).get_hookimpls()):
            try:
                impl.function(*(arguments[name] for name in impl.argnames))
            except Vetoed as error:
                veto = veto or error
            except Exception as error:
                self._mishaps.note(impl.plugin_name, hook, self._module(impl.plugin_name), error)
        if veto is not None:
            raise veto

    def _call(self, hook: str, **arguments: object) -> Any:
        try:
            return getattr(self._manager.hook, hook)(**arguments)
        except MlforgeError:
            raise
        except Exception as error:
            culprit = self._culprit(hook, error)
            if culprit == OWN:
                raise
            raise RunFailed(
                f"{hook} of plugin {culprit} failed: {type(error).__name__}: {error}{place(error, self._module(culprit))}",
                hint=f"Tell its authors, or leave it out: MLFORGE_BLOCK_PLUGINS={culprit}.",
            ) from error

    def _module(self, plugin: str) -> str:
        return str(getattr(self._manager.get_plugin(plugin), "__name__", plugin))

    def _culprit(self, hook: str, error: Exception) -> str:
        """The plugin whose implementation the error came from: the deepest in the traceback. Wrappers are guarded, and let only the work's errors pass."""
        impls = [impl for impl in getattr(self._manager.hook, hook).get_hookimpls() if not impl.wrapper]
        owners = {getattr(impl.function, "__code__", None): impl.plugin_name for impl in impls}
        culprit, trace = OWN, error.__traceback__
        while trace is not None:
            culprit = owners.get(trace.tb_frame.f_code, culprit)
            trace = trace.tb_next
        return culprit
