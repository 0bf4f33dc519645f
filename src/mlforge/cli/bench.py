"""`mlforge bench`: how long do answers take under load."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlforge.cli.workplace import Workplace, store_option
from mlforge.errors import DataError, GateRefused, MissingRequirement

if TYPE_CHECKING:
    from mlforge.serving.bench.asking import Address
    from mlforge.serving.bench.bodies import Rows
    from mlforge.serving.bench.job import Measured
    from mlforge.store import Store, Version

__all__ = ["command"]

_MOST_CONNECTIONS, _MOST_ROWS = 4096, 100_000


class _Counts(click.ParamType):  # type: ignore[type-arg]
    """Whole numbers with commas between them."""

    name = "N,N,…"

    def __init__(self, most: int) -> None:
        self._most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """From text such as "1,16,64"."""
        try:
            counts = tuple(dict.fromkeys(int(part) for part in str(value).split(",")))
        except ValueError:
            self.fail(f"{value!r} is no list of whole numbers; write it as 1,16,64", param, ctx)
        if wrong := [count for count in counts if not 1 <= count <= self._most]:
            self.fail(f"{wrong[0]} is not from 1 to {self._most:,}", param, ctx)
        return counts


@click.command("bench")
@click.argument("model", metavar="MODEL[@ALIAS|@VERSION]")
@click.option("--url", metavar="URL", help="Ask the server here, and start none.")
@click.option("--key-env", metavar="NAME", default="", help="The variable of the environment with the key that the server at --url wants.")
@click.option(
    "--connections", type=_Counts(_MOST_CONNECTIONS), default="1,16,64", show_default=True, help="Of the closed loop, which are open at once; a round each."
)
@click.option(
    "--rate", type=click.FloatRange(0, 1_000_000, min_open=True), help="Arrivals a second of the open loop; by default half of what the closed loop reached."
)
@click.option("--seconds", type=click.FloatRange(0.1, 3600), default=5.0, show_default=True, help="Of each round.")
@click.option("--rows", type=_Counts(_MOST_ROWS), default="1,100", show_default=True, help="Of one request; rounds of each.")
@click.option("--source", help="A file with rows to ask for; by default a row that keeps the contract is made up.")
@click.option("--workers", type=click.IntRange(1, 256), help="Workers of the server that is started, where the recipe is to be overruled.")
@click.option("--page", type=click.Path(dir_okay=False, path_type=Path), help="Write the percentile curves to this HTML page.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@store_option
def command(
    model: str, url: str | None, key_env: str, connections: tuple[int, ...], rate: float | None, seconds: float, rows: tuple[int, ...], source: str | None,
    workers: int | None, page: Path | None, as_json: bool, store: str | None,
) -> None:  # fmt: skip
    """Put load on a server, and hold its latency against the objective.

    It starts a server of its own on a free port, or asks the one at --url. Each connection of a closed loop asks again when it is answered; in an open loop
    requests arrive at random, and their latency counts from the moment at which they were to be sent, so that a server that pauses cannot hide it. The exit
    code is 4 where the recipe's serve.slo.p99_ms is missed. What it finds is kept in the store, as a run named MODEL.bench.

    \b
    mlforge bench adult
    mlforge bench adult@challenger --connections 16 --rate 2000 --rows 1 --page bench.html
    mlforge bench adult --url http://127.0.0.1:8080 --source new.csv
    """
    place = Workplace.here()
    opened = place.existing(store)
    version = opened.registry.resolve(model)
    begun = time.perf_counter()
    declared = (opened.records.run(version.run).plain.get("serve") or {}).get("slo") or {}
    objective = declared["p99_ms"] / 1000 if "p99_ms" in declared else None
    with ExitStack() as stack:
        asked = _rows(opened, version, source, max(rows), place)
        address = _address(stack, opened, version, url, key_env, workers)
        from mlforge.serving.bench.rounds import Rounds

        measured = list(Rounds(address, version.model, asked, connections, rows, seconds, rate, lambda begins: click.echo(f"{begins} …", err=True)).run())
    _told(version, measured, objective, page, as_json)
    _record(opened, version, measured, objective, time.perf_counter() - begun)
    from mlforge.serving.bench.verdict import missed

    broken = [f"{one.round}: {why}" for one in measured if (why := missed(one, objective))]
    if broken:
        raise GateRefused(
            f"{version} {'fails' if objective is None else 'does not keep its objective'} in {len(broken)} of {len(measured)} rounds. {broken[0]}."
        )


def _rows(store: Store, version: Version, source: str | None, most: int, place: Workplace) -> Rows:
    """What is asked for; the bundle is verified first."""
    from mlforge.runtime.predictor import Predictor
    from mlforge.serving.bench.bodies import example, taken

    predictor = Predictor.open(store.vouched.folder(version))
    if source is None:
        return example(predictor, str(version))
    from mlforge.batch import source_at

    for frame in source_at(place.filled(source, "--source"), place.catalog).batches(max(1000, most)):
        return taken(predictor, frame.head(max(1000, most)), source)
    raise DataError(f"{source}: there are no rows to ask for")


def _address(stack: ExitStack, store: Store, version: Version, url: str | None, key_env: str, workers: int | None) -> Address:
    """Of the server that is there, or of one that is started."""
    try:
        import granian  # noqa: F401 - is it there
        import uvloop  # noqa: F401 - is it there
    except ImportError as error:
        raise MissingRequirement(f"mlforge bench needs {error.name}", hint="pip install 'mlforge[serve]'") from None
    from mlforge.serving.bench.asking import Address
    from mlforge.serving.bench.own_server import own_server

    if url is None:
        return Address("127.0.0.1", stack.enter_context(own_server(store, version, workers)).port)
    if workers is not None:
        raise click.UsageError("--workers is for the server that is started, and --url names one that runs.")
    address = Address.of(url, key_env)
    answers = address.version(version.model)
    if answers != version.version:
        click.echo(f"{address} answers with version {answers or 'unknown'} of {version.model}; rows and objective are of {version}.", err=True)
    return address


def _told(version: Version, measured: list[Measured], objective: float | None, page: Path | None, as_json: bool) -> None:
    from mlforge.cli.table import columns
    from mlforge.report.figures import duration
    from mlforge.serving.bench.verdict import TITLES, cells, findings

    if page is not None:
        from mlforge.serving.bench.page import bench_page

        page.write_text(bench_page(f"{version} under load", measured, objective), encoding="utf-8")
    if as_json:
        click.echo(json.dumps([one.model_dump(mode="json") for one in findings(measured, objective)], indent=1))
        return
    click.echo("\n".join(columns([TITLES, *(cells(one, objective) for one in measured)])))
    click.echo(
        f"objective  p99 ≤ {duration(objective)}" if objective is not None else "objective  none is declared; serve.slo.p99_ms in the recipe declares one"
    )
    if page is not None:
        click.echo(f"page       {page}")


def _record(store: Store, version: Version, measured: list[Measured], objective: float | None, seconds: float) -> None:
    from mlforge.serving.bench.verdict import findings, missed

    name, records = f"{version.model}.bench", store.records
    run = records.begin_run(name, {"bench": {"model": version.model, "version": version.version, "bundle": version.bundle}}, (), smoke=False)
    key = f"bench-{run}"
    records.start_stage(key, "bench", name, run, {"version": str(version)})
    records.finish_stage(key, run, {}, findings(measured, objective), seconds)
    whole = not any(missed(one, objective) for one in measured)
    records.end_run(run, "done" if whole else "refused", 0 if whole else 4)
