"""What monitors have found, as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlforge.finding import Finding
from mlforge.monitoring.judging import Judged
from mlforge.monitoring.rules import exposed, labelled
from mlforge.serving.monitors.version_monitor import VersionMonitor
from mlforge.store import Store

__all__ = ["gauges"]

_MOST = 500  # findings of one version; a table of a thousand columns would drown all else
_HELP = {
    "mlforge_monitor_value": "What a monitor found in the last window that is over.",
    "mlforge_monitor_alarm": "1 where that is an alarm.",
    "mlforge_monitor_window_rows": "Rows of the last window that is over.",
    "mlforge_monitor_window_end_timestamp_seconds": "When that window ended.",
}


def gauges(monitors: Iterable[VersionMonitor], store: Store) -> str:
    """The last windows of each version, and the alerts of these models that are not over."""
    every = list(monitors)
    told: dict[str, list[str]] = {name: [] for name in _HELP}
    for monitor in every:
        for series in monitor.series:
            for window in series.newest:
                _add(told, monitor, series.panes.watched[0].monitor.windows, window)
    lines = [line for name, about in _HELP.items() for line in (f"# HELP {name} {about}", f"# TYPE {name} gauge", *told[name])]
    alerts = [alert for model in sorted({one.version.model for one in every}) for alert in store.alerts.of(model, over=False)]
    return "\n".join(lines) + "\n" + exposed(alerts, store.alerts.silences())


def _add(told: dict[str, list[str]], monitor: VersionMonitor, windows: str, window: Judged) -> None:
    of = {"model": monitor.version.model, "version": monitor.version.version, "part": window.group}
    if window.span is not None:
        told["mlforge_monitor_window_end_timestamp_seconds"].append(_line("mlforge_monitor_window_end_timestamp_seconds", {**of, "windows": windows},
                                                                          window.span[1].timestamp()))  # fmt: skip
    told["mlforge_monitor_window_rows"].append(_line("mlforge_monitor_window_rows", {**of, "windows": windows}, window.rows))
    for entry, finding in _shown(window):
        labels = {**of, "monitor": entry, "finding": finding.name}
        if finding.value is not None:
            told["mlforge_monitor_value"].append(_line("mlforge_monitor_value", labels, finding.value))
        told["mlforge_monitor_alarm"].append(_line("mlforge_monitor_alarm", labels, float(finding.severity != "info")))


def _shown(window: Judged) -> Iterator[tuple[str, Finding]]:
    found = [(entry, finding) for entry, findings in window.findings.items() for finding in findings]
    yield from sorted(found, key=lambda one: one[1].name.count("/"))[:_MOST]  # those on single columns last


def _line(name: str, labels: dict[str, object], value: float) -> str:
    return f"{name}{{{labelled(labels)}}} {value:.10g}"
