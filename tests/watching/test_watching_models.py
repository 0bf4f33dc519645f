"""`mlforge watch` from the outside: what it begins, what follows, and that nothing is lost or doubled when it is killed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.end_to_end.buyers import store_of
from tests.serving.running import until
from tests.watching.traffic import WATCHED, opposite, traffic

from mlforge.cli.workplace import Workplace
from mlforge.project import Project
from mlforge.store import KeptTrigger
from mlforge.testing.project import TestProject
from mlforge.watching.watch import Watch

FROM_SOURCE = WATCHED.replace("when: {labels: 300}", "when: {rows: 50}\n      training: {rows: source}")
"""Retraining from a source that has not changed: a run of the whole, in which everything is reused."""


def triggers(project: TestProject) -> list[KeptTrigger]:
    with store_of(project) as store:
        return store.triggers.of("buyers")


def events(project: TestProject) -> list[str]:
    with store_of(project) as store:
        assert store.audit.verify()
        return [entry.event for entry in reversed(store.audit.entries(500))]


@contextmanager
def watching(project: TestProject, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`mlforge watch` in a process of its own, killed at the end of the block if it still runs."""
    said = project.root / f"watch-{time.monotonic_ns()}.txt"
    with said.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", "from mlforge.cli import main; main()", "watch", *arguments],
            cwd=project.root, env={**os.environ, **project.env}, stdout=out, stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    process.said = said  # type: ignore[attr-defined]
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def said(process: subprocess.Popen[str]) -> str:
    path: Path = process.said  # type: ignore[attr-defined]
    return path.read_text(encoding="utf-8")


def test_enough_labels_train_it_again_on_them_and_the_gates_judge_by_the_newest(shop: TestProject) -> None:
    traffic(shop, 800, opposite)
    more = ("retrain.training.window=sliding", "retrain.training.newest=700", "retrain.then=promote", "gates=[no_regression]")
    outcome = shop.run("watch", "buyers", *more, "--once")
    assert outcome.code == 0, outcome.text
    first, second = outcome.out.splitlines()
    assert first.endswith("buyers  retraining 1, labels: 800 labels have come, and 300 were waited for")
    assert second.endswith("buyers  retraining 1 done: buyers 2 passed the gates; it is champion")
    with store_of(shop) as store:
        (trigger,) = store.triggers.of("buyers")
        assert (trigger.state, trigger.version, trigger.command[0]) == ("done", 2, "buyers")
        champion = store.registry.champion("buyers")
        assert champion is not None
        assert (champion.version, champion.run) == (2, trigger.run)
        found = {one.name: one.value for use in store.records.run(trigger.run).stages for one in store.records.findings(use.key)}
    assert (found["data/rows"], found["data/rows/test"]) == (700, 70)
    assert events(shop) == ["registered", "retraining", "registered", "alias", "retrained"]
    again = shop.run("watch", "buyers", *more, "--once")
    assert again.code == 0
    assert again.out.rstrip().endswith("buyers 2  nothing is due (labels: 0 of 300)")
    _goes_on_elsewhere(shop, trigger, more)


def _goes_on_elsewhere(shop: TestProject, trigger: KeptTrigger, more: tuple[str, ...]) -> None:
    """Its command names the rows from the project's folder, wherever that lies, and they are copied once more where they are not: as if a machine were lost."""
    assert "source.path='.mlforge/retraining/buyers/1/rows.parquet'" in trigger.command
    elsewhere = TestProject(shop.root.rename(shop.root.with_name("elsewhere")))
    copies = elsewhere.root / ".mlforge" / "retraining" / "buyers" / "1"
    rows = (copies / "rows.parquet").read_bytes()
    shutil.rmtree(copies)
    with sqlite3.connect(elsewhere.root / ".mlforge" / "records.db") as records:
        records.execute("UPDATE triggers SET state = 'begun', owner = '', version = NULL, ended = NULL")
    outcome = elsewhere.run("watch", "buyers", *more, "--once")
    assert outcome.code == 0, outcome.text
    assert "retraining 1 goes on: 800 labels have come" in outcome.out
    (again,) = triggers(elsewhere)
    assert (again.state, again.version, again.command) == ("done", 2, trigger.command), again.message
    assert (copies / "rows.parquet").read_bytes() == rows


def test_a_refusal_by_the_gates_is_told_and_leaves_the_champion(shop: TestProject) -> None:
    shop.write(buyers=FROM_SOURCE)
    traffic(shop, 60, labels=0)
    outcome = shop.run("watch", "buyers", "gates.thresholds.rules.auc.min=0.9999", "--once")
    assert outcome.code == 4, outcome.text
    (trigger,) = triggers(shop)
    assert (trigger.state, trigger.version) == ("refused", None)
    assert trigger.message == f"the gates said no; the figures: mlforge runs {trigger.run}"
    assert "alias" not in events(shop)


def test_without_labels_it_waits_and_says_so(shop: TestProject) -> None:
    traffic(shop, 60, labels=0)
    outcome = shop.run("watch", "buyers", "retrain.when.rows=50", "--once")
    assert (outcome.code, triggers(shop)) == (0, [])
    assert "would be trained again, rows: 60 rows were asked about, and 50 were waited for; but no labels have come, and 200 are needed" in outcome.out


def test_a_budget_that_is_too_small_is_told_in_a_line_and_ends_the_retraining(shop: TestProject) -> None:
    traffic(shop, 400)
    outcome = shop.run("watch", "buyers", "retrain.budget.hours=0.00001", "--once")
    assert outcome.code == 6, outcome.text
    (trigger,) = triggers(shop)
    assert trigger.state == "failed"
    assert "budget.hours: " in trigger.message
    assert "allowed" in outcome.out.splitlines()[1]


