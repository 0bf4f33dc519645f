"""Signatures under verdicts, on SQLite and on PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from mlforge.errors import RecipeError
from mlforge.store import Store
from mlforge.store.database import Database


def _sign(store: Store, *, approved: bool = True, actor: str = "ada", bundle: str = "b1", verdict: str = "v1", role: str = "risk") -> bool:
    return store.approvals.sign("adult", bundle=bundle, verdict=verdict, role=role, approved=approved, actor=actor, run="r1", reason="looked at it")[1]


def test_a_signature_is_kept_with_who_when_and_why_and_is_in_the_audit_log(store: Store) -> None:
    assert _sign(store)
    said = store.approvals.of("adult", "b1", "v1")["risk"]
    assert (said.approved, said.actor, said.reason, said.run) == (True, "ada", "looked at it", "r1")
    (entry,) = store.audit.entries()
    assert (entry.event, entry.subject, entry.actor, entry.details["role"], entry.details["verdict"]) == ("approved", "adult", "ada", "risk", "v1")
    assert store.audit.verify() == 1


@pytest.mark.parametrize("other", [("digits", "b1", "v1"), ("adult", "b2", "v1"), ("adult", "b1", "v2")])
def test_a_signature_holds_for_its_model_bundle_and_verdict_and_no_other(store: Store, other: tuple[str, str, str]) -> None:
    _sign(store)
    assert store.approvals.of(*other) == {}


def test_the_same_signature_again_changes_nothing(store: Store) -> None:
    assert _sign(store)
    assert not _sign(store)
    assert store.audit.verify() == 1
    assert _sign(store, actor="grace"), "another person's is another"


def test_what_a_role_said_last_counts_and_all_of_it_stays_in_the_log(store: Store) -> None:
    _sign(store)
    _sign(store, approved=False, actor="grace")
    _sign(store, role="legal")
    said = store.approvals.of("adult", "b1", "v1")
    assert {role: signature.approved for role, signature in said.items()} == {"risk": False, "legal": True}
    assert [entry.event for entry in store.audit.entries()] == ["approved", "rejected", "approved"]
    _sign(store)
    assert store.approvals.of("adult", "b1", "v1")["risk"].approved


def test_what_is_registered_cannot_be_rejected_any_more(store: Store) -> None:
    store.registry.register("adult", bundle="b1", verdict="v1", run="r1")
    with pytest.raises(RecipeError, match="adult 1 is registered already"):
        _sign(store, approved=False)
    assert store.approvals.of("adult", "b1", "v1") == {}


def test_a_store_of_the_first_schema_keeps_its_versions_and_takes_signatures(url: str, tmp_path: Path) -> None:
    old = Database.at(url)
    with old.write() as connection:
        from alembic import command
        from alembic.config import Config

        import mlforge.store.migrations as migrations

        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__ or "").parent))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        row = "'adult', 1, 'b1', 'v1', 'r1', '{}', 'ada', '2026-01-01T00:00:00+00:00'"
        connection.execute(sa.text(f"INSERT INTO versions (model, version, bundle, verdict, run, signature, actor, created) VALUES ({row})"))
    old.close()
    with Store.open(url, tmp_path / "state") as store:
        (version,) = store.registry.versions("adult")
        assert (version.bundle, version.card) == ("b1", None)
        assert _sign(store, verdict="v2")
        second, _ = store.registry.register("adult", bundle="b2", verdict="v2", run="r2", card="c2")
        assert second.card == "c2"
