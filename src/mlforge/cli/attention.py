"""What `mlforge monitor` does about alarms: alerts are opened and closed, and people are told."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from mlforge.cli.workplace import Workplace
from mlforge.errors import RunFailed

if TYPE_CHECKING:
    from mlforge.monitoring.looking import Look
    from mlforge.store import KeptAlert, Store
    from mlforge.store.entries import Version

__all__ = ["alert"]

_SHOWN = 8
_SMALL = 0.0005  # a loss that is shown as none

log = logging.getLogger(__name__)


def alert(place: Workplace, store: Store, version: Version, looks: list[Look], *, quiet: bool) -> None:
    """Write alerts down, tell the recipe's channels, and say so unless `quiet`. RunFailed when somebody could not be told."""
    from mlforge.monitoring.notifying import Notifier

    def show(kept: Sequence[KeptAlert]) -> None:
        numbers = {one.number for one in kept}
        for line in _lines([one for one in store.alerts.of(version.model, version.version, over=False) if one.number in numbers]):
            click.echo(line)

    notifier = Notifier(place.project, place.catalog, place.hooks)
    _, sent = notifier.notify(looks, store, version) if quiet else notifier.notify(looks, store, version, show)
    told: dict[str, list[str]] = {}
    for one in sent:
        if not one.failure:
            told.setdefault(one.channel, []).append(str(one.alert.number))
    if not quiet:
        for channel, numbers in told.items():
            click.echo(f"Told  alerts.{channel}: {', '.join(dict.fromkeys(numbers))}")
    failures = [one for one in sent if one.failure]
    for one in failures[1:_SHOWN]:
        log.warning("alert %d could not be told to alerts.%s: %s", one.alert.number, one.channel, one.failure)
    if failures:
        first, more = failures[0], f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        raise RunFailed(
            f"alert {first.alert.number} could not be told to alerts.{first.channel}: {first.failure}{more}", hint="It is tried again at the next look."
        )


def _lines(found: list[KeptAlert]) -> list[str]:
    """Open alerts, what matters most first."""
    told = []
    for one in found[:_SHOWN]:
        effect = "" if one.effect is None else f"  −{one.effect:.1%} {one.measure}" if one.effect >= _SMALL else f"  no loss: {one.measure}"
        group = f" ({one.part})" if one.part else ""
        since = one.begins[:16].replace("T", " ")
        told.append(f"Alert {one.number}  {one.finding.removeprefix('live/')}{group} since {since}{effect}{'' if one.state == 'open' else f'  {one.state}'}")
    return [*told, *([f"  … {len(found) - _SHOWN} more: mlforge alerts ls"] if len(found) > _SHOWN else [])]
