"""What Prometheus is told of one run."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlforge.artifact import Made, Verdict
from mlforge.finding import Finding

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

__all__ = ["Measures"]

_STATES = ("done", "refused", "waiting", "failed", "interrupted")


@dataclass
class Measures:
    """Gathers what stages find, until the run is over."""

    recipe: str
    seconds: dict[str, float] = field(default_factory=dict)  # by stage
    _findings: list[Finding] = field(default_factory=list)
    _rulings: list[Mapping[str, Any]] = field(default_factory=list)

    def take(self, findings: Iterable[Finding], artifacts: Made) -> None:
        """What a stage has found; what the gates said."""
        self._findings += [one for one in findings if one.value is not None and math.isfinite(one.value) and not one.name.startswith("gate/")]
        if (verdict := artifacts.first(Verdict)) is not None:
            self._rulings += verdict.json("verdict.json")["rulings"]

    def registry(self, ended: Mapping[str, Any]) -> CollectorRegistry:
        """Everything as metrics; `ended` is what the event `finished` says."""
        from prometheus_client import CollectorRegistry, Gauge

        registry = CollectorRegistry()

        def gauge(name: str, what: str, *labels: str) -> Gauge:
            return Gauge(f"mlforge_{name}", what, ("recipe", *labels), registry=registry)

        gauge("run_finished_timestamp_seconds", "When the last run ended.").labels(self.recipe).set(time.time())
        gauge("run_duration_seconds", "How long the last run took.").labels(self.recipe).set(ended["seconds"])
        gauge("run_exit_code", "How the last run ended, as the command's exit code.").labels(self.recipe).set(_code(ended))
        state = gauge("run_state", "1 for the state in which the last run ended.", "state")
        for name in _STATES:
            state.labels(self.recipe, name).set(name == ended["state"])
        stage = gauge("stage_duration_seconds", "How long a stage of the last run took; of stages that were not reused.", "stage")
        for name, seconds in self.seconds.items():
            stage.labels(self.recipe, name).set(seconds)
        finding = gauge("finding", "What the last run measured.", "name", "subject", "variant")
        for one in self._findings:
            finding.labels(self.recipe, one.name, one.subject, one.variant).set(one.value or 0.0)
        passed = gauge("gate_passed", "1 for a rule of a gate that was kept in the last run, 0 for one that was broken.", "rule")
        for ruling in self._rulings:
            passed.labels(self.recipe, str(ruling["rule"])).set(bool(ruling["passed"]))
        version = gauge("model_version", "The version that the last run made or found, by alias.", "alias")
        for alias in (ended["registered"] or {}).get("aliases", ()):
            version.labels(self.recipe, alias).set(ended["registered"]["version"])
        return registry


def _code(ended: Mapping[str, Any]) -> int:
    return int(ended["exit_code"] if ended["exit_code"] is not None else 1)
