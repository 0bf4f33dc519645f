"""A server follows its alias: every worker swaps, no request fails, and no answer is of two versions."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from tests.serving.bundles import ROW
from tests.serving.rollout.load import Clients, asking, patience
from tests.serving.running import Running, serving, until

from mlforge.store import Store


def version_of(server: Running) -> object:
    return server.ask("/predict", {"rows": [ROW]})[1]["version"]


def only(server: Running, version: int, *, asked: int = 20) -> bool:
    """Does every worker answer by this version: as far as so many new connections tell."""
    return all(version_of(server) == version for _ in range(asked))


def swapped(store: Store, seen: Clients, swaps: int) -> None:
    """Promote one and the other in turn, each as soon as the last is seen to answer."""
    for swap in range(swaps):
        version = 2 - swap % 2
        before = dict(seen.answers)
        store.registry.set_alias("people", "champion", version)
        until(
            lambda version=version, before=before: any(key[1] == version and count > before.get(key, 0) + 5 for key, count in list(seen.answers.items())), 5.0
        )


def test_swaps_under_load_fail_no_request_and_mix_no_versions(store: Store, register, tmp_path: Path) -> None:
    _swap_under_load(store, register, tmp_path, 6)


@pytest.mark.slow
def test_a_hundred_swaps_under_load_fail_no_request_and_mix_no_versions(store: Store, register, tmp_path: Path) -> None:
    _swap_under_load(store, register, tmp_path, 100)


def _swap_under_load(store: Store, register, tmp_path: Path, swaps: int) -> None:
    register(bias=1.0)
    register(bias=-1.0)
    with serving("people", cwd=tmp_path) as server:
        with asking(server, biases={1: 1.0, 2: -1.0}) as seen:
            until(lambda: seen.count > 20)
            swapped(store, seen, swaps)
        assert seen.wrong == []
        assert seen.statuses() == {200}
        assert seen.versions() == {1, 2}
        assert seen.count > 40 * swaps


def test_every_worker_swaps_within_two_seconds_of_a_promotion_and_of_a_rollback(store: Store, register, tmp_path: Path) -> None:
    register()
    register()
    with serving("people", cwd=tmp_path) as server:
        assert version_of(server) == 1
        for move, version in ((lambda: store.registry.set_alias("people", "champion", 2), 2), (lambda: store.registry.roll_back("people"), 1)):
            begun = time.monotonic()
            move()
            until(lambda version=version: only(server, version))
            assert time.monotonic() - begun < patience(2.0)
        assert b'mlforge_swaps_total{model="people"} 4' in server.ask("/metrics")[1]
        # a worker that is born later begins with the version that serves now, not with the one that the server began with
        store.registry.set_alias("people", "champion", 2)
        until(lambda: only(server, 2))
        old = set(server.workers())
        os.kill(min(old), signal.SIGKILL)
        until(lambda: set(server.workers()) != old and server.ask("/health/ready")[0] == 200, patience(6.0))
        assert only(server, 2, asked=40)


def test_when_the_process_that_follows_dies_another_takes_its_place(store: Store, register, tmp_path: Path) -> None:
    register()
    register()
    with serving("people", cwd=tmp_path) as server:
        controller = server.sidecar("mlforge-control")
        assert controller is not None
        os.kill(controller, signal.SIGKILL)
        store.registry.set_alias("people", "champion", 2)
        until(lambda: version_of(server) == 2)
        assert server.sidecar("mlforge-control") not in (None, controller)
        assert server.stop() == 0


def test_a_version_that_is_damaged_is_rolled_back_and_never_asked(store: Store, register, tmp_path: Path) -> None:
    register(bias=1.0)
    register(bias=-1.0)
    damaged = store.artifacts.path(store.registry.resolve("people@2").bundle) / "onnx" / "model.onnx"
    damaged.chmod(0o644)
    damaged.write_bytes(b"no model")
    with serving("people", cwd=tmp_path) as server:
        with asking(server, biases={1: 1.0, 2: -1.0}) as seen:
            store.registry.set_alias("people", "champion", 2)
            until(lambda: store.registry.champion("people").version == 1)
            count = seen.count
            until(lambda: seen.count > count + 20)
        assert (seen.wrong, seen.statuses(), seen.versions()) == ([], {200}, {1})
    entry = store.audit.entries(1)[0]
    assert (entry.event, entry.subject, entry.actor) == ("rolled_back", "people 1", "mlforge serve")
    assert "cannot be opened" in entry.details["reason"]


def test_a_version_that_was_named_or_whose_recipe_says_so_is_not_left(store: Store, register, tmp_path: Path) -> None:
    for model, rollout in (("named", None), ("stays", {"follow": False}), ("follows", None)):
        register(model=model, rollout=rollout)
        register(model=model)
    with serving("named@1", "stays@champion", "follows", cwd=tmp_path) as server:

        def version(model: str) -> object:
            return server.ask(f"/models/{model}/predict", {"rows": [ROW]})[1]["version"]

        for model in ("named", "stays", "follows"):
            store.registry.set_alias(model, "champion", 2)
        until(lambda: version("follows") == 2)
        assert [version(model) for model in ("named", "stays")] == [1, 1]
