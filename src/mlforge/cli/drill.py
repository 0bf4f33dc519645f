"""`mlforge drill`: does a model bear what goes wrong in a server."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlforge.cli.workplace import Workplace, store_option
from mlforge.errors import GateRefused, MissingRequirement, RecipeError

if TYPE_CHECKING:
    from mlforge.finding import Finding
    from mlforge.store import Store, Version

__all__ = ["command"]

_ACTS = ("rollback", "corrupt_model", "missing_feature", "worker_death", "slow_model")  # the slow one last: what it has begun goes on for a while


@click.command("drill")
@click.argument("model")
@click.option("--only", multiple=True, type=click.Choice(_ACTS), help="Rehearse this alone; may be given again.")
@click.option("--workers", type=click.IntRange(1, 16), default=2, show_default=True, help="Workers of the server that it rehearses with.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@store_option
def command(model: str, only: tuple[str, ...], workers: int, as_json: bool, store: str | None) -> None:
    """Rehearse worker death, a damaged and a slow model, a missing column and a rollback.

    It starts a server of its own on a free port, with copies of the model in a folder that goes with the command; whoever is served meanwhile notices
    nothing. What it finds is kept in the store, as a run named MODEL.drill.

    \b
    mlforge drill adult
    """
    opened = Workplace.here().existing(store)
    version = opened.registry.resolve(model)
    found = _rehearsed(opened, version, only or _ACTS, workers)
    if as_json:
        click.echo(json.dumps([one.model_dump(mode="json") for one in found], indent=1))
    else:
        for one in found:
            click.echo(f"{'ok  ' if one.severity == 'info' else 'FAIL'}  {one.name.removeprefix('drill/'):<16} {one.text}")
    failed = [one.name.removeprefix("drill/") for one in found if one.severity != "info"]
    if failed:
        raise GateRefused(f"{version} does not bear {', '.join(failed)}.", hint=f"mlforge drill {model} --only {failed[0]} repeats it.")


def _rehearsed(store: Store, version: Version, only: tuple[str, ...], workers: int) -> list[Finding]:
    """What the rehearsals found; recorded."""
    try:
        import granian  # noqa: F401 - is it there
    except ImportError as error:
        raise MissingRequirement(f"mlforge drill needs {error.name}", hint="pip install 'mlforge[serve]'") from None
    from mlforge.runtime.bundle import read_bundle
    from mlforge.serving.drill.acts import ACTS
    from mlforge.serving.drill.scene import Scene
    from mlforge.serving.drill.server import started
    from mlforge.serving.row_schema import example_row

    row = example_row(read_bundle(store.vouched.folder(version)).contract)
    if row is None:
        raise RecipeError(
            f"{version} cannot be rehearsed: no row that keeps its contract can be made up", hint="A column with a pattern (regex) is in the way."
        )
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="mlforge-drill-") as folder:
        scene = Scene.of(store, version, Path(folder))
        with scene.store, started(version.model, Path(folder), workers) as server:
            found = [ACTS[name](scene, server, row) for name in _ACTS if name in only]
    _record(store, version, found, time.perf_counter() - begun)
    return found


def _record(store: Store, version: Version, found: list[Finding], seconds: float) -> None:
    name, records = f"{version.model}.drill", store.records
    run = records.begin_run(name, {"drill": {"model": version.model, "version": version.version, "bundle": version.bundle}}, (), smoke=False)
    key = f"drill-{run}"
    records.start_stage(key, "drill", name, run, {"version": str(version)})
    records.finish_stage(key, run, {}, found, seconds)
    whole = all(one.severity == "info" for one in found)
    records.end_run(run, "done" if whole else "refused", 0 if whole else 4)
