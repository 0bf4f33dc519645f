"""The hooks. A plugin implements any of them with `@hookimpl` in the module that its entry point names (group `mlforge`).

That module must import in milliseconds: hooks only, components as "module:Class". `mlforge_components` and `mlforge_register_commands` are called while
the index is built, in a process of their own; all others in the process that drives a run, in pluggy's order (last registered first).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from mlforge.components import Job, Stage
    from mlforge.errors import Problem
    from mlforge.finding import Finding

__all__ = ["API", "hookimpl", "hookspec"]

API = 1
"""Version of these hooks and of the kinds in `mlforge.components`.

A plugin may set `MLFORGE_API = 1` in its module; another number is refused with a reason.
"""

hookspec = pluggy.HookspecMarker("mlforge")
hookimpl = pluggy.HookimplMarker("mlforge")


@hookspec
def mlforge_components() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Return the components of the plugin: `{"model/lightgbm": "mlforge_lightgbm.model:LightGBM"}`.

    Called while the index is built, in a process of its own with a time limit. The classes are imported when a recipe uses them, and not before.
    """


@hookspec
def mlforge_register_commands() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Return commands for the command line: `{"tensorboard": "mlforge_tensorboard.cli:command"}`, each a `click.Command`.

    Called while the index is built, in a process of its own with a time limit. The command is imported when it is run or its help is asked for.
    """


@hookspec
def mlforge_check(recipe: Mapping[str, Any]) -> Iterable[Problem]:  # type: ignore[empty-body]
    """Return further problems of a composed recipe (plain data, secrets masked). Called by `check`, and by `plan` and `run` before anything else happens."""


@hookspec(firstresult=True)
def mlforge_run_recipe(recipe: str, run: str, stages: list[str]) -> bool | None:
    """Carry out a run. mlforge's own implementation runs last and returns True; wrap it (`@hookimpl(wrapper=True)`) to track, time or notify.

    `recipe` is the name, `run` the run's id, `stages` the names of all stages in order. A wrapper sees the run's exception and must let it pass.
    """


@hookspec(firstresult=True)
def mlforge_run_stage(stage: Stage, name: str, job: Job) -> bool | None:
    """Run one stage that is not reused. mlforge's own implementation runs last, calls `stage.run(job)` and returns True; wrap it to time or trace."""


@hookspec
def mlforge_findings(run: str, stage: str, findings: list[Finding]) -> None:
    """Take note of a batch of findings, when their stage is done. Called for reused stages too. Must not change them."""


@hookspec
def mlforge_event(event: str, subject: str, details: Mapping[str, Any]) -> None:
    """Take note of something that happened: `registered`, `promoted`, `rolled_back`, after it is recorded. `subject` is "adult 3"."""
