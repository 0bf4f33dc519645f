"""mlforge's runs, findings, bundles and versions on an MLflow server. Nothing here imports MLflow until there is something to send."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlforge.hookspecs import hookimpl

if TYPE_CHECKING:
    from mlforge.artifact import Made
    from mlforge.errors import Problem
    from mlforge.finding import Finding
    from mlforge_mlflow.settings import Settings
    from mlforge_mlflow.tracking import Tracker

__all__ = ["mlforge_check", "mlforge_configure", "mlforge_event", "mlforge_findings", "mlforge_run_recipe", "mlforge_run_stage"]

MLFORGE_API = 1
MLFORGE_SETTINGS = "mlforge_mlflow.settings:Settings"

_settings: list[Settings] = []  # the project's, as they were given last
_trackers: dict[str, Tracker] = {}  # by run


@hookimpl
def mlforge_configure(settings: Settings) -> None:
    """Remember where the server is."""
    _settings[:] = [settings]


@hookimpl
def mlforge_check() -> list[Problem]:
    """Where tracking is required, there must be a server."""
    from mlforge.errors import Problem

    if not _settings or not _settings[-1].required or _somewhere():
        return []
    return [Problem("settings.mlforge-mlflow.required", "tracking is required, and no server is named", hint="Set uri beside it, or MLFLOW_TRACKING_URI.")]


@hookimpl(wrapper=True)
def mlforge_run_recipe(recipe: str, run: str, plain: Mapping[str, Any], overrides: Sequence[str], smoke: bool) -> Generator[None, Any, Any]:
    """Follow a run; not one that is only a trial."""
    if _somewhere() and not smoke:
        from mlforge_mlflow.tracking import Tracker

        _trackers[run] = Tracker(_settings[-1], recipe, run, plain, tuple(overrides))
    return (yield)


@hookimpl(wrapper=True)
def mlforge_run_stage(run: str) -> Generator[None, Any, Any]:
    """Show the run on the server as soon as there is work to do."""
    if run in _trackers:
        _trackers[run].begin()
    return (yield)


@hookimpl
def mlforge_findings(run: str, stage: str, findings: list[Finding], artifacts: Made) -> None:
    """Send what a stage has found and made."""
    if run in _trackers:
        _trackers[run].take(stage, findings, artifacts)


@hookimpl
def mlforge_event(event: str, subject: str, details: Mapping[str, Any]) -> None:
    """Close the run; mirror versions and aliases."""
    if event == "finished" and subject in _trackers:
        _trackers.pop(subject).finish(details)
    elif event == "registered" and details["run"] in _trackers and _settings[-1].models:
        _trackers[details["run"]].register(details)
    elif event in ("registered", "promoted", "rolled_back") and _somewhere() and _settings[-1].models:
        from mlforge_mlflow.models import mirror
        from mlforge_mlflow.server import Server

        Server.of(_settings[-1]).attempt(lambda client: mirror(client, _settings[-1], details))


def _somewhere() -> bool:
    """Is there a server at all: nothing is ever written into a folder that nobody named."""
    return bool(_settings) and bool(os.environ.get("MLFLOW_TRACKING_URI") or _settings[-1].uri)