def test_a_killed_watch_loses_and_doubles_no_retraining(shop: TestProject) -> None:
    killed(shop, kills=3, rounds=1)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_watch_that_is_killed_thirty_times_loses_and_doubles_no_retraining(shop: TestProject) -> None:
    killed(shop, kills=30, rounds=5)


def killed(shop: TestProject, kills: int, rounds: int) -> None:
    """`rounds` retrainings fall due one after the other; meanwhile the watch and whatever it has started are killed at random instants."""
    shop.write(buyers=FROM_SOURCE)
    chance = random.Random(os.environ.get("PYTEST_RANDOM_SEED", "8"))
    began = time.monotonic()
    idle = shop.command("watch", "buyers", "--once")  # how long it takes when nothing is due
    assert idle.code == 0
    assert "buyers 1  nothing is due (rows: 0 of 50)" in idle.out
    whole = 3 * (time.monotonic() - began)
    for nth in range(1, rounds + 1):
        traffic(shop, 60, labels=0, seed=nth)
        for _ in range(kills // rounds):
            with watching(shop, "buyers", "--once") as process:
                try:
                    process.wait(chance.uniform(0, whole))
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
        until(lambda: shop.command("watch", "buyers", "--once").code == 0, 120)
        time.sleep(1.1)  # retrain.cool_down
        assert [one.state for one in triggers(shop)] == ["done"] * nth, "each was begun, and brought to its end"
        assert events(shop).count("retraining") == events(shop).count("retrained") == nth
    assert len({one.key for one in triggers(shop)}) == rounds
    assert events(shop).count("registered") == 1
    assert {one.message for one in triggers(shop)} == {"nothing new: the rows make buyers 1 again; nothing follows"}


@pytest.mark.slow  # tests/store has the quick one: of many at once, one begins a retraining
@pytest.mark.timeout(900)
def test_of_two_watches_one_does_it_and_the_other_stands_by_until_it_is_gone(shop: TestProject) -> None:
    shop.write(buyers=FROM_SOURCE.replace("cool_down: 1s", "cool_down: 1s\n      every: 0.2s"))
    with watching(shop, "buyers") as one:
        until(lambda: "looking after buyers" in said(one) and list((shop.root / ".mlforge" / "locks").glob("watch.*")), 60)
        with watching(shop, "buyers") as other:
            until(lambda: "stands by" in said(other), 60)
            traffic(shop, 60, labels=0)
            until(lambda: [trigger.state for trigger in triggers(shop)] == ["done"], 120)
            one.kill()
            one.wait()
            traffic(shop, 60, labels=0, seed=9)
            until(lambda: [trigger.state for trigger in triggers(shop)] == ["done", "done"], 120)
            other.terminate()
            assert other.wait(30) == 0
            assert said(other).splitlines()[-1].endswith("stopped")
    assert "retraining 1" in said(one)
    assert "retraining 1" not in said(other)
    assert "retraining 2" in said(other)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_watch_that_is_told_to_stop_within_a_retraining_leaves_it_to_the_next(shop: TestProject) -> None:
    shop.write(buyers=FROM_SOURCE)
    traffic(shop, 60, labels=0)
    with watching(shop, "buyers") as process:
        until(lambda: triggers(shop) and triggers(shop)[0].command, 60)
        process.terminate()
        assert process.wait(60) in (0, 130)
    (trigger,) = triggers(shop)
    if process.returncode == 130:
        assert "stopped in retraining 1 of buyers" in said(process)
        assert trigger.state == "begun"
    assert shop.command("watch", "buyers", "--once").code == 0
    assert [one.state for one in triggers(shop)] == ["done"]


def test_a_recipe_that_says_nothing_of_it_and_a_model_that_is_not_there_are_told(project: TestProject) -> None:
    outcome = project.run("watch", "--once")
    assert outcome.code == 2
    assert "there is nothing to look after" in outcome.err
    outcome = project.run("watch", "breast_cancer", "--once")
    assert outcome.code == 2
    assert "neither retrain, nor rollout.rollback, nor monitors with serve.log" in outcome.err
    outcome = project.run("watch", "a=1", "--once")
    assert outcome.code == 2
    project.write(buyers=WATCHED)
    outcome = project.run("watch", "buyers", "--once")
    assert outcome.code == 0, outcome.text
    assert "buyers has no version yet, so there is nothing to look after. Make one: mlforge run buyers" in outcome.out


def test_a_recipe_that_is_changed_counts_as_it_is_and_one_that_is_wrong_as_it_was(shop: TestProject) -> None:
    said: list[str] = []
    place = Workplace(Project.find(shop.root))
    file = shop.root / "recipes" / "buyers.yaml"
    with store_of(shop) as store:
        watch = Watch(place.recipe("buyers", (), for_run=True), "buyers", store, place.project, place.catalog, place.hooks, said.append)
        assert watch.turn(datetime.now(UTC)) == 0
        file.write_text(file.read_text(encoding="utf-8").replace("labels: 300", "labels: 77"), encoding="utf-8")
        watch.turn(datetime.now(UTC))
        assert watch.recipe.retrain is not None
        assert watch.recipe.retrain.when.labels == 77
        file.write_text(file.read_text(encoding="utf-8").replace("labels: 77", "labels: none"), encoding="utf-8")
        watch.turn(datetime.now(UTC))
        assert watch.recipe.retrain.when.labels == 77
    assert said[0] == "buyers  its recipe was changed, and counts as it is now"
    assert said[1].startswith("buyers  its recipe was changed and cannot be read, so it counts as it was: retrain.when.labels (")
    assert len(said) == 2
