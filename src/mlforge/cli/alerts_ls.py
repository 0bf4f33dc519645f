"""`mlforge alerts ls`: what is open, what matters most first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from mlforge.cli.workplace import Workplace, store_option

if TYPE_CHECKING:
    from mlforge.store import KeptAlert, Silence

__all__ = ["ls"]


@click.command("ls")
@click.argument("model", required=False)
@click.option("--all", "everything", is_flag=True, help="Also those that are over.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON, with the evidence.")
@click.option("--prometheus", is_flag=True, help="Print as Prometheus' text, for a file that node_exporter's textfile collector reads.")
@store_option
def ls(model: str | None, everything: bool, as_json: bool, prometheus: bool, store: str | None) -> None:
    """List alerts: those that cost most performance first, as far as is known.

    \b
    mlforge alerts ls adult
    mlforge alerts ls --all --json
    mlforge alerts ls --prometheus > /var/lib/node_exporter/mlforge.prom
    """
    if as_json and prometheus:
        raise click.UsageError("--json and --prometheus exclude each other")
    opened = Workplace.here().existing(store)
    found, held = opened.alerts.of(model, over=everything), opened.alerts.silences()
    if as_json:
        click.echo(json.dumps([_plain(one, held) for one in found], indent=1))
    elif prometheus:
        from mlforge.monitoring.rules import exposed

        click.echo(exposed(found, held), nl=False)
    else:
        click.echo("\n".join(_told(found, held, everything)))


def _told(found: list[KeptAlert], held: list[Silence], everything: bool) -> Iterator[str]:
    from mlforge.cli.table import columns
    from mlforge.store.alerts import silenced

    if not found:
        yield f"No alert{'' if everything else ' is open'}."
    else:
        rows = [("ALERT", "MODEL", "SINCE", "WINDOWS", "EFFECT", "STATE", "FINDING")]
        for one in found:
            state = "silenced" if one.state == "open" and silenced(one, held) else one.state
            group = f" ({one.part})" if one.part else ""
            what = f"{one.finding.removeprefix('live/')}{group}: {one.newest.text}"
            effect = "unknown" if one.effect is None else f"{one.effect:.1%}"
            rows.append(
                (str(one.number), f"{one.model} {one.version}", one.begins[:16].replace("T", " "), f"{one.count} × {one.windows}", effect, state, what[:160])
            )
        yield from columns(rows)
    for silence in held:
        yield f"Silenced until {silence.until[:16].replace('T', ' ')} UTC: {silence.model} {silence.finding}, by {silence.actor}: {silence.reason}"


def _plain(one: KeptAlert, held: list[Silence]) -> dict[str, object]:
    from mlforge.monitoring.delivery import steps
    from mlforge.store.alerts import silenced

    names = ("number", "model", "version", "monitor", "finding", "part", "windows", "begins", "ends", "count", "severity", "state", "effect", "measure",
             "actor", "reason", "created")  # fmt: skip
    told = {name: getattr(one, name) for name in names}
    return told | {"silenced": silenced(one, held) is not None, "told": dict(one.told), "newest": one.newest.model_dump(mode="json"), "next": steps(one)}
