"""What comes of a retraining's run: what is noted, and when its version becomes champion by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mlforge.service.retrain import Retrain
from mlforge.store import KeptTrigger, Store
from mlforge.watching.following import follow, promotable, promote
from mlforge.watching.running import Ran

FOUND = KeptTrigger(0, "adult", "labels since then", "labels", "1,000 labels have come", until="2026-11-23T03:00:05+00:00")


def retrain(then: str) -> Retrain:
    return Retrain.model_validate({"when": {"labels": 1000}, "then": then})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """With a champion, a retraining that was begun, and the challenger that it made."""
    with Store.open(None, tmp_path / ".mlforge") as opened:
        opened.registry.register("adult", bundle="a" * 64, verdict="v", run="r1")
        assert opened.triggers.begin(FOUND) is not None
        opened.registry.register("adult", bundle="b" * 64, verdict="v", run="r2", judged_against="a" * 64)
        yield opened


@pytest.mark.parametrize(
    ("ran", "state", "told"),
    [
        (Ran(0, "r2", 2), "done", "adult 2 passed the gates"),
        (Ran(0, "r2", 1), "done", "nothing new: the rows make adult 1 again"),
        (Ran(4, "r2"), "refused", "the gates said no; the figures: mlforge runs r2"),
        (Ran(4, "r2", waits=("risk",)), "waiting", "waits for approval by risk: mlforge approve r2 --role risk"),
        (Ran(6, said="budget.hours: 2 h used"), "failed", "budget.hours: 2 h used"),
        (Ran(1), "failed", "the run ended with 1"),
        (Ran(0, "r2"), "failed", "the run registered nothing"),
    ],
)
def test_how_a_run_ended_is_what_is_noted(store: Store, ran: Ran, state: str, told: str) -> None:
    assert follow(store.triggers.of("adult")[0], ran, store) == (state, told)


def test_a_version_waits_for_a_person_unless_the_recipe_says_otherwise(store: Store) -> None:
    trigger, version = store.triggers.of("adult")[0], store.registry.resolve("adult@2")
    assert list(promotable(trigger, version, retrain("wait"), store)) == ["it is challenger until somebody says mlforge promote adult 2"]
    assert "mlforge promote adult 2 when it does well" in next(promotable(trigger, version, retrain("shadow"), store))
    assert list(promotable(trigger, version, retrain("promote"), store)) == []
    promote(trigger, version, store)
    promote(trigger, version, store)  # as after a kill
    (entry,) = (one for one in store.audit.entries() if one.event == "alias")
    assert (entry.actor, entry.details["reason"]) == ("mlforge watch", "retraining 1: 1,000 labels have come")


def test_one_that_was_rolled_back_meanwhile_is_not_promoted_again(store: Store) -> None:
    trigger, version = store.triggers.of("adult")[0], store.registry.resolve("adult@2")
    promote(trigger, version, store)
    store.registry.roll_back("adult", reason="worse")
    assert "it has been champion already" in next(promotable(trigger, version, retrain("canary"), store))


def test_one_that_was_judged_against_another_champion_is_not_promoted(store: Store) -> None:
    store.registry.register("adult", bundle="c" * 64, verdict="v", run="r3")
    store.registry.set_alias("adult", "champion", 3)
    told = next(promotable(store.triggers.of("adult")[0], store.registry.resolve("adult@2"), retrain("promote"), store))
    assert told.startswith("adult 3 became champion meanwhile")


def test_one_that_was_there_before_is_left_as_it_is(store: Store) -> None:
    later = replace(store.triggers.of("adult")[0], newest=2)
    assert list(promotable(later, store.registry.resolve("adult@2"), retrain("promote"), store)) == ["nothing follows"]
