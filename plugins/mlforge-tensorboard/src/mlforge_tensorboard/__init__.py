"""mlforge's curves and findings as TensorBoard event files. Nothing here imports TensorBoard until there is something to write."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlforge.hookspecs import hookimpl

if TYPE_CHECKING:
    from mlforge.artifact import Made
    from mlforge.finding import Finding
    from mlforge_tensorboard.events import Events
    from mlforge_tensorboard.settings import Settings

__all__ = ["mlforge_configure", "mlforge_event", "mlforge_findings", "mlforge_register_commands", "mlforge_run_recipe", "mlforge_run_stage"]

MLFORGE_API = 1
MLFORGE_SETTINGS = "mlforge_tensorboard.settings:Settings"

_folders: list[Path] = []  # the project's, as it was given last
_writing: dict[str, Events] = {}  # by run


@hookimpl
def mlforge_register_commands() -> dict[str, str]:
    """The command that shows what was written."""
    return {"tensorboard": "mlforge_tensorboard.command:command"}


@hookimpl
def mlforge_configure(settings: Settings, root: Path) -> None:
    """Remember where to write."""
    _folders[:] = [settings.under(root)]


@hookimpl(wrapper=True)
def mlforge_run_recipe(recipe: str, run: str, smoke: bool) -> Generator[None, Any, Any]:
    """Follow a run; not one that is only a trial."""
    if not smoke:
        from mlforge_tensorboard.events import Events

        _writing[run] = Events(_folders[-1] / recipe / run)
    return (yield)


@hookimpl(wrapper=True)
def mlforge_run_stage(run: str) -> Generator[None, Any, Any]:
    """From here on the run is one that has something to tell."""
    if run in _writing:
        _writing[run].begin()
    return (yield)


@hookimpl
def mlforge_findings(run: str, findings: list[Finding], artifacts: Made) -> None:
    """Write what a stage has found, and the curves of a training."""
    if run in _writing:
        _writing[run].take(findings, artifacts)


@hookimpl
def mlforge_event(event: str, subject: str) -> None:
    """Close the file of a run that is over."""
    if event == "finished" and subject in _writing:
        _writing.pop(subject).close()
