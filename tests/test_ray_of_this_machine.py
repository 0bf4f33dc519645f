"""A Ray that is started here comes up with few processes, and leaves none when it does not come up."""

from __future__ import annotations

import warnings

import psutil
import pytest

from mlforge import ray_here
from mlforge.errors import RunFailed


def below() -> list[str]:
    """What runs below this process, by command line."""
    return [" ".join(process.cmdline()) for process in psutil.Process().children(recursive=True)]


def test_nothing_stays_of_a_ray_that_does_not_come_up_and_the_next_start_works(monkeypatch):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ray
        from ray._private.node import Node

        if ray.is_initialized():
            pytest.skip("this process has a Ray already")
        seen = []
        own = Node.start_ray_processes

        def falters(node: Node) -> None:
            own(node)
            seen.append(len(below()))
            raise Exception("The current node timed out during startup.")  # Ray's own

        before = below()
        with monkeypatch.context() as patch:
            patch.setattr(Node, "start_ray_processes", falters)
            with pytest.raises(RunFailed, match="could not be started here: The current node timed out"):
                ray_here.start(1)
        assert seen[0] > len(before), "its processes were there"
        assert len(seen) == 2, "it was tried again"
        assert below() == before
        ray_here.start(1)
        try:
            assert ray.cluster_resources()["CPU"] == 1
            assert not [line for line in below() if "monitor.py" in line or "dashboard/dashboard.py" in line]
        finally:
            ray.shutdown()
