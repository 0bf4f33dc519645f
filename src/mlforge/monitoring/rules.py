"""Alerts for Prometheus: alerting rules over a server's metrics, and open alerts as metrics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mlforge.store import KeptAlert, Silence
from mlforge.store.alerts import silenced

__all__ = ["exposed", "labelled", "rules"]

_BEHIND = 600  # seconds after which monitors in a server are thought to stand still
_FAILED, _BROKEN = 0.01, 0.2  # shares of requests that fail, and of rows that break the contract, which are told
_HELP = {
    "mlforge_alert_open": "Alerts of monitors that are not over; 0 where nobody is to be told, since somebody looks after it or it is silenced.",
    "mlforge_alert_effect": "The estimated loss of performance of an open alert, as a share of what it was.",
}


def rules(model: str, slow: float) -> str:
    """A file of alerting rules for one model. `slow`: seconds that 99 of 100 requests may take."""
    import yaml

    head = f"# Alerting rules for {model}, written by `mlforge alerts rules`. Prometheus: rule_files; what it fires goes to Alertmanager.\n"
    document = {"groups": [{"name": f"mlforge-{model}", "rules": [*_of_monitors(model), *_of_servers(model, slow)]}]}
    return head + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=160)


def _of_monitors(model: str) -> Iterator[dict[str, Any]]:
    for severity in ("warning", "critical"):
        chosen = f"mlforge_alert_open{{model={_quoted(model)},severity={_quoted(severity)}}} == 1"
        told = "{{ $labels.finding }} alarms on {{ $labels.model }} {{ $labels.version }}"
        yield _rule("ModelAlert", chosen, severity, told, "mlforge alerts ls {{ $labels.model }}")
    here = f"and on (job, instance) mlforge_model_version{{model={_quoted(model)}}}"
    behind = f"((mlforge_monitor_failing == 1 or time() - mlforge_monitor_kept_timestamp_seconds > {_BEHIND}) {here})"
    yield _rule("MonitorsStandStill", behind, "warning", "what monitors count is not kept", f"mlforge doctor; mlforge monitor {model}", "5m")


def _of_servers(model: str, slow: float) -> Iterator[dict[str, Any]]:
    here = f"and on (job, instance) mlforge_model_version{{model={_quoted(model)}}}"
    asked = 'endpoint=~"predict|infer"'
    requests = f"sum by (job, instance) (rate(mlforge_requests_total{{{asked}}}[5m]))"
    failed = f'sum by (job, instance) (rate(mlforge_requests_total{{{asked},code=~"5.."}}[5m]))'
    yield _rule("NoServer", f"absent(mlforge_model_version{{model={_quoted(model)}}})", "critical", f"nothing serves {model}", f"mlforge serve {model}", "2m")
    yield _rule("NoWorker", f"(mlforge_workers_ready == 0) {here}", "critical", "no worker is ready", f"mlforge doctor; mlforge serve {model}", "1m")
    yield _rule("WorkersDie", f"(increase(mlforge_worker_restarts_total[15m]) > 2) {here}", "warning", "workers die", f"mlforge drill {model}")
    yield _rule("RequestsFail", f"({failed} / {requests} > {_FAILED}) {here}", "critical", "requests fail", f"mlforge rollback {model}", "5m")
    buckets = f"sum by (job, instance, le) (rate(mlforge_request_seconds_bucket{{{asked}}}[5m]))"
    yield _rule("RequestsSlow", f"(histogram_quantile(0.99, {buckets}) > {slow:g}) {here}", "warning", f"1 of 100 requests takes more than {slow:g} s",
                f"mlforge serve {model} with more workers", "10m")  # fmt: skip
    broken = "rate(mlforge_rejected_rows_total[15m]) / (rate(mlforge_rows_total[15m]) + rate(mlforge_rejected_rows_total[15m]))"
    yield _rule("RowsBreakContract", f"({broken} > {_BROKEN}) {here}", "warning", "rows break the contract", f"mlforge monitor {model}", "10m")


def _rule(name: str, expression: str, severity: str, told: str, step: str, wait: str = "0m") -> dict[str, Any]:
    return {
        "alert": f"Mlforge{name}",
        "expr": expression,
        "for": wait,
        "labels": {"severity": severity},
        "annotations": {"summary": told, "next": step},
    }


def exposed(found: Iterable[KeptAlert], held: list[Silence]) -> str:
    """Alerts that are not over in Prometheus' text format."""
    alerts = [one for one in found if one.state != "over"]
    lines = []
    for name, about in _HELP.items():
        lines += [f"# HELP {name} {about}", f"# TYPE {name} gauge"]
        for one in alerts:
            value = one.effect if name.endswith("effect") else float(one.state == "open" and not silenced(one, held))
            lines += [] if value is None else [f"{name}{{{_labels(one)}}} {value:g}"]
    return "\n".join(lines) + "\n"


def _labels(one: KeptAlert) -> str:
    told = {"alert": one.number, "model": one.model, "version": one.version, "finding": one.finding, "part": one.part, "severity": one.severity}
    return labelled(told)


def labelled(told: Mapping[str, object]) -> str:
    """Labels, as they stand in braces."""
    return ",".join(f"{name}={_quoted(str(value))}" for name, value in told.items())


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
