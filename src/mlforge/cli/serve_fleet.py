"""`mlforge serve MODEL cluster=ray`: the same server as replicas on a Ray cluster."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

from mlforge.errors import MissingRequirement, RecipeError

if TYPE_CHECKING:
    from mlforge.cli.workplace import Workplace
    from mlforge.components import Fleet
    from mlforge.service.serve import Serve
    from mlforge.serving.offer import Offer
    from mlforge.store import Store

__all__ = ["fleet_of", "lead"]

_LACKS = "Not under Ray Serve: gRPC; canaries and shadows (a new champion answers at once); bounds on headers and on connections that say nothing."


def fleet_of(texts: Sequence[str], place: Workplace) -> Fleet | None:
    """The replicas that `cluster=… cluster.KEY=…` asks for; None when the server is to be on this machine alone."""
    if not texts:
        return None
    from mlforge.components import Cluster
    from mlforge.recipe.alone import alone

    cluster = alone(Cluster, "cluster", texts, place.project.env, place.catalog)
    if cluster is None:
        return None
    if (fleet := cluster.fleet()) is None:
        name = next((text.partition("=")[2] for text in texts if text.startswith("cluster=")), "")
        raise RecipeError(f"cluster: {name} does not serve", hint="Say cluster=ray, or nothing for a server on this machine.")
    return fleet


def lead(fleet: Fleet, settings: Serve, offers: Sequence[Offer], store: Store | None) -> None:
    """Serve until told to stop."""
    for module, package in (("ray", "ray"), ("grpc_reflection", "ray[serve]"), ("starlette", "ray[serve]"), ("msgspec", "msgspec")):
        if find_spec(module) is None:
            raise MissingRequirement(f"mlforge serve cluster=ray needs {package}", hint="pip install 'mlforge[serve,ray-serve]'")
    from mlforge.cli.serve_access import told
    from mlforge.runtime.bundle import MODEL, read_bundle
    from mlforge.serving.fleet.leader import Leader

    for offer in offers:
        read_bundle(offer.folder, offer.described)

    def ready(url: str) -> None:
        for offer in offers:
            click.echo(f"{offer}  onnx, {(offer.folder / MODEL).stat().st_size / 1000:,.0f} KB, raw rows in")
        if also := told(settings):
            click.echo(also)
        many = f"{fleet.replicas} replica{'s' * (fleet.replicas > 1)}" + (f", up to {fleet.most}" if fleet.most else "")
        where = f"the Ray cluster at {fleet.address}" if fleet.address else "Ray on this machine"
        click.echo(_LACKS)
        click.echo(f"{many} on {where}  ·  {url}  (docs /docs, metrics /metrics, v2 protocol /v2)")

    Leader(fleet, settings, offers, store).run(ready)
