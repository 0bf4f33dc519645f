from __future__ import annotations

import pytest
import sqlalchemy as sa

from mlforge.errors import RunFailed
from mlforge.store import Store


@pytest.fixture
def audited(store: Store) -> Store:
    for number in range(5):
        store.registry.register("adult", bundle=f"b{number}", verdict="v", run="r", actor="ada")
    return store


def _meddle(store: Store, statement: str) -> None:
    with store._database.engine.begin() as connection:
        connection.execute(sa.text(statement))


def test_a_chain_that_nobody_touched_is_verified(audited: Store) -> None:
    assert audited.audit.verify() == 5
    assert [entry.subject for entry in audited.audit.entries(2)] == ["adult 5", "adult 4"]
    assert audited.audit.entries(5)[-1].previous_hash == "0" * 64


def test_an_empty_log_is_a_chain_of_none(store: Store) -> None:
    assert store.audit.verify() == 0


@pytest.mark.parametrize("column", ["time", "actor", "event", "subject", "details", "hash"])
def test_an_entry_that_was_changed_is_named(audited: Store, column: str) -> None:
    _meddle(audited, f"UPDATE audit SET {column} = 'x' WHERE number = 3")
    with pytest.raises(RunFailed, match=r"broken at entry 3 .*: it was changed after it was written"):
        audited.audit.verify()


def test_an_entry_that_was_removed_is_noticed(audited: Store) -> None:
    _meddle(audited, "DELETE FROM audit WHERE number = 3")
    with pytest.raises(RunFailed, match=r"entry 4 .*: entry 3 is missing"):
        audited.audit.verify()


def test_an_entry_that_was_removed_and_the_rest_renumbered_is_noticed(audited: Store) -> None:
    _meddle(audited, "DELETE FROM audit WHERE number = 3")
    _meddle(audited, "UPDATE audit SET number = 3 WHERE number = 4")
    with pytest.raises(RunFailed, match=r"entry 3 .*: it does not follow the one before it"):
        audited.audit.verify()


def test_the_chain_cannot_fork(audited: Store) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        _meddle(audited, "INSERT INTO audit SELECT 6, time, actor, event, subject, details, previous_hash, 'other' FROM audit WHERE number = 3")


def test_what_is_not_done_leaves_no_entry(audited: Store) -> None:
    def promote_and_fail() -> None:
        with audited._database.write() as connection:
            audited.audit.append(connection, "promoted", "adult 2", {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        promote_and_fail()
    assert audited.audit.verify() == 5


def test_the_newest_entry_tells_whether_anything_has_changed(store: Store) -> None:
    assert store.audit.newest() == 0
    store.registry.register("adult", bundle="b", verdict="v", run="r")
    assert store.audit.newest() == 1
