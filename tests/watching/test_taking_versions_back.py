"""A version that was promoted goes back when a monitor that is named alarms on it, and only then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mlforge.finding import Finding
from mlforge.service.rollout import Rollback
from mlforge.store import KeptAlert, Store, Version
from mlforge.testing.project import TestProject
from mlforge.watching.rolling_back import blamed, roll_back

ROLLBACK = Rollback(monitors=("performance",))


def now() -> datetime:
    return datetime.now(UTC)


def alert(version: int = 2, monitor: str = "performance", *, ends: timedelta = timedelta(hours=1)) -> KeptAlert:
    found = Finding(name="live/performance/accuracy", value=0.6, text="accuracy 0.6, 0.9 on the test rows: worse", severity="warning")
    begins = now() - timedelta(hours=5)
    return KeptAlert(0, "buyers", version, monitor, found.name, "", "hourly windows", begins.isoformat(), (now() + ends).isoformat(), 2, "warning", "open",
                     0.3, "accuracy 0.9 → 0.6", found)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(None, tmp_path / ".mlforge") as opened:
        for bundle in ("a", "b"):
            opened.registry.register("buyers", bundle=bundle * 64, verdict="v", run="r")
        yield opened


def champion(store: Store) -> Version:
    found = store.registry.champion("buyers")
    assert found is not None
    return found


def test_an_alarm_takes_the_promoted_version_back_with_its_reason(store: Store) -> None:
    store.registry.set_alias("buyers", "champion", 2)
    store.alerts.note([alert()])
    found = blamed(ROLLBACK, champion(store), store, now())
    assert found is not None
    moved = roll_back(found, champion(store), store)
    assert moved is not None
    assert [one.version for one in moved] == [1, 2]
    (entry,) = (entry for entry in store.audit.entries() if entry.event == "rolled_back")
    assert (entry.actor, entry.details["reason"]) == ("mlforge watch", "alert 1: accuracy 0.6, 0.9 on the test rows: worse")
    store.alerts.note([alert(version=1)])
    assert blamed(ROLLBACK, champion(store), store, now()) is None, "what was gone back to stays"


@pytest.mark.parametrize("other", [{"monitor": "drift"}, {"version": 1}, {"ends": -timedelta(hours=2)}])
def test_another_monitors_another_versions_and_earlier_alarms_take_nothing_back(store: Store, other: dict[str, Any]) -> None:
    store.registry.set_alias("buyers", "champion", 2)
    store.alerts.note([alert(**other)])
    assert blamed(ROLLBACK, champion(store), store, now()) is None


def test_who_looks_after_an_alarm_and_time_that_has_passed_keep_the_version(store: Store) -> None:
    store.registry.set_alias("buyers", "champion", 2)
    (kept,) = store.alerts.note([alert()])
    assert blamed(ROLLBACK, champion(store), store, now() + timedelta(days=8)) is None, "later, an alarm says more of the world"
    store.alerts.acknowledge(kept.number)
    assert blamed(ROLLBACK, champion(store), store, now()) is None


def test_the_first_version_has_nothing_to_go_back_to(store: Store) -> None:
    store.alerts.note([alert(version=1)])
    assert blamed(ROLLBACK, champion(store), store, now()) is None


def test_a_decision_that_was_made_meanwhile_is_not_undone(store: Store) -> None:
    store.registry.set_alias("buyers", "champion", 2)
    (kept,) = store.alerts.note([alert()])
    before = champion(store)
    store.registry.roll_back("buyers")
    assert roll_back(kept, before, store) is None


def test_the_watch_says_so_and_goes_on_with_the_version_before(shop: TestProject) -> None:
    recipe = (shop.root / "recipes" / "buyers.yaml").read_text(encoding="utf-8")
    begin, _, end = recipe.partition("serve: {log: {path: served}}")
    begin, _, _ = begin.partition("monitors: {traffic:")
    rest = "monitors: {performance: {use: performance}}\nrollout: {rollback: {monitors: [performance]}}\n" + end[end.index("gates:") :]
    (shop.root / "recipes" / "buyers.yaml").write_text(begin + rest, encoding="utf-8")
    with Store.open(None, shop.root / ".mlforge") as store:
        run = champion(store).run
        store.registry.register("buyers", bundle="b" * 64, verdict="v", run=run)
        store.registry.set_alias("buyers", "champion", 2)
        store.alerts.note([alert()])
    outcome = shop.run("watch", "buyers", "--once")
    assert outcome.code == 0, outcome.text
    assert outcome.out.endswith("buyers 2 was rolled back, and buyers 1 is champion: alert 1: accuracy 0.6, 0.9 on the test rows: worse\n")
    again = shop.run("watch", "buyers", "--once")
    assert again.code == 0
    assert again.out.endswith("  buyers 1  nothing is due\n")
    assert again.out.count("\n") == 1
