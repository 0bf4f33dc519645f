"""A new version gets a share of the requests, and comes through or goes back, in a real server under load."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from tests.serving.bundles import ROW
from tests.serving.rollout.load import asking
from tests.serving.running import serving, until

from mlforge.store import Store

CANARY: dict[str, Any] = {"steps": [0.3, 1.0], "requests": 400, "slower": 4.0}


def rolled_back(store: Store) -> str:
    """Why the newest entry of the audit log says that version 1 serves again; empty while it does not."""
    entry = store.audit.entries(1)[0]
    return str(entry.details["reason"]) if (entry.event, entry.subject, entry.actor) == ("rolled_back", "people 1", "mlforge serve") else ""


def test_a_version_that_is_no_worse_gets_a_share_and_then_everything(store: Store, register, tmp_path: Path) -> None:
    register(bias=1.0)
    register(bias=0.9, rollout={"canary": CANARY})
    with serving("people", cwd=tmp_path) as server:
        with asking(server, biases={1: 1.0, 2: 0.9}) as seen:
            store.registry.set_alias("people", "champion", 2)
            until(lambda: seen.versions() == {1, 2})
            until(lambda: store.audit.entries(1)[0].event == "rolled_out", 40.0)
            until(
                lambda: (
                    server.ask("/predict", {"rows": [ROW]})[1]["version"] == 2 and b'canary_requests_total{model="people"} 0' not in server.ask("/metrics")[1]
                )
            )
        assert (seen.wrong, seen.statuses()) == ([], {200})
    entry = store.audit.entries(1)[0]
    assert (entry.subject, entry.actor) == ("people 2", "mlforge serve")
    assert entry.details["reason"].startswith("no worse than people 1 in ")


@pytest.mark.parametrize(
    ("how", "found"),
    [
        ({"bias": -9.0}, "decisions: yes is predicted for 0 % of the requests, and for 100 % by people 1"),
        ({"bias": 1.0, "poison": "income"}, "errors: "),
        pytest.param({"bias": 1.0, "seconds": 0.1}, "time: runs of one row take ", marks=pytest.mark.slow),
    ],
)
def test_a_version_that_is_worse_is_rolled_back_with_the_reason(store: Store, register, tmp_path: Path, how: dict[str, Any], found: str) -> None:
    register(bias=1.0)
    register(**how, rollout={"canary": CANARY, "fallback": {}})
    with serving("people", cwd=tmp_path) as server:
        with asking(server, biases={1: 1.0, 2: how["bias"]}, row={**ROW, "income": -1.5}, clients=2) as seen:
            store.registry.set_alias("people", "champion", 2)
            reason = until(lambda: rolled_back(store), 60.0)
            until(lambda: server.ask("/predict", {"rows": [ROW]})[1]["version"] == 1)
        assert reason.startswith(found)
        assert (seen.wrong, seen.statuses()) == ([], {200}), "a request that the new version fails on is answered by the one before"
        assert f"people 2 was rolled back, and people 1 serves: {reason}" in server.log.read_text()
        assert until(lambda: (tmp_path / "heard.txt").exists() and (tmp_path / "heard.txt").read_text()) == f"rolled_back people 1 2: {reason}\n"
    assert store.registry.champion("people").version == 1


def test_who_is_asked_by_a_key_is_answered_by_one_version_and_a_restart_changes_nothing(store: Store, register, tmp_path: Path) -> None:
    register(bias=1.0)
    register(bias=0.9, rollout={"canary": {**CANARY, "requests": 1_000_000, "header": "x-customer"}})
    told: dict[str, set[int]] = defaultdict(set)
    for _ in range(2):
        with serving("people", cwd=tmp_path) as server:
            store.registry.set_alias("people", "champion", 2)
            until(lambda: {server.ask("/predict", {"rows": [ROW]})[1]["version"] for _ in range(30)} == {1, 2})
            for customer in [f"customer {number}" for number in range(40)] * 2:
                told[customer].add(server.ask("/predict", {"rows": [ROW]}, headers={"x-customer": customer})[1]["version"])
    assert all(len(versions) == 1 for versions in told.values()), told
    assert {version for versions in told.values() for version in versions} == {1, 2}


def test_a_rollback_by_hand_ends_a_trial(store: Store, register, tmp_path: Path) -> None:
    register(bias=1.0)
    register(bias=0.9, rollout={"canary": {**CANARY, "requests": 1_000_000, "key": "age"}})
    with serving("people", cwd=tmp_path) as server:
        store.registry.set_alias("people", "champion", 2)
        until(lambda: {server.ask("/predict", {"rows": [{**ROW, "age": age}]})[1]["version"] for age in range(20, 60)} == {1, 2})
        by_age = [{server.ask("/predict", {"rows": [{**ROW, "age": age}]})[1]["version"] for _ in range(5)} for age in range(20, 40)]
        assert all(len(versions) == 1 for versions in by_age), "the column is the key"
        store.registry.roll_back("people", reason="not today")
        until(lambda: {server.ask("/predict", {"rows": [{**ROW, "age": age}]})[1]["version"] for age in range(20, 60)} == {1})
        assert "people 1 serves again; the rollout was called off" in server.log.read_text()
