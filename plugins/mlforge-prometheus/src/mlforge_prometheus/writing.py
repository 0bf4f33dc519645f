"""Where the figures of a run go: a file that is replaced whole, a group of a Pushgateway."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from mlforge_prometheus.settings import Settings

__all__ = ["publish"]


def publish(registry: CollectorRegistry, recipe: str, settings: Settings) -> None:
    """Write and push; when one fails, the other is done nevertheless, and the first error is raised."""
    errors = [error for work in _ways(registry, recipe, settings) if (error := _tried(work)) is not None]
    if errors:
        raise errors[0]


def _ways(registry: CollectorRegistry, recipe: str, settings: Settings) -> list[Callable[[], None]]:
    from prometheus_client import push_to_gateway, write_to_textfile

    ways: list[Callable[[], None]] = []
    if settings.folder is not None:
        Path(settings.folder).mkdir(parents=True, exist_ok=True)
        ways.append(partial(write_to_textfile, str(Path(settings.folder) / f"mlforge_{recipe}.prom"), registry))
    if settings.gateway is not None:
        ways.append(partial(push_to_gateway, settings.gateway, job="mlforge", registry=registry, grouping_key={"recipe": recipe}, timeout=settings.timeout))
    return ways


def _tried(work: Callable[[], None]) -> Exception | None:
    try:
        work()
    except Exception as error:
        return error
    return None
