"""`mlforge serve`: models behind HTTP."""

from __future__ import annotations

import logging
import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlforge.cli.serve_access import access_options, as_overrides, secured, told
from mlforge.cli.serve_fleet import fleet_of, lead
from mlforge.cli.serve_monitors import watched, watching
from mlforge.cli.workplace import Workplace, store_option
from mlforge.errors import MissingRequirement, RecipeError

if TYPE_CHECKING:
    import socket

    from mlforge.service.serve import Serve
    from mlforge.serving.offer import Offer
    from mlforge.signing import Trust
    from mlforge.store import Store

__all__ = ["command"]

_CLUSTER = re.compile(r"[+~]{0,2}cluster[.=]")


@click.command("serve")
@click.argument("models", nargs=-1, required=True, metavar="MODEL[@ALIAS|@VERSION] … [serve.KEY=VALUE …]")
@click.option("--host", help="Address to listen at; only this machine reaches 127.0.0.1.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen at; 0 takes a free one.")
@click.option("--grpc-port", type=click.IntRange(0, 65535), help="Port of the v2 protocol over gRPC; 0 takes a free one, without it there is none.")
@click.option("--workers", type=click.IntRange(1, 256), help="Processes that answer; one a core by default.")
@click.option("--threads", type=click.IntRange(1, 256), help="Threads of one prediction.")
@access_options
@store_option
def command(
    models: tuple[str, ...],
    host: str | None,
    port: int | None,
    grpc_port: int | None,
    workers: int | None,
    threads: int | None,
    store: str | None,
    **access: Any,
) -> None:
    """Serve models over HTTP.

    Each is a registered model, its champion unless an alias or version is named, or the folder of a bundle. How it is served stands in its recipe under
    `serve`; what the command line says goes before it: an option, or a key with its value as for `mlforge run`.

    \b
    mlforge serve adult
    mlforge serve adult@champion churn@3 --port 0 --workers 2
    mlforge serve adult serve.limits.rows=100 serve.slo.p99_ms=20
    mlforge serve adult cluster=ray cluster.workers=2 cluster.most=8
    """
    given = {
        name: value
        for name, value in (("host", host), ("port", port), ("grpc_port", grpc_port), ("workers", workers), ("threads", threads))
        if value is not None
    }
    said = tuple(text for text in models if "=" in text and not Path(text).exists())
    named = tuple(text for text in models if text not in said)
    overrides = tuple(text for text in said if not _CLUSTER.match(text))
    if not named:
        raise click.UsageError("Name a model, or the folder of a bundle.")
    place = Workplace.here()
    fleet = fleet_of([text for text in said if text not in overrides], place)
    opened = None if all(map(_is_folder, named)) else place.existing(store)
    offers, settings = _asked(named, overrides and (*overrides, *as_overrides(access)), opened)
    settings = secured(settings.model_copy(update=given), access, place.project.state / "keys.json")
    if fleet is not None:
        lead(fleet, settings, offers, opened)
    else:
        _serve(place, opened, offers, settings)


def _asked(models: tuple[str, ...], overrides: tuple[str, ...], opened: Store | None) -> tuple[list[Offer], Serve]:
    """The bundles that are asked for, verified, and the settings that the first of them was made with."""
    from mlforge.service.serve import Serve

    trust = Workplace.here().project.trust
    found = [_bundle(name, trust) if _is_folder(name) else None for name in models]
    settings: dict[str, Any] | None = None
    offers: list[Offer] = []
    for name, offer in zip(models, found, strict=True):
        if offer is None:
            assert opened is not None
            offer, recorded = _registered(name, opened)
            settings = recorded if settings is None else settings
        offers.append(offer)
    twice = next((one.model for one in offers if sum(other.model == one.model for other in offers) > 1), None)
    if twice is not None:
        raise RecipeError(f"{twice} is named twice", hint="A server serves one version under a name.")
    if not settings and not overrides:
        return offers, Serve()
    from mlforge.recipe.recorded import recorded_serve

    return offers, recorded_serve(settings or {}, Workplace.here().project, offers[0].model, overrides)


def _is_folder(name: str) -> bool:
    return (Path(name) / "bundle.json").is_file()


