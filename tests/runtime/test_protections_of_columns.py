"""What the rules make of a column, and the key of pseudonyms."""

from __future__ import annotations

import hmac
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from mlforge.contract import Contract
from mlforge.errors import MissingRequirement
from mlforge.runtime.protections import Band, Drop, Moment, Prefix, Protector, Pseudonym, Rule, checked, guarded, sealed
from mlforge.secrets import MASK, forget, mask

KEY = "a-long-and-random-key-for-tests"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", KEY)


def after(values: pl.Series, rule: Rule) -> list[object]:
    return Protector({"x": rule}).apply(pl.DataFrame({"x": values}))["x"].to_list()


def test_numbers_become_the_lower_edge_of_their_band() -> None:
    assert after(pl.Series([37, 40, -3, 0, None]), Band(width=10)) == [30, 40, -10, 0, None]
    assert after(pl.Series([0.26, 1.0, None]), Band(width=0.25)) == [0.25, 1.0, None]


@pytest.mark.parametrize(("to", "left"), [("year", datetime(2021, 1, 1)), ("month", datetime(2021, 5, 1)), ("day", datetime(2021, 5, 17))])
def test_times_keep_what_is_asked_for(to: str, left: datetime) -> None:
    assert after(pl.Series([datetime(2021, 5, 17, 13, 45), None]), Moment.model_validate({"to": to})) == [left, None]


def test_texts_keep_their_first_characters_not_bytes() -> None:
    assert after(pl.Series(["80331", "é8x", "", None]), Prefix(characters=2)) == ["80", "é8", "", None]


@pytest.mark.parametrize("values", [["a@x.org", "b@x.org", "c@x.org"], ["a@x.org"] * 50 + ["é"], [None, "a@x.org", None], [None, None], []])
def test_pseudonyms_are_the_standard_hmac_whether_values_repeat_or_not(values: list[str | None]) -> None:
    said = after(pl.Series(values, dtype=pl.String), Pseudonym(variable="THE_KEY"))
    assert said == [None if one is None else hmac.digest(KEY.encode(), one.encode(), "sha256").hex()[:32] for one in values]


def test_a_key_longer_than_a_block_is_hashed_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", "k" * 200)
    assert after(pl.Series(["a"]), Pseudonym(variable="THE_KEY", characters=64)) == [hmac.digest(b"k" * 200, b"a", "sha256").hex()]


def test_two_tables_still_join() -> None:
    one, other = pl.DataFrame({"x": ["a", "b", "c"]}), pl.DataFrame({"x": ["b", "c", "d"], "y": [1, 2, 3]})
    protector = Protector({"x": Pseudonym(variable="THE_KEY")})
    assert protector.apply(one).join(protector.apply(other), on="x").height == 2


def test_what_travels_names_the_variable_and_checks_the_key_without_having_it(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    (rule,) = Protector({"x": Pseudonym(variable="THE_KEY", file=str(tmp_path / "key"))}).travelling.values()
    assert rule.model_dump() == {"kind": "pseudonym", "variable": "THE_KEY", "characters": 32, "check": checked(KEY.encode())}
    assert KEY not in rule.model_dump_json()


def test_a_key_is_masked_from_then_on() -> None:
    forget()
    Protector({"x": Pseudonym(variable="THE_KEY")})
    assert mask(f"it is {KEY}") == f"it is {MASK}"


def test_a_file_that_is_not_there_is_a_missing_requirement(tmp_path: Path) -> None:
    with pytest.raises(MissingRequirement, match="cannot be read"):
        Protector({"x": Pseudonym(file=str(tmp_path / "none"))})


def test_raw_rows_are_judged_in_full_and_kept_rows_by_what_is_left() -> None:
    columns = {"a": {"dtype": "int", "ge": 5}, "b": {"dtype": "string", "regex": "x+", "unique": True}, "c": {"dtype": "int", "ge": 0}}
    contract = Contract.model_validate({"columns": columns})
    rules: dict[str, Rule] = {"a": Band(width=10), "b": Pseudonym(), "c": Drop()}
    assert {(check.column, check.rule) for check in guarded(contract, rules).checks()} == {
        ("a", "dtype"), ("a", "null"), ("a", "ge"), ("b", "dtype"), ("b", "null"), ("b", "regex"), ("b", "unique"),
    }  # fmt: skip
    assert {(check.column, check.rule) for check in sealed(contract, rules).checks()} == {("a", "dtype"), ("a", "null"), ("b", "dtype"), ("b", "null")}
    assert guarded(contract, rules).columns["a"].pii == "protected"
