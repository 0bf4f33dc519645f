from __future__ import annotations

import polars as pl
from tests.builtin.features.front_of import fitted, said

from mlforge.builtin.features.categorical import Categorical
from mlforge.contract import Contract

CITY = {"dtype": "category", "nullable": True}


def rows(*values: str | None) -> pl.DataFrame:
    return pl.DataFrame({"city": values}, schema={"city": pl.String})


def test_categories_are_numbered_in_sorted_order_from_one(tmp_path):
    fitting = fitted(Categorical(), rows("Rom", "Bern", "Rom", "Oslo"), city=CITY)
    assert fitting[0].cardinalities == (4,)
    assert fitting[0].vocabularies == {"city": ("Bern", "Oslo", "Rom")}
    assert said(tmp_path, fitting, rows("Bern", "Oslo", "Rom"))[:, 0].tolist() == [1, 2, 3]


def test_missing_empty_and_unseen_are_zero(tmp_path):
    fitting = fitted(Categorical(), rows("Rom", None, ""), city=CITY)
    assert fitting[0].vocabularies == {"city": ("Rom",)}
    assert said(tmp_path, fitting, rows(None, "", "Paris", "rom", "Rom"))[:, 0].tolist() == [0, 0, 0, 0, 1]


def test_rare_categories_have_no_number_but_are_known(tmp_path):
    fitting = fitted(Categorical(min_count=2), rows("Rom", "Rom", "Bern"), city=CITY)
    assert fitting[0].vocabularies == {"city": ("Bern", "Rom")}
    assert said(tmp_path, fitting, rows("Bern", "Rom"))[:, 0].tolist() == [0, 1]


def test_the_most_frequent_categories_are_kept_and_ties_go_by_name(tmp_path):
    fitting = fitted(Categorical(max_categories=2), rows("c", "b", "a", "c"), city=CITY)
    assert said(tmp_path, fitting, rows("a", "b", "c"))[:, 0].tolist() == [1, 0, 2]


def test_a_column_without_any_value_is_always_zero(tmp_path):
    fitting = fitted(Categorical(), rows(None, None), city=CITY)
    assert fitting[0].cardinalities == (1,)
    assert said(tmp_path, fitting, rows(None, "Rom"))[:, 0].tolist() == [0, 0]


def test_text_and_what_is_no_feature_is_not_taken():
    columns = {"a": CITY, "b": {"dtype": "string"}, "c": {"dtype": "text"}, "d": {"dtype": "category", "role": "protected"}, "e": {"dtype": "int"}}
    contract = Contract.model_validate({"columns": columns})
    assert Categorical().takes(contract) == ("a", "b")
    assert Categorical(columns=("b",)).takes(contract) == ("b",)
