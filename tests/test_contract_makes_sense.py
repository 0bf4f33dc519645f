"""A contract that nothing could keep, or that means nothing, is refused when it is read."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from mlforge.contract import Column, Contract


@pytest.mark.parametrize(
    ("column", "told"),
    [
        ({"dtype": "float", "ge": "2020-01-01"}, "is not a number"),
        ({"dtype": "float", "ge": float("nan")}, "finite"),
        ({"dtype": "float", "values": ["x"]}, "is not a number"),
        ({"dtype": "int", "values": [1.5]}, "is not a whole number"),
        ({"dtype": "datetime", "ge": "soon"}, "ISO 8601"),
        ({"dtype": "bool", "values": ["yes"]}, "is not true or false"),
        ({"dtype": "float", "ge": 5, "le": 1}, "no value is within its bounds"),
        ({"dtype": "datetime", "gt": "2020-01-02", "lt": "2020-01-01"}, "no value is within its bounds"),
        ({"dtype": "array[float, 4]", "values": [1]}, "values cannot be listed"),
        ({"dtype": "string", "regex": "(?=x)y"}, "look-around"),
        ({"dtype": "string", "regex": r"(a)\1"}, "back-references"),
        ({"dtype": "string", "regex": "("}, "does not parse"),
        ({"dtype": "category", "ge": 1}, "bounds need a column of numbers"),
        ({"dtype": "int", "regex": "x"}, "need a column of strings"),
        ({"dtype": "int", "positive": 1}, "only a target has a positive class"),
        ({"dtype": "category", "role": "target", "values": ["a", "b"], "positive": "c"}, "none of its values"),
        ({"dtype": "int", "role": "ignore", "ge": 0}, "would have no effect"),
        ({"dtype": "number"}, "unknown dtype"),
    ],
)
def test_a_column_that_makes_no_sense_is_refused(column, told):
    with pytest.raises(ValidationError, match=told):
        Column(**column)


@pytest.mark.parametrize(
    "column",
    [
        {"dtype": "int", "ge": 0.5, "le": 3, "values": [1, 2.0]},
        {"dtype": "datetime", "ge": "2020-01-01", "le": "2020-01-01T10:00:00+02:00"},
        {"dtype": "category", "values": [1, True, "x"]},
        {"dtype": "string", "regex": r"\d{4}(?:-\d+)?\\"},
        {"dtype": "bool", "role": "target", "values": [True, False], "positive": True},
    ],
)
def test_one_that_makes_sense_is_not(column):
    assert Column(**column).dtype == column["dtype"]


@pytest.mark.parametrize("key", ["part", "row", "prediction", "probability", "__row__"])
def test_a_key_that_stages_use_beside_the_columns_is_refused_with_a_way_out(key):
    with pytest.raises(ValidationError, match=f"take another key, and say name: {key}"):
        Contract(columns={key: Column(dtype="int")})
    assert Contract(columns={"mine": Column(dtype="int", name=key)}).real_name("mine") == key
