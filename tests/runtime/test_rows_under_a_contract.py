"""What a contract makes of rows: types, missing values, and the reason for each row that breaks it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import polars as pl
import pytest

from mlforge.contract import Contract
from mlforge.errors import DataError
from mlforge.runtime.conform import Conformer, conform


def contract(nulls: tuple[str, ...] = (), extra: str = "error", **columns: Any) -> Contract:
    return Contract.model_validate({"nulls": nulls, "extra": extra, "columns": columns})


def told(frame: pl.DataFrame, ruled: Contract) -> list[tuple[int, str]]:
    return Conformer(ruled).separate(frame).rejected.rows()


def cells(values: Any, dtype: str, raw: Any = None, **column: Any) -> list[Any]:
    """What the values become; "broken" where a row is rejected."""
    parted = Conformer(contract(x={"dtype": dtype, "nullable": True, **column})).separate(pl.DataFrame({"x": pl.Series(values, dtype=raw, strict=False)}))
    found: list[Any] = ["broken"] * len(values)
    for position, value in zip(parted.accepted, parted.rows["x"].to_list(), strict=True):
        found[position] = value
    return found


BROKEN = "broken"


@pytest.mark.parametrize(
    ("dtype", "given", "expected"),
    [
        ("int", ["7", " 7 ", "+7", "3.0", "1e3", "3.5", "x", "true", "99999999999999999999", ""], [7, 7, 7, 3, 1000, BROKEN, BROKEN, BROKEN, BROKEN, None]),
        ("int", [1.0, 2.5, float("nan"), float("inf"), 1e30, None], [1, BROKEN, None, BROKEN, BROKEN, None]),
        ("int", [True, False], [BROKEN, BROKEN]),
        ("float", ["1.5", " 2 ", "1e-3", "nan", "inf", "-Infinity", "1,5", None], [1.5, 2.0, 0.001, None, BROKEN, BROKEN, BROKEN, None]),
        ("float", [1.5, float("nan"), float("-inf")], [1.5, None, BROKEN]),
        ("float", [1, 2], [1.0, 2.0]),
        ("bool", ["true", "False", "TRUE", "1", "0", "yes", "no", "on", "2"], [True, False, True, True, False, BROKEN, BROKEN, BROKEN, BROKEN]),
        ("bool", [0, 1, 2], [False, True, BROKEN]),
        ("category", [1, 2], ["1", "2"]),
        ("category", [1.0, 2.5, float("nan")], ["1", "2.5", None]),
        ("category", [True, False], ["true", "false"]),
        ("string", ["a", "", " ", " b "], ["a", None, None, " b "]),
        ("string", [[1], [2]], [BROKEN, BROKEN]),
        ("array[float, 2x2]", [[1, 2, 3, 4], [1, 2, 3], [1.0, 2.0, 3.0, float("inf")], None], [[1.0, 2.0, 3.0, 4.0], BROKEN, BROKEN, None]),
    ],
)  # fmt: skip
def test_each_dtype_reads_what_it_should_and_nothing_else(dtype: str, given: list[Any], expected: list[Any]) -> None:
    assert cells(given, dtype) == expected


def test_times_are_iso_8601_and_come_out_in_utc() -> None:
    given = ["2024-01-02", "2024-01-02T03:04:05", "2024-01-02 03:04", "2024-01-02T03:04:05.5Z", "2024-01-02T03:04:05+02:00", "02.01.2024", "2024-13-01", ""]
    day = datetime(2024, 1, 2)
    expected = [day, day + timedelta(hours=3, minutes=4, seconds=5), day + timedelta(hours=3, minutes=4), day + timedelta(seconds=11045.5)]
    assert cells(given, "datetime") == [*expected, datetime(2024, 1, 2, 1, 4, 5), BROKEN, BROKEN, None]
    assert cells([datetime(2024, 1, 2, 3, tzinfo=timezone.utc)], "datetime", pl.Datetime("ms", "UTC")) == [datetime(2024, 1, 2, 3)]  # noqa: UP017
    assert cells([date(2024, 1, 2)], "datetime") == [day]
    assert cells([3], "datetime") == [BROKEN]


def test_bounds_of_times_are_times() -> None:
    ruled = contract(t={"dtype": "datetime", "ge": "2020-01-01", "lt": "2021-01-01T00:00:00+00:00"})
    frame = pl.DataFrame({"t": ["2019-12-31T23:59:59", "2020-01-01", "2020-12-31T23:59:59.999", "2021-01-01"]})
    assert Conformer(ruled).separate(frame).accepted.to_list() == [1, 2]


def test_tokens_for_missing_values_hold_for_text_and_numbers() -> None:
    ruled = contract(("?", "-999"), a={"dtype": "int", "nullable": True}, b={"dtype": "category", "nullable": True}, c={"dtype": "float", "nullable": True})
    rows = conform(pl.DataFrame({"a": [" ?", "1"], "b": ["x", "?"], "c": [-999.0, 2.0]}), ruled)
    assert rows.rows() == [(None, "x", None), (1, None, 2.0)]


def test_every_reason_names_the_column_the_value_and_the_rule() -> None:
    ruled = contract(
        ("?",),
        age={"dtype": "int", "ge": 16, "le": 100},
        plan={"dtype": "category", "values": ["basic", "plus", "pro"]},
        tenure={"dtype": "float"},
        code={"dtype": "string", "regex": "[a-z]+", "length": {"min": 2, "max": 4}, "name": "the code"},
    )
    frame = pl.DataFrame(
        {"age": ["430", "abc", "17", "3.5"], "plan": ["gold", "?", "pro", "pro"], "tenure": ["1", "inf", None, "3"], "the code": ["ab", "ab1", "abcdef", "abc"]}
    )
    assert told(frame, ruled) == [
        (0, "age 430 is above 100; plan 'gold' is not one of basic, plus, pro"),
        (1, "age 'abc' is not an int; plan is missing; tenure 'inf' is not a finite number; the code 'ab1' does not match [a-z]+"),
        (2, "tenure is missing; the code 'abcdef' is not 2 to 4 characters long"),
        (3, "age '3.5' is not an int"),
    ]


def test_a_cell_of_a_wrong_dtype_is_not_also_called_missing() -> None:
    assert told(pl.DataFrame({"x": ["abc"]}), contract(x={"dtype": "int"})) == [(0, "x 'abc' is not an int")]


def test_long_values_are_cut_and_personal_data_is_not_shown() -> None:
    ruled = contract(a={"dtype": "int"}, email={"dtype": "string", "regex": ".+@.+", "pii": "email"})
    ((_, reason),) = told(pl.DataFrame({"a": ["x" * 5000], "email": ["ann at home"]}), ruled)
    assert "x" * 40 + "…'" in reason
    assert "x" * 41 not in reason
    assert "ann" not in reason
    assert "email does not match" in reason


def test_a_regular_expression_must_match_from_start_to_end_over_lines() -> None:
    assert told(pl.DataFrame({"x": ["ab", "xab", "ab\n", "ab\nab", "b"]}), contract(x={"dtype": "string", "regex": "a?b|ab"})) == [
        (1, "x 'xab' does not match a?b|ab"),
        (2, "x 'ab\n' does not match a?b|ab"),
        (3, "x 'ab\nab' does not match a?b|ab"),
    ]


def test_allowed_values_mean_the_columns_own_dtype() -> None:
    assert told(pl.DataFrame({"x": ["1", "3"]}), contract(x={"dtype": "category", "values": [1, 2]})) == [(1, "x '3' is not one of 1, 2")]
    assert told(pl.DataFrame({"x": [1.0, 3.0]}), contract(x={"dtype": "float", "values": [1, 2.5]})) == [(1, "x 3.0 is not one of 1, 2.5")]
    assert told(pl.DataFrame({"x": ["true", "false"]}), contract(x={"dtype": "bool", "values": [True]})) == [(1, "x false is not one of true")]


def test_a_missing_column_is_named_with_a_near_one() -> None:
    with pytest.raises(DataError, match=r"lacks the column 'age'\. Did you mean Age\?"):
        conform(pl.DataFrame({"Age": [1]}), contract(age={"dtype": "int"}, extra="drop"))


def test_several_missing_columns_are_named_each_with_a_near_one() -> None:
    with pytest.raises(DataError, match=r"lacks the columns 'age' \(it has 'Age'\), 'plan'\n"):
        conform(pl.DataFrame({"Age": [1], "x": [2]}), contract(age={"dtype": "int"}, plan={"dtype": "int"}, extra="drop"))


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_a_file_that_was_taken_for_one_column_is_asked_for_its_separator(separator: str) -> None:
    """Read with a comma, a file of semicolons is one column whose name is the whole first line."""
    with pytest.raises(DataError) as caught:
        conform(pl.DataFrame({separator.join(["age", "plan"] * 40): ["1"]}), contract(age={"dtype": "int"}, plan={"dtype": "int"}))
    assert "the source has one column, 'age" in str(caught.value)
    assert f"Are its fields separated by {separator!r}? Then say so: the source's `separator: {json.dumps(separator)}`." in caught.value.hint
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(("extra", "columns"), [("drop", ["a"]), ("keep", ["a", "b c"])])
def test_undeclared_columns_are_an_error_or_dropped_or_kept(extra: str, columns: list[str]) -> None:
    frame = pl.DataFrame({"b c": ["1"], "a": ["1"]})
    with pytest.raises(DataError, match="'b c'"):
        conform(frame, contract(a={"dtype": "int"}))
    assert conform(frame, contract(extra=extra, a={"dtype": "int"})).columns == columns


def test_columns_to_ignore_may_be_there_or_not() -> None:
    ruled = contract(a={"dtype": "int"}, b={"dtype": "int", "role": "ignore", "name": "B b"})
    assert conform(pl.DataFrame({"a": [1], "B b": ["what"]}), ruled).columns == ["a"]
    assert conform(pl.DataFrame({"a": [1]}), ruled).columns == ["a"]


def test_columns_are_found_by_real_name_and_by_key() -> None:
    ruled = contract(mean_radius={"dtype": "float", "name": "mean radius"})
    once = conform(pl.DataFrame({"mean radius": ["1.5"]}), ruled)
    assert once.columns == ["mean_radius"]
    assert conform(once, ruled).equals(once)


def test_a_row_to_predict_needs_no_target_and_may_have_more_columns() -> None:
    ruled = contract(a={"dtype": "int"}, y={"dtype": "category", "role": "target"}).projected("predict")
    assert conform(pl.DataFrame({"a": [1], "else": [2]}), ruled).columns == ["a"]


def test_a_frame_without_rows_and_columns_without_values_keep_their_types() -> None:
    ruled = contract(a={"dtype": "int", "nullable": True}, t={"dtype": "datetime", "nullable": True})
    assert conform(pl.DataFrame({"a": [], "t": []}, schema={"a": pl.String, "t": pl.String}), ruled).schema == {"a": pl.Int64, "t": pl.Datetime("us")}
    assert conform(pl.DataFrame({"a": [None], "t": [None]}), ruled).schema == {"a": pl.Int64, "t": pl.Datetime("us")}


def test_positions_speak_of_the_frame_that_was_given() -> None:
    parted = Conformer(contract(a={"dtype": "int"})).separate(pl.DataFrame({"a": ["1", "x", "3", None]}))
    assert parted.accepted.to_list() == [0, 2]
    assert parted.rejected["position"].to_list() == [1, 3]
    assert parted.rows["a"].to_list() == [1, 3]


def test_the_first_broken_rows_are_told_when_none_is_allowed() -> None:
    with pytest.raises(DataError, match=r"2 of 3 rows break the contract:\n  row 0: a is missing\n  row 2: a 'x' is not an int"):
        conform(pl.DataFrame({"a": [None, "1", "x"]}), contract(a={"dtype": "int"}))


def test_utc_is_what_a_time_without_a_zone_means() -> None:
    zoned, naive = cells(["2024-01-02T00:00:00Z", "2024-01-02T00:00:00"], "datetime")
    assert zoned == naive == datetime(2024, 1, 2, tzinfo=UTC).replace(tzinfo=None)
