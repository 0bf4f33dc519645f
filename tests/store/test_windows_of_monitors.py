"""What monitors have seen, as the store keeps it."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from mlforge.errors import DataError
from mlforge.finding import Finding
from mlforge.reference import pack, unpack
from mlforge.store import KeptWindow, Store
from mlforge.window import Profile


def kept(begins: str = "2026-11-01", monitor: str = "drift", rows: int = 10) -> KeptWindow:
    profile = pack(Profile({"bins": pl.DataFrame({"count": [rows, 2, 3]})}))
    finding = Finding(name="live/drift/columns", value=1, text="age has drifted", severity="warning")
    return KeptWindow("adult", 3, monitor, "daily", "", f"{begins}T00:00:00+00:00", "2026-11-02T00:00:00+00:00", rows, 4, 1, profile, (finding,))


def test_windows_come_back_as_they_were_kept(store: Store) -> None:
    told = [kept("2026-11-02"), kept("2026-11-01"), kept("2026-11-01", "quality")]
    assert store.windows.keep(told) == 3
    found = store.windows.parts("adult", 3)
    assert [replace(one, seen="") for one in found] == [told[1], told[2], told[0]]
    assert unpack(found[0].profile).tables["bins"]["count"].to_list() == [10, 2, 3]
    assert found[0].findings[0].severity == "warning"


def test_a_window_that_is_looked_at_again_is_replaced_when_it_has_changed(store: Store) -> None:
    store.windows.keep([kept()])
    (before,) = store.windows.parts("adult")
    assert store.windows.keep([kept()]) == 0
    assert store.windows.parts("adult") == [before]
    assert store.windows.keep([replace(kept(), labels=9)]) == 1
    assert [one.labels for one in store.windows.of("adult")] == [9]


def test_windows_are_found_by_version_and_time_and_without_profiles(store: Store) -> None:
    store.windows.keep([kept("2026-11-01"), kept("2026-11-05"), replace(kept("2026-11-05"), version=4)])
    assert len(store.windows.of("adult")) == 3
    assert [one.begins[:10] for one in store.windows.of("adult", 3, since="2026-11-02")] == ["2026-11-05"]
    assert {one.profile for one in store.windows.of("adult")} == {b""}
    assert store.windows.of("other") == []


def test_a_profile_that_is_damaged_is_told() -> None:
    with pytest.raises(DataError, match="cannot be read"):
        unpack(pack(Profile({"bins": pl.DataFrame({"count": [1]})}))[:-40])
    assert not unpack(b"").tables


def test_windows_of_servers_that_share_a_store_stand_beside_each_other_and_are_told_as_one(store: Store) -> None:
    for writer, rows in (("a", 10), ("b", 7), ("a", 12)):
        store.windows.keep([replace(kept(rows=rows), writer=writer)])
    assert [(one.writer, one.rows) for one in store.windows.parts("adult")] == [("a", 12), ("b", 7)]
    assert [(one.rows, one.labels) for one in store.windows.of("adult")] == [(19, 8)]
    store.windows.keep([kept(rows=18)])
    assert [one.rows for one in store.windows.of("adult")] == [19], "who has looked at the log has seen less"
    store.windows.keep([kept(rows=25)])
    assert [one.rows for one in store.windows.of("adult")] == [25], "and then more, and it is not added"


def test_what_was_held_against_another_reference_is_kept_and_not_added(store: Store) -> None:
    store.windows.keep([replace(kept(rows=10), reference="old"), replace(kept(rows=4), reference="new")])
    assert {one.reference for one in store.windows.parts("adult")} == {"old", "new"}
    (told,) = store.windows.of("adult")
    assert told.rows in (10, 4)
