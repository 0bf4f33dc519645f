"""What a retraining learned from is kept while somebody may need it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlforge.store import KeptTrigger, Store
from mlforge.watching.copies import clear, copy_of


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(None, tmp_path / ".mlforge") as opened:
        yield opened


def retrained(store: Store, model: str, state: str = "done", version: int | None = None) -> int:
    """A retraining with a copy of rows; its number."""
    moment = f"labels since {len(store.triggers.of())}"
    begun = store.triggers.begin(KeptTrigger(0, model, moment, "labels", "labels have come", until="2026-11-23T03:00:05+00:00"))
    assert begun is not None
    copy_of(store, model, begun.number).mkdir(parents=True)
    (copy_of(store, model, begun.number) / "rows.parquet").write_bytes(b"rows")
    if state != "begun":
        store.triggers.end(begun.number, state, version=version)  # type: ignore[arg-type]
    return begun.number


def kept(store: Store, model: str) -> list[int]:
    return sorted(int(path.name) for path in copy_of(store, model, 0).parent.iterdir())


def test_of_those_that_are_over_the_last_three_are_kept_and_those_of_versions_that_serve(store: Store) -> None:
    for bundle in "abc":
        store.registry.register("adult", bundle=bundle * 64, verdict="v", run="r")
    of_champion = retrained(store, "adult", version=1)
    of_nobody = retrained(store, "adult", version=2)
    refused = retrained(store, "adult", "refused")
    waits = retrained(store, "adult", "waiting", version=3)
    last = [retrained(store, "adult", state) for state in ("failed", "done", "refused")]
    goes_on = retrained(store, "adult", "begun")
    assert clear(store, "adult") == [of_nobody, refused]
    assert kept(store, "adult") == [of_champion, waits, *last, goes_on]
    assert clear(store, "adult") == []


def test_other_models_and_what_the_store_does_not_know_are_left_alone(store: Store) -> None:
    assert clear(store, "adult") == [], "there is none yet"
    numbers = [retrained(store, "churn") for _ in range(5)]
    (copy_of(store, "churn", 0).parent / "999").mkdir()
    (copy_of(store, "churn", 0).parent / "notes").mkdir()
    assert clear(store, "adult") == []
    assert clear(store, "churn") == numbers[:2]
    assert {path.name for path in copy_of(store, "churn", 0).parent.iterdir()} == {*map(str, numbers[2:]), "999", "notes"}
