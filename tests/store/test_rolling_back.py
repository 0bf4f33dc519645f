"""An alias goes back to where it pointed before, and the audit log says why."""

from __future__ import annotations

import pytest

from mlforge.errors import RecipeError
from mlforge.store import Store


@pytest.fixture
def adult(store: Store) -> Store:
    """Four versions; 1, then 2, then 3 have been champion."""
    for number in range(1, 5):
        store.registry.register("adult", bundle=f"b{number}", verdict="v", run="r", actor="ada")
        store.registry.register("adult_x", bundle=f"b{number}", verdict="v", run="r", actor="ada")
    for number in (2, 3):
        store.registry.set_alias("adult", "champion", number, actor="ada")
    store.registry.set_alias("adult", "canary", 4, actor="ada")
    return store


def back(store: Store, to: int | None = None, **more: str) -> tuple[int, int]:
    moved = store.registry.roll_back("adult", to, actor="grace", **more)
    assert moved is not None
    now, before = moved
    return now.version, before.version


def test_it_goes_back_one_version_at_a_time_and_never_to_what_was_rolled_back(adult: Store) -> None:
    assert adult.registry.previous("adult").version == 2
    assert back(adult, reason="slow") == (2, 3)
    assert back(adult, reason="wrong") == (1, 2)
    with pytest.raises(RecipeError, match="nothing to roll back to: adult 1 is the first champion"):
        back(adult)
    assert adult.registry.previous("adult") is None
    assert adult.registry.champion("adult").version == 1


def test_what_is_promoted_after_a_rollback_can_be_rolled_back_again(adult: Store) -> None:
    assert back(adult) == (2, 3)
    adult.registry.set_alias("adult", "champion", 4, actor="ada")
    assert back(adult) == (2, 4)
    adult.registry.set_alias("adult", "champion", 3, actor="ada")
    assert back(adult) == (2, 3)


def test_it_goes_back_to_an_earlier_version_that_is_named(adult: Store) -> None:
    assert back(adult, to=1) == (1, 3)


@pytest.mark.parametrize(
    ("to", "said"), [(3, "adult 3 is champion already"), (4, "adult 4 is no earlier champion: 1, 2 can be gone back to"), (9, "9 is no earlier")]
)
def test_a_version_that_was_never_champion_is_not_gone_back_to(adult: Store, to: int, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        back(adult, to=to)
    assert adult.registry.champion("adult").version == 3


def test_the_audit_log_has_who_and_why_and_the_history_is_read_from_it(adult: Store) -> None:
    back(adult, reason="answers too slowly")
    entry = adult.audit.entries(1)[0]
    assert (entry.event, entry.subject, entry.actor) == ("rolled_back", "adult 2", "grace")
    assert entry.details == {"alias": "champion", "before": 3, "reason": "answers too slowly", "version": 2}
    told = [(move.version, move.before, move.rolled_back) for move in adult.registry.history("adult")]
    assert told == [(1, None, False), (2, 1, False), (3, 2, False), (2, 3, True)]
    assert [move.version for move in adult.registry.history("adult", "canary")] == [4]
    assert adult.registry.history("nobody") == []
    adult.audit.verify()


def test_nobodys_newer_decision_is_undone(adult: Store) -> None:
    adult.registry.set_alias("adult", "champion", 4, actor="ada")
    assert adult.registry.roll_back("adult", only=3, reason="the canary of 3 was bad") is None
    assert adult.registry.champion("adult").version == 4
    assert adult.registry.roll_back("adult", only=4) is not None
