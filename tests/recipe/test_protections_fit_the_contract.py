"""Whether protections and expectations fit the contract is told before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

RECIPE = """
    mlforge: 1
    defaults: [lifecycle, {source: csv}, {privacy: [drop, generalise, pseudonymise]}, {split: random}, {model: mlp}, {trainer: lightning}, _self_]
    name: people
    source: {path: rows.csv}
    contract:
      columns:
        email: {dtype: string, role: id, pii: email}
        phone: {dtype: int, pii: phone}
        age: {dtype: int}
        zip: {dtype: category}
        y: {dtype: category, role: target}
    privacy:
      drop: {columns: [phone]}
      generalise: {columns: [age], band: 10}
      pseudonymise: {pii: [email], key_env: THE_KEY}
    """


@pytest.fixture
def people(bench: Any) -> Any:
    bench.configured(env=("THE_KEY",))
    bench.write(people=RECIPE)
    return bench


def test_later_stages_see_the_contract_of_what_is_kept(people: Any) -> None:
    recipe = people.compose("people", "contract.columns.age.le=100")
    assert recipe.contract.having("feature") == ("phone", "age", "zip")
    assert recipe.kept.having("feature") == ("age", "zip")
    assert (recipe.contract.columns["age"].le, recipe.kept.columns["age"].le) == (100, None)


def test_a_recipe_without_protections_keeps_its_contract(people: Any) -> None:
    recipe = people.compose("people", "~privacy")
    assert recipe.kept is recipe.contract


@pytest.mark.parametrize(
    ("override", "where", "told"),
    [
        ("privacy.drop.columns=[fone]", "privacy.drop.columns", "there is no column fone"),
        ("privacy.pseudonymise.pii=[e_mail]", "privacy.pseudonymise.pii", "no column has the class e_mail"),
        ("privacy.drop.columns=[]", "privacy.drop", "names no column"),
        ("privacy.drop.columns=[age]", "privacy.generalise", "age is protected by privacy.drop already"),
        ("privacy.drop.columns=[y]", "privacy.drop", "y is the target"),
        ("privacy.generalise.columns=[zip]", "privacy.generalise", "zip is category, and prefix is not set"),
        ("privacy.generalise.band=2.5", "privacy.generalise", "age is a column of whole numbers, and band is 2.5"),
        ("privacy.pseudonymise.columns=[zip,phone]", "privacy.pseudonymise", "phone is protected by privacy.drop already"),
        ("contract.columns.email.dtype=int", "privacy.pseudonymise", "email is int, and pseudonyms are text"),
        ("contract.columns.age.unique=true", "contract.columns.age.unique", "cannot be seen of a column that privacy.generalise makes coarse"),
        ("privacy.pseudonymise.key_env=HOME", "privacy.pseudonymise.key_env", "does not allow"),
        ("privacy.pseudonymise.key_env=null", "privacy.pseudonymise", "give the key by key_env or by key_file"),
        ("privacy.generalise.band=null", "privacy.generalise", "say how coarse"),
        ("contract.expect={few: {column: phone, measure: mean, max: 5}}", "contract.expect.few", "phone is dropped by privacy.drop"),
        ("contract.expect={known: {column: zip, measure: refers, to: zips.code}}", "contract.expect.known.to", "there is no reference zips"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(people: Any, override: str, where: str, told: str) -> None:
    problem = people.problem("people", override)
    assert problem.where == where
    assert told in str(problem)


def test_a_key_file_lies_within_the_roots(people: Any, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k" * 32)
    people.write(elsewhere=RECIPE.replace("key_env: THE_KEY", f"key_file: {tmp_path.parent / 'key'}"))
    assert people.problem("elsewhere").where == "privacy.pseudonymise.key_file"


def test_a_reference_is_a_source_like_any_other(people: Any) -> None:
    people.write(zips=RECIPE.replace("{split: random}", "{references: [csv]}, {split: random}").rstrip() + "\n    references: {csv: {path: zips.csv}}\n")
    recipe = people.compose("zips", "contract.expect={known: {column: zip, measure: refers, to: csv.code}}")
    assert recipe.contract.expect["known"].to == "csv.code"
    assert recipe.sections["references"]["csv"].path.endswith("/zips.csv")
