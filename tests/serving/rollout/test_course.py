"""The course of rollouts, on a real store, with figures that a test writes in the place of workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mlforge.serving.ledger import Ledger
from mlforge.serving.offer import Offer
from mlforge.serving.rollout.board import INCUMBENT, NEWCOMER, Board
from mlforge.serving.rollout.course import Course
from mlforge.serving.rollout.rollouts import first
from mlforge.serving.rollout.versions import Versions
from mlforge.serving.roster import Roster, State
from mlforge.store import Store

CANARY: dict[str, Any] = {"canary": {"steps": [0.1, 0.5, 1.0], "requests": 100}}


class Scene:
    """A course, and one worker that does as it is told."""

    def __init__(self, store: Store) -> None:
        roster = Roster(1)
        roster.set(0, State.READY, 1)
        self.store, self.board, self.now = store, Board(roster, Ledger(1), "people"), 0.0
        self.told: list[tuple[str, str, dict[str, Any]]] = []
        versions = Versions(store, "people", "champion")
        self.course = Course(versions, self.board, versions.offer(versions.version(1)), lambda *event: self.told.append(event), lambda: self.now)

    def promote(self, version: int) -> None:
        self.store.registry.set_alias("people", "champion", version)

    def turn(self, *, opens: bool = True) -> tuple[int, int | None, float]:
        """Look once; who serves, who is on trial, and with which share."""
        if (assignment := self.course.turn()) is not None and opens:
            self.board.reached(0, assignment.generation)
        assignment = self.course.assignment
        return assignment.serving.version, assignment.newcomer.version if assignment.newcomer else None, assignment.share

    def answers(self, new: int, *, failed: int = 0) -> None:
        """So many answers of the newcomer's, and nine times as many of the other's."""
        for slot, count, failures in ((NEWCOMER, new, failed), (INCUMBENT, 9 * new, 0)):
            cells = self.board.cells(0, slot)
            cells[0] += count
            cells[1] += failures


@pytest.fixture
def play(store: Store) -> Iterator[Callable[[], Scene]]:
    """A scene, when the versions are there."""
    scenes: list[Scene] = []

    def begin() -> Scene:
        scenes.append(Scene(store))
        return scenes[-1]

    yield begin
    for scene in scenes:
        scene.board.close()


@pytest.fixture
def scene(register, play: Callable[[], Scene]) -> Scene:
    register()
    register(rollout=CANARY)
    register(rollout=CANARY)
    return play()


def test_without_a_canary_the_version_that_is_promoted_serves_at_once(register, play: Callable[[], Scene]) -> None:
    register()
    register()
    scene = play()
    assert scene.turn() == (1, None, 0.0)
    scene.promote(2)
    assert scene.turn() == (2, None, 0.0)
    assert scene.course.turn() is None, "and nothing is told twice"


def test_a_newcomer_goes_from_step_to_step_and_then_serves(scene: Scene) -> None:
    scene.promote(2)
    assert scene.turn() == (1, 2, 0.1)
    scene.turn()
    for expected in ((1, 2, 0.1), (1, 2, 0.5), (1, 2, 0.5), (2, None, 0.0)):
        scene.answers(50)
        assert scene.turn() == expected
    entry = scene.store.audit.entries(1)[0]
    assert (entry.event, entry.subject, entry.details["reason"]) == ("rolled_out", "people 2", "no worse than people 1 in 200 requests")


def test_a_newcomer_that_fails_goes_and_everybody_is_told(scene: Scene) -> None:
    scene.promote(2)
    scene.turn()
    scene.turn()
    scene.answers(40, failed=30)
    assert scene.turn() == (1, None, 0.0)
    ((event, subject, details),) = scene.told
    assert (event, subject, details["version"], details["before"], details["alias"]) == ("rolled_back", "people 1", 1, 2, "champion")
    assert details["reason"].startswith("errors: 30 of 40 answers failed (75 %), and 0 % of people 1's")
    assert scene.store.registry.champion("people").version == 1
    assert scene.course.assignment.settings.canary is None, "what holds is version 1's recipe again"
    assert scene.course.turn() is None


def test_counting_begins_when_every_worker_shares_out(scene: Scene) -> None:
    scene.promote(2)
    scene.turn(opens=False)
    scene.answers(1000, failed=1000)
    assert scene.turn() == (1, 2, 0.1), "what was counted before is of another time"
    scene.board.reached(0, scene.course.assignment.generation)
    scene.turn()
    scene.answers(60)
    assert scene.turn() == (1, 2, 0.1)


def test_a_newcomer_that_a_worker_cannot_open_goes(scene: Scene) -> None:
    scene.promote(2)
    scene.turn(opens=False)
    scene.board.reached(0, scene.course.assignment.generation, failed=True)
    assert scene.turn() == (1, None, 0.0)
    assert scene.told[0][2]["reason"] == "a worker could not open it"
    scene.promote(3)
    scene.turn(opens=False)
    scene.now += 61
    assert scene.turn() == (1, None, 0.0)
    assert scene.told[1][2]["reason"] == "not every worker could open it within 60 s"


def test_another_promotion_takes_the_place_of_a_trial(scene: Scene) -> None:
    scene.promote(2)
    assert scene.turn() == (1, 2, 0.1)
    scene.promote(3)
    assert scene.turn() == (1, 3, 0.1)
    assert scene.told == []


def test_what_is_rolled_back_by_hand_needs_no_trial(scene: Scene) -> None:
    scene.promote(2)
    scene.turn()
    scene.store.registry.roll_back("people", reason="not today")
    assert scene.turn() == (1, None, 0.0)
    scene.promote(3)
    scene.turn()
    scene.turn()
    for _ in range(4):
        scene.answers(60)
        scene.turn()
    assert scene.turn() == (3, None, 0.0)
    scene.store.registry.roll_back("people")
    assert scene.turn() == (1, None, 0.0), "back at once, although version 1 could be on trial, too"


def test_a_server_that_starts_while_a_version_is_on_trial_begins_with_the_one_before(scene: Scene) -> None:
    versions = Versions(scene.store, "people", "champion")

    def begins(version: int) -> int:
        return first(scene.store, versions.offer(versions.version(version))).version

    assert begins(1) == 1
    scene.promote(2)
    assert begins(2) == 1
    scene.store.registry.settle("people", "champion", 2)
    assert begins(2) == 2
    scene.promote(3)
    scene.store.registry.roll_back("people")
    assert begins(2) == 2
    named = versions.offer(versions.version(3))
    assert first(scene.store, Offer("people", 3, named.digest, named.folder)).version == 3, "a version that was named is what was asked for"


def test_the_ladder_and_the_shadow_are_those_that_the_recipe_names(store: Store, register, play: Callable[[], Scene]) -> None:
    register(model="simple")
    register()
    register(rollout={"fallback": {"model": "simple"}, "shadow": {"version": "challenger"}})
    register()
    scene = play()
    assert (scene.course.assignment.ladder, scene.course.assignment.shadow) == ((), None)
    scene.promote(2)
    scene.turn()
    assert [str(offer) for offer in scene.course.assignment.ladder] == ["people 1", "simple 1"]
    assert str(scene.course.assignment.shadow) == "people 3"
    store.registry.set_alias("people", "challenger", 2)
    scene.turn()
    assert scene.course.assignment.shadow is None, "it serves"


def test_a_fallback_that_the_store_does_not_have_is_told_once(register, play: Callable[[], Scene], caplog: pytest.LogCaptureFixture) -> None:
    register(rollout={"fallback": {"model": "simpel"}, "shadow": {"version": "chalenger"}})
    scene = play()
    for _ in range(2):
        scene.turn()
        register()
    told = [one.getMessage() for one in caplog.records if "has no" in one.getMessage()]
    assert told == [
        f"people: the store has no {name} until it has one"
        for name in ("simpel, so that there is no such fallback", "people@chalenger, so that there is no such shadow")
    ]
    register(model="simpel")
    scene.turn()
    assert [str(offer) for offer in scene.course.assignment.ladder] == ["simpel 1"]