def _registered(reference: str, store: Store) -> tuple[Offer, dict[str, Any]]:
    from mlforge.serving.rollout.rollouts import first
    from mlforge.serving.rollout.versions import Versions

    version = store.registry.resolve(reference)
    alias = reference.partition("@")[2] or ("champion" if "champion" in version.aliases else "")
    recorded = store.records.run(version.run).plain.get("serve") or {}
    return first(store, Versions(store, version.model, "" if alias.isdigit() else alias).offer(version)), recorded


def _bundle(folder: str, trust: Trust) -> Offer:
    from mlforge.runtime.bundle import DESCRIPTION, description_of
    from mlforge.serving.offer import Offer

    path = Path(folder).resolve()
    described = trust.verify_folder(path).files[DESCRIPTION] if trust else description_of(path)
    return Offer(path.name, 0, described, path, described=described)


def _serve(place: Workplace, store: Store | None, offers: list[Offer], settings: Serve) -> None:
    try:
        import granian  # noqa: F401 - is it there
        import uvloop  # noqa: F401 - is it there
    except ImportError as error:
        raise MissingRequirement(f"mlforge serve needs {error.name}", hint="pip install 'mlforge[serve]'") from None
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("POLARS_MAX_THREADS", str(settings.threads or 1))  # as many threads as there are cores would wait for each other
    from mlforge.runtime.bundle import read_bundle
    from mlforge.serving.address import listen
    from mlforge.serving.machine import cores, frugal, quiet
    from mlforge.serving.plan import Plan
    from mlforge.serving.request_log.writer_process import WriterProcess
    from mlforge.serving.rollout.rollouts import Rollouts
    from mlforge.serving.supervisor import Supervisor

    frugal()
    quiet()
    kept = _kept(settings)  # open until the end
    if kept is not None:
        settings = settings.model_copy(update={"grpc_port": kept.getsockname()[1]})
    plan = Plan.made(offers, settings, cores(), place.catalog if store is not None else None)
    for offer in offers:
        read_bundle(offer.folder, offer.described)  # damage is told here, once, and not by every worker
    listener, url = listen(settings.host, settings.port)
    logging.getLogger("mlforge.serving.rollout").setLevel(logging.INFO)  # who serves is told, whatever else is not
    supervisor = Supervisor(plan, listener, lambda: _say(plan, url))
    rollouts = Rollouts(store, plan, lambda: place.hooks.event) if store is not None else None
    if rollouts is not None:
        rollouts.begin(supervisor)
    monitors = watching(place, store, plan) if store is not None else None
    if monitors is not None:
        monitors.begin(supervisor)
    log_writer = WriterProcess(plan.channel) if plan.channel is not None else None
    if log_writer is not None:
        log_writer.begin(supervisor)
    try:
        supervisor.run()
    finally:
        if log_writer is not None:
            log_writer.end()
        if monitors is not None:
            monitors.end()
        if rollouts is not None:
            rollouts.end()


def _kept(settings: Serve) -> socket.socket | None:
    """The port for gRPC, if there is to be one."""
    if settings.grpc_port is None:
        return None
    if find_spec("grpc") is None:
        raise MissingRequirement("serve.grpc_port needs grpcio", hint="pip install 'mlforge[serve]'")
    from mlforge.serving.grpc.listening import reserved

    return reserved(settings.host, settings.grpc_port)


def _say(plan: Any, url: str) -> None:
    from mlforge.runtime.bundle import MODEL

    for offer in plan.offers:
        click.echo(f"{offer}  onnx, {(offer.folder / MODEL).stat().st_size / 1000:,.0f} KB, raw rows in")
    for also in (told(plan.settings), *watched(plan)):
        if also:
            click.echo(also)
    url = url.replace("http:", "https:", 1) if plan.settings.access.tls else url
    port = plan.settings.grpc_port
    workers = f"{plan.workers} worker{'s' if plan.workers > 1 else ''} × {plan.threads} thread{'s' if plan.threads > 1 else ''}"
    click.echo(
        f"{workers}  ·  {url}  (docs /docs, metrics /metrics, v2 protocol /v2)" + (f"  ·  grpc://{plan.settings.host}:{port}" if port is not None else "")
    )
