"""Delivery of alerts to the recipe's channels, each notification once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mlforge.components import Alert, Notice
from mlforge.errors import MlforgeError
from mlforge.plugins import Catalog
from mlforge.project import Project
from mlforge.store import KeptAlert, Store
from mlforge.store.alerts import silenced
from mlforge.store.entries import Version

__all__ = ["Delivery", "channels_of", "notice", "send", "steps"]

_RANK = {"warning": 1, "critical": 2}


@dataclass(frozen=True, slots=True)
class Delivery:
    """The outcome of one notification."""

    alert: KeptAlert
    channel: str
    failure: str = ""  # why it could not be delivered; empty when it was


def channels_of(store: Store, version: Version, project: Project, catalog: Catalog) -> Mapping[str, Alert]:
    """The section `alerts` of the newest run that came to this very bundle, checked as in a recipe. RecipeError with what is wrong with it."""
    from mlforge.recipe.inline import inline

    made: dict[str, Alert] = {}
    for entry, fields in _written(store, version).items():
        one = inline("alerts", json.dumps(fields), project, catalog)
        assert isinstance(one, Alert)
        made[entry] = one
    return made


def _written(store: Store, version: Version) -> Mapping[str, object]:
    run = store.records.newest_making(version.model, "bundles", version.bundle)
    return {} if run is None else dict(run.plain.get("alerts") or {})


def send(alerts: Iterable[KeptAlert], channels: Mapping[str, Alert], store: Store, hosts: tuple[str, ...]) -> list[Delivery]:
    """Send every channel the notifications that it has not had: that an alert is open, has become worse, or is over.

    What could not be delivered is tried again at the next look. Nobody is told of what is acknowledged or silenced, or was over before anybody was told.
    """
    held, done = store.alerts.silences(), []
    for alert in alerts:
        for entry, channel in channels.items():
            news = _news(alert, channel, alert.told.get(entry, ""))
            if not news or silenced(alert, held):
                continue
            try:
                channel.send(notice(alert), hosts)
            except MlforgeError as error:
                done.append(Delivery(alert, entry, str(error)))
                continue
            store.alerts.told(alert.number, entry, news)
            done.append(Delivery(alert, entry))
    return done


def _news(alert: KeptAlert, channel: Alert, told: str) -> str:
    if alert.state == "over":
        return "over" if channel.over and told in _RANK else ""
    if alert.state != "open" or _RANK[alert.severity] < _RANK[channel.least] or _RANK.get(told, 0) >= _RANK[alert.severity]:
        return ""
    return alert.severity


def notice(alert: KeptAlert) -> Notice:
    """The notification of an alert."""
    return Notice(
        number=alert.number, state="over" if alert.state == "over" else "open", severity=alert.severity, model=alert.model, version=alert.version,
        finding=alert.finding, part=alert.part, windows=alert.windows, begins=alert.begins, ends=alert.ends, count=alert.count, text=alert.newest.text,
        effect=alert.effect, measure=alert.measure, evidence=alert.newest.evidence, steps=steps(alert),
    )  # fmt: skip


def steps(alert: KeptAlert) -> tuple[str, ...]:
    """Next steps for a person, as commands."""
    about = alert.finding.split("/")[1] if "/" in alert.finding else alert.finding
    look = f"mlforge monitor {alert.model}@{alert.version} --page {alert.model}.html"
    done = f'mlforge alerts ack {alert.number} --reason "…"'
    if about in ("quality", "traffic", "latency"):
        return (look, done)  # what is wrong is in front of the model
    return (look, f"mlforge run {alert.model}", done)
