from __future__ import annotations

import json

import pytest

from mlforge.errors import RecipeError
from mlforge.store import Store, Version


def _register(store: Store, bundle: str, model: str = "adult", judged_against: str | None = None) -> Version:
    version, created = store.registry.register(model, bundle=bundle, verdict="v", run="r", judged_against=judged_against, actor="ada")
    assert created
    return version


def test_the_first_version_is_champion_and_every_later_one_challenger(store: Store) -> None:
    assert _register(store, "b1").aliases == ("champion",)
    assert _register(store, "b2", judged_against="b1").aliases == ("challenger",)
    assert _register(store, "b3", judged_against="b1").aliases == ("challenger",)
    versions = store.registry.versions("adult")
    assert [(str(version), version.aliases, version.judged_against) for version in versions] == [
        ("adult 1", ("champion",), None),
        ("adult 2", (), "b1"),
        ("adult 3", ("challenger",), "b1"),
    ]
    assert store.registry.champion("adult") == versions[0]
    assert store.registry.champion("digits") is None


def test_the_same_bundle_again_is_the_version_that_it_already_is(store: Store) -> None:
    first = _register(store, "b1")
    again, created = store.registry.register("adult", bundle="b1", verdict="other", run="later")
    assert (again, created) == (first, False)
    assert store.audit.verify() == 1
    assert _register(store, "b1", model="digits").version == 1, "of another model it is another version"
    assert store.registry.models() == ["adult", "digits"]


@pytest.mark.parametrize(
    ("reference", "number"), [("adult", 1), ("adult@champion", 1), ("adult@challenger", 3), ("adult@2", 2), ("adult 2", 2), (" adult  3 ", 3)]
)
def test_a_version_is_named_by_alias_or_number(store: Store, reference: str, number: int) -> None:
    for bundle in ("b1", "b2", "b3"):
        _register(store, bundle)
    assert store.registry.resolve(reference).version == number


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("adlut", "no model 'adlut'.\nDid you mean adult?"),
        ("adult@champoin", "no alias 'champoin'.\nDid you mean champion?"),
        ("adult@7", "no version 7.\nIt has versions 1 to 1"),
        ("", "'' names no model"),
        ("adult 1 2", "names no model"),
        ("adult@99999999999999999999", "no version 9999"),
    ],
)
def test_a_reference_to_nothing_says_what_there_is(store: Store, reference: str, said: str) -> None:
    _register(store, "b1")
    with pytest.raises(RecipeError) as raised:
        store.registry.resolve(reference)
    assert said in str(raised.value)
    assert raised.value.exit_code == 2


def test_an_empty_registry_says_so(store: Store) -> None:
    with pytest.raises(RecipeError, match="None is registered"):
        store.registry.resolve("adult")
    assert store.registry.models() == []


def test_an_alias_moves_and_the_audit_log_says_who_and_why(store: Store) -> None:
    _register(store, "b1")
    _register(store, "b2")
    moved = store.registry.set_alias("adult", "champion", 2, actor="grace", reason="better on slices")
    assert moved.aliases == ("challenger", "champion")
    assert store.registry.resolve("adult").version == 2
    assert store.registry.versions("adult")[0].aliases == ()
    entry = store.audit.entries(1)[0]
    assert (entry.actor, entry.event, entry.subject) == ("grace", "alias", "adult 2")
    assert entry.details == {"alias": "champion", "before": 1, "reason": "better on slices", "version": 2}
    store.registry.set_alias("adult", "champion", 2, actor="grace", reason="again")
    assert store.audit.verify() == 3, "nothing changed, nothing to record"


@pytest.mark.parametrize(
    ("model", "alias", "version"), [("adult", "champion", 9), ("digits", "champion", 1), ("adult", "3", 1), ("adult", "a b", 1), ("adult", "", 1)]
)
def test_an_alias_for_nothing_or_without_a_name_is_refused(store: Store, model: str, alias: str, version: int) -> None:
    _register(store, "b1")
    with pytest.raises(RecipeError):
        store.registry.set_alias(model, alias, version, actor="ada", reason="")
    assert store.audit.verify() == 1


def test_a_version_keeps_its_signature(store: Store) -> None:
    version, _ = store.registry.register("adult", bundle="b", verdict="v", run="r", signature={"inputs": {"age": "int"}})
    assert json.loads(store.registry.signature(version)) == {"inputs": {"age": "int"}}
