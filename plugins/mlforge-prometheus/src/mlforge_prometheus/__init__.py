"""How mlforge's runs ended and what they measured, for Prometheus. Nothing here imports its client until there is something to write."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlforge.hookspecs import hookimpl

if TYPE_CHECKING:
    from mlforge.artifact import Made
    from mlforge.finding import Finding
    from mlforge_prometheus.measures import Measures
    from mlforge_prometheus.settings import Settings

__all__ = ["mlforge_configure", "mlforge_event", "mlforge_findings", "mlforge_run_recipe", "mlforge_run_stage"]

MLFORGE_API = 1
MLFORGE_SETTINGS = "mlforge_prometheus.settings:Settings"

_settings: list[Settings] = []  # the project's, as they were given last
_measured: dict[str, Measures] = {}  # by run


@hookimpl
def mlforge_configure(settings: Settings, root: Path) -> None:
    """Remember where to write."""
    _settings[:] = [settings.under(root)]


@hookimpl(wrapper=True)
def mlforge_run_recipe(recipe: str, run: str, smoke: bool) -> Generator[None, Any, Any]:
    """Measure a run; not one that is only a trial."""
    if not smoke and (_settings[-1].folder or _settings[-1].gateway):
        from mlforge_prometheus.measures import Measures

        _measured[run] = Measures(recipe)
    return (yield)


@hookimpl(wrapper=True)
def mlforge_run_stage(name: str, run: str) -> Generator[None, Any, Any]:
    """Time a stage; the last of its tries counts."""
    began = time.perf_counter()
    result = yield
    if run in _measured:
        _measured[run].seconds[name] = time.perf_counter() - began
    return result


@hookimpl
def mlforge_findings(run: str, findings: list[Finding], artifacts: Made) -> None:
    """Keep what a stage has found, and what the gates said."""
    if run in _measured:
        _measured[run].take(findings, artifacts)


@hookimpl
def mlforge_event(event: str, subject: str, details: Mapping[str, Any]) -> None:
    """Write it all down when the run is over."""
    if event == "finished" and subject in _measured:
        from mlforge_prometheus.writing import publish

        publish(_measured.pop(subject).registry(details), details["recipe"], _settings[-1])
