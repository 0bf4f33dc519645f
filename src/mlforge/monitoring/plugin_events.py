"""Events of alerts for plugins: the hook `mlforge_event`, once for each change."""

from __future__ import annotations

from collections.abc import Iterable

from mlforge.plugins import Hooks
from mlforge.store import KeptAlert

__all__ = ["announce"]

_RANK = {"info": 0, "warning": 1, "critical": 2}


def announce(hooks: Hooks, before: Iterable[KeptAlert], after: Iterable[KeptAlert]) -> None:
    """Call the hook for alerts that were opened, have become worse, or are over.

    `before` are the alerts as they were kept when a look began, `after` those that it gave back; what is the same in both is no news.
    """
    known = {one.number: one for one in before}
    for one in after:
        if event := _event(known.get(one.number), one):
            hooks.event(event, str(one.number), _details(one))


def _event(before: KeptAlert | None, now: KeptAlert) -> str:
    if now.state == "over":
        return "" if before is None or before.state == "over" else "alert_over"
    opened = before is None or before.state == "over" or _RANK[now.severity] > _RANK[before.severity]
    return "alert" if opened else ""


def _details(one: KeptAlert) -> dict[str, object]:
    from mlforge.monitoring.delivery import steps

    names = ("model", "version", "monitor", "finding", "part", "severity", "state", "windows", "begins", "ends", "count", "effect", "measure")
    told: dict[str, object] = {name: getattr(one, name) for name in names}
    return told | {"text": one.newest.text, "next": list(steps(one))}
