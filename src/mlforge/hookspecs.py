"""The hooks. A plugin implements any of them with `@hookimpl` in the module that its entry point names (group `mlforge`).

That module must import in milliseconds: hooks only, components as "module:Class". `mlforge_components` and `mlforge_register_commands` are called while
the index is built, in a process of their own; all others in the process that drives a run, in pluggy's order (last registered first). A hook takes those of
its arguments that it needs, by name.

Wrappers, `mlforge_findings` and `mlforge_event` only look on. Whatever they raise is a warning that names plugin and hook, stands in the run's report
and changes nothing else; a wrapper cannot swallow or replace what the run itself raises. One that the run must not go on without raises
`mlforge.errors.Vetoed`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import BaseModel

    from mlforge.artifact import Made
    from mlforge.components import Job, Stage
    from mlforge.errors import Problem
    from mlforge.finding import Finding

__all__ = ["API", "OLDEST_API", "hookimpl", "hookspec"]

API = 1
"""Version of these hooks and of the kinds in `mlforge.components`.

A plugin says in its module for which it is written, `MLFORGE_API = 1`, or with which it works, `MLFORGE_API = (1, 2)`. One that does not meet
`OLDEST_API` to `API` is refused with a reason.
"""

OLDEST_API = 1
"""The oldest version that this mlforge still understands: what it deprecates goes on working until this rises."""

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
def mlforge_configure(settings: BaseModel, root: Path) -> None:
    """Take the plugin's settings of this project, whose folder is `root`, before any other hook is called; each plugin is given its own.

    A plugin that has settings names their pydantic model in its module: `MLFORGE_SETTINGS = "mlforge_mlflow.settings:Settings"`. The project writes them
    under `[tool.mlforge.settings.mlforge-mlflow]`. They are validated first: a key that is unknown or wrong is a problem with file and line. Without such
    a table the model's defaults are given. Called by every verb that checks or runs a recipe, by `promote`, `rollback` and `serve`.
    """


@hookspec
def mlforge_check(recipe: Mapping[str, Any]) -> Iterable[Problem]:  # type: ignore[empty-body]
    """Return further problems of a composed recipe (plain data, secrets masked). Called by `check`, and by `plan` and `run` before anything else happens.

    An error in this hook fails the command and names the plugin.
    """


@hookspec(firstresult=True)
def mlforge_run_recipe(recipe: str, run: str, stages: list[str], plain: Mapping[str, Any], overrides: Sequence[str], smoke: bool) -> bool | None:
    """Carry out a run. mlforge's own implementation runs last and returns True; wrap it (`@hookimpl(wrapper=True)`) to track, time or notify.

    Called once a run, when the recipe is checked, the run is recorded and its lock is held; also for a run in which everything turns out to be reused.
    `recipe` is the name, `run` the run's id, `stages` the names of all stages in order, `plain` the composed recipe (plain data, secrets masked),
    `overrides` what the command line said, `smoke` whether it is only a trial. A wrapper sees the run's exception and must let it pass; a gate that says
    no is no exception (see the event `finished`).
    """


@hookspec(firstresult=True)
def mlforge_run_stage(stage: Stage, name: str, job: Job, run: str) -> bool | None:
    """Run one stage that is not reused. mlforge's own implementation runs last, calls `stage.run(job)` and returns True; wrap it to time or trace.

    Called for each try of a stage, outside its time limit; not for stages that are reused, nor for `register`.
    """


@hookspec
def mlforge_findings(run: str, stage: str, findings: list[Finding], artifacts: Made, reused: bool) -> None:
    """Take note of what a stage has found and made. Must not change it.

    Called when the stage is done and recorded; for stages that are reused too, which `reused` says.
    `artifacts.first(Trained)` is the artifact of that kind, or None; its folder is read-only. Where artifacts lie at a URL, asking for one fetches it.
    """


@hookspec
def mlforge_event(event: str, subject: str, details: Mapping[str, Any]) -> None:
    """Take note of something that happened. Called after it is recorded. `details` is plain data:

    - `registered`, a new version: `subject` is "adult 3"; details have `model`, `version`, `aliases`, `run`, `bundle` (its folder), `digest` (of all variants).
    - `promoted`, an alias was moved: `subject` is "adult 3"; as above, with `alias` and `reason`.
    - `rolled_back`, an alias went back: likewise, with `before`, the version that was rolled back. Told by
      `mlforge rollback`, `mlforge watch` or the server.
    - `alert`, monitors have opened an alert, or it has become worse; `alert_over`, it is over: `subject` is its number; `model`, `version`, `monitor`,
      `finding`, `part` (the group of rows, or ""), `severity`, `state`, `windows`, `begins`, `ends`, `count` (of windows that alarm), `text`, `effect` (share
      of performance that is lost, or None), `measure`, `next` (commands). Called by whoever looks: `mlforge monitor`, `mlforge watch` or the server.
    - `approved` or `rejected`, somebody signed: `subject` is the model; `model`, `role`, `actor`, `reason`, `run`, `digest` (as above), `verdict` (a digest).
    - `finished`, a run ended: `subject` is its id; `recipe`, `state` ("done", "refused", "waiting" for somebody to sign, "failed" or "interrupted"),
      `exit_code`, `message`, `smoke`, `ran` (the stages that were not reused), `seconds`, `report` (folder of its report, or None when nothing ran), and
      `registered` (as above, also when it had been registered before, or None). A run whose process is killed tells nothing: what is written at this event
      must bear being written later.
    """
