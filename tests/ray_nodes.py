"""A Ray cluster of two nodes, both on this machine: each of them a node like one of another machine, sharing nothing but the network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import psutil
import pytest

from mlforge.ray_here import few

__all__ = ["below", "raylet", "two_nodes_of"]


@contextmanager
def two_nodes_of(node: Mapping[str, Any], **second: Any) -> Iterator[Any]:
    """The cluster, whose second node may be removed; `second` is what differs there."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch, few():
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        cluster = Cluster(initialize_head=True, head_node_args=dict(node), connect=False)
        try:
            cluster.add_node(**node, **second)
            yield cluster
        finally:
            cluster.shutdown()


def raylet(node: Any) -> int:
    """The process from which all others of a node descend."""
    return int(node.all_processes["raylet"][0].process.pid)


def below(node: Any, word: str = "") -> list[psutil.Process]:
    """The processes of a node that have this word in their command."""
    found = []
    with suppress(psutil.Error):
        for child in psutil.Process(raylet(node)).children(recursive=True):
            with suppress(psutil.Error):  # it has just gone
                found += [child] if word in " ".join(child.cmdline()) else []
    return found
