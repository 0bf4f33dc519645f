"""`mlforge alerts silence`: of what nobody is to be told for a while."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import click

from mlforge.cli.workplace import Workplace, store_option

__all__ = ["silence"]

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONGEST = timedelta(days=90)  # a silence that nobody remembers is a monitor that is off


@click.command("silence")
@click.argument("model")
@click.option("--finding", default="*", show_default=True, help="Which findings, as a pattern: 'live/drift/*'.")
@click.option("--for", "span", required=True, metavar="SPAN", help="How long, at most 90d: 30m, 12h, 3d, 2w.")
@click.option("--reason", required=True, help="Why, for the audit log and those who look next.")
@store_option
def silence(model: str, finding: str, span: str, reason: str, store: str | None) -> None:
    """Tell nobody of a model's alerts for a while: they are written down, and not sent.

    What is still open when the silence ends is told then.

    \b
    mlforge alerts silence adult --finding 'live/drift/*' --for 3d --reason "campaign"
    """
    reason = " ".join(reason.split())
    if not reason:
        raise click.BadParameter("a reason was expected", param_hint="--reason")
    until = datetime.now(UTC) + _span(span)
    opened = Workplace.here().existing(store)
    opened.registry.resolve(model)  # a model that is not there is a typing mistake
    made = opened.alerts.silence(model.partition("@")[0], finding, until.isoformat(timespec="microseconds"), reason)
    click.echo(f"{made.model} {made.finding} is silenced until {made.until[:16].replace('T', ' ')} UTC by {made.actor}")


def _span(text: str) -> timedelta:
    found = re.fullmatch(r"\s*(\d{1,6})\s*([mhdw])\s*", text)
    made = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else timedelta(0)
    if not timedelta(0) < made <= _LONGEST:
        raise click.BadParameter(f"{text!r} is no span of at most 90 days; write it as 30m, 12h, 3d or 2w", param_hint="--for")
    return made
