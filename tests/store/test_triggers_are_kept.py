"""Triggers as the store keeps them: begun once, taken up when their process is gone, ended once, and in the audit log."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import sqlalchemy as sa

from mlforge.store import KeptTrigger, Store
from mlforge.store.owner import Owner
from mlforge.store.tables import triggers

FOUND = KeptTrigger(0, "adult", "schedule 2026-11-23T03:00:00+00:00", "schedule", "it is three", until="2026-11-23T03:00:05+00:00")


def left_behind(store: Store, number: int) -> None:
    """The process that began it was killed."""
    gone = str(replace(Owner.current(), started="0"))
    with store._database.write() as connection:
        connection.execute(sa.update(triggers).where(triggers.c.number == number).values(owner=gone))


def test_of_many_at_once_one_begins_it(store: Store) -> None:
    with ThreadPoolExecutor(8) as threads:
        begun = [one for one in threads.map(lambda _: store.triggers.begin(FOUND), range(24)) if one is not None]
    assert [one.number for one in begun] == [1]
    assert [entry.event for entry in store.audit.entries()] == ["retraining"]


def test_a_model_has_one_at_a_time_and_each_key_once(store: Store) -> None:
    first = store.triggers.begin(FOUND)
    assert first is not None
    assert store.triggers.begin(replace(FOUND, key="another")) is None, "the first has not ended"
    assert store.triggers.begin(replace(FOUND, model="churn")) is not None
    store.triggers.end(first.number, "done", run="r", version=2, message="adult 2 passed the gates")
    assert store.triggers.begin(FOUND) is None, "it was begun once"
    assert store.triggers.begin(replace(FOUND, key="another")) is not None
    assert [one.key for one in store.triggers.of("adult")] == [FOUND.key, "another"]


def test_who_is_left_behind_is_taken_up_with_the_same_command(store: Store) -> None:
    begun = store.triggers.begin(FOUND)
    assert begun is not None
    store.triggers.ordered(begun.number, ["adult", "source=renewed"])
    left_behind(store, begun.number)
    taken = store.triggers.take_up(begun.number)
    assert taken is not None
    assert (taken.tries, taken.owner) == (2, str(Owner.current()))
    assert store.triggers.ordered(begun.number, ["adult", "another"]).command == ("adult", "source=renewed")


def test_one_that_another_process_works_on_is_left_to_it(store: Store) -> None:
    begun = store.triggers.begin(FOUND)
    assert begun is not None
    with store._database.write() as connection:
        elsewhere = str(replace(Owner.current(), host="another-machine"))
        connection.execute(sa.update(triggers).where(triggers.c.number == begun.number).values(owner=elsewhere))
    assert store.triggers.take_up(begun.number) is None


def test_it_ends_once_and_the_audit_log_tells_it(store: Store) -> None:
    begun = store.triggers.begin(FOUND)
    assert begun is not None
    store.triggers.end(begun.number, "refused", run="r1", message="the gates said no")
    again = store.triggers.end(begun.number, "done", version=3)
    assert (again.state, again.version, again.message) == ("refused", None, "the gates said no")
    assert store.triggers.take_up(begun.number) is None
    assert [(entry.event, entry.subject) for entry in store.audit.entries()] == [("retrained", "adult"), ("retraining", "adult")]
    assert store.audit.verify() == 2
