"""The quick way through the decoder and the contract itself agree on every row; rows judged together are judged as if each were alone."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime
from typing import Any
from unittest.mock import patch

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.serving.bundles import make_bundle

from mlforge.contract import Column, Contract, Length
from mlforge.runtime.conform import Conformer
from mlforge.runtime.feed import feed
from mlforge.serving.compiled import Compiled
from mlforge.serving.decoder import Decoder
from mlforge.serving.engine import Engine
from mlforge.serving.http import Refused
from mlforge.serving.judged import judge_frame, judge_rows
from mlforge.serving.offer import Offer
from mlforge.serving.readers import Unsettled
from mlforge.serving.request_rows import RequestRows

CONTRACT = Contract(
    columns={
        "whole": Column(dtype="int", ge=-5, lt=50, nullable=True),
        "large": Column(dtype="int"),
        "real": Column(dtype="float", gt=-1.5, le=1e6),
        "open": Column(dtype="float", nullable=True, name="an open one"),
        "truth": Column(dtype="bool", nullable=True),
        "strict": Column(dtype="bool"),
        "kind": Column(dtype="category", values=("a", "b", " c ", "?", 7, True)),
        "free": Column(dtype="category", nullable=True, unseen="unknown"),
        "short": Column(dtype="string", length=Length(min=2, max=4)),
        "when": Column(dtype="datetime", ge="1999-12-31", lt="2030-01-01T00:00:00+02:00", nullable=True),
        "many": Column(dtype="array[float, 3]"),
    },
    nulls=("?", "-999", "none"),
    extra="drop",
)
ODD: list[Any] = [
    None, "", " ", "?", " ? ", "none", "a", "b", "c", " c ", "7", "true", "True", "yes", "1", "3.0", "3.5", " 4", "nan", "NaN", "inf", "1e3", "é" * 3,
    "ab", "abcde", True, False, 0, 1, -1, 3, 3.0, 3.5, -0.0, 49, 50, -5, -6, -999, -999.0, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63), -(2**63) - 1,
    10**400, 1e308, 1e-320, 1e6, "2024-02-03", "2024-02-03 04:05", "2024-02-03T04:05:06", "2024-02-03T04:05:06.123456", "2024-02-03T04:05:06.1234567",
    "2024-02-03T04:05:06Z", "2024-13-01", "1999-12-30", "2029-12-31T22:00:00", "2029-12-31T21:59:59.999999", "0001-01-01", "20240203", "2024-W05-6",
    "٢٠٢٤-٠٢-٠٣", "2024-02-03T24:00", "2024-02-03T04", [1, 2, 3], [1.0, 2, 3], [1, 2], [1, None, 3], ["1", "2", "3"], [True, False, True],
    [[1], [2], [3]], [1e308, 2, 3], [], [10**400, 1, 2], {"a": 1}, {}, [{}], "\x1cab", "ab\x85", "\u00a0ab", "a\u200bb", "\ufeffab",
]  # fmt: skip


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Decoder, Engine]:
    engine = Engine.open(Offer("odd", 0, "", make_bundle(tmp_path_factory.mktemp("decoder"), CONTRACT)), 1)
    made = Decoder(engine)
    assert made.compiled is not None
    return made, engine


def _cell() -> st.SearchStrategy[Any]:
    return st.one_of(
        st.sampled_from(ODD), st.integers(-(2**65), 2**65), st.integers(-10, 60), st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=6), st.datetimes(datetime(1998, 1, 1), datetime(2031, 1, 1)).map(lambda moment: moment.isoformat()),
        st.lists(st.floats(-5, 5), max_size=4),
    )  # fmt: skip


USUAL: dict[str, st.SearchStrategy[Any]] = {
    "whole": st.integers(-5, 49) | st.none(),
    "large": st.integers(-(2**40), 2**40) | st.floats(-10, 10),
    "real": st.floats(-1.4, 1e6) | st.integers(0, 9),
    "an open one": st.floats(allow_nan=False, allow_infinity=False) | st.none(),
    "truth": st.booleans() | st.none(),
    "strict": st.booleans(),
    "kind": st.sampled_from(["a", "b", " c ", "7", "true"]),
    "free": st.text(max_size=5) | st.none() | st.just("?"),
    "short": st.text(min_size=1, max_size=5),
    "when": st.datetimes(datetime(1999, 12, 30), datetime(2030, 1, 1)).map(lambda moment: moment.isoformat()) | st.none(),
    "many": st.lists(st.floats(-5, 5) | st.integers(-2, 2), min_size=3, max_size=3),
}


@st.composite
def _rows(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Rows most of whose cells are right, so that the wrong ones are seen one by one."""
    rows = []
    for _ in range(draw(st.integers(1, 3))):
        row = {name: draw(cell) for name, cell in USUAL.items()}
        for name in draw(st.lists(st.sampled_from(sorted(row)), max_size=2)):
            row[name] = draw(_cell())
        for name in draw(st.lists(st.sampled_from(sorted(row)), max_size=1)):
            if draw(st.booleans()):
                row["open" if name == "an open one" else f"{name}s"] = row.pop(name)
        rows.append(row)
    return rows


def _taken(load: RequestRows, decoder: Decoder) -> list[list[Any]]:
    return [column.tolist() for column in decoder.columns.of([load])] if load.good else []


def _alike(one: list[list[Any]], other: list[list[Any]]) -> bool:
    return len(one) == len(other) and all(_same(a, b) for a, b in zip(one, other, strict=True))


def _same(one: list[Any], other: list[Any]) -> bool:
    return bool(np.array_equal(np.array(one), np.array(other), equal_nan=True)) if one and not isinstance(one[0][0], str) else one == other


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=_rows())
def test_what_goes_the_quick_way_the_contract_accepts_with_the_same_values(decoder: tuple[Decoder, Engine], rows: list[dict[str, Any]]) -> None:
    made, engine = decoder
    body = json.dumps({"rows": rows}).encode()
    try:
        asked = made.json(body)
    except Refused:  # JSON's own readers say so, of lone surrogates and numbers that no float holds
        assume(False)
    judged = judge_rows(json.loads(body)["rows"], engine)
    assert asked.load.rejected == judged.rejected
    assert _alike(_taken(asked.load, made), _taken(judged, made))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=_rows())
def test_rows_judged_together_are_judged_as_if_alone(decoder: tuple[Decoder, Engine], rows: list[dict[str, Any]]) -> None:
    made, engine = decoder
    together = judge_rows(rows, engine)
    for number, row in enumerate(rows):
        alone = judge_rows([row], engine)
        mine = [one.reason for one in together.rejected if one.row == number]
        assert mine == [one.reason for one in alone.rejected]
        if not mine:
            place = list(together.positions()).index(number)
            assert _alike([[column[place]] for column in _taken(together, made)], _taken(alone, made))


@pytest.mark.parametrize("name", list(USUAL))
def test_every_odd_cell_is_what_a_frame_with_it_says(decoder: tuple[Decoder, Engine], name: str) -> None:
    """Against the contract's own judgement of a frame, not by way of the decoder."""
    made, engine = decoder
    usual = {"whole": 3, "large": 1, "real": 0.5, "an open one": 1.5, "truth": True, "strict": False, "kind": "a", "free": "x", "short": "abc"}
    usual |= {"when": "2024-01-01", "many": [1.0, 2.0, 3.0]}
    held = 0
    for cell in ODD:
        row = usual | {name: cell}
        try:
            frame = pl.DataFrame([pl.Series(key, [value], strict=True) for key, value in row.items()])
        except (TypeError, OverflowError, pl.exceptions.PolarsError):
            continue  # no frame can hold it
        held += 1
        parted = Conformer(engine.contract).separate(frame)
        load = made.json(json.dumps([row]).encode()).load
        assert [one.row for one in load.rejected] == parted.rejected["position"].to_list(), cell
        if load.good:
            expected = feed(parted.rows, engine.graph.inputs, engine.graph.widths)
            assert _alike(_taken(load, made), [expected[key].tolist() for key in engine.inputs]), cell
    assert held > 60


@st.composite
def _column(draw: st.DrawFn) -> Column:
    dtype = draw(st.sampled_from(["int", "float", "bool", "category", "string", "datetime", "array[int, 2]"]))
    told: dict[str, Any] = {"dtype": dtype, "nullable": draw(st.booleans()), "unseen": draw(st.sampled_from(["error", "unknown"]))}
    if dtype in ("int", "float"):
        bound = st.integers(-9, 9) | st.floats(-9, 9)
        told |= {name: draw(bound) for name in draw(st.lists(st.sampled_from(["ge", "gt", "le", "lt"]), unique=True))}
    if dtype == "datetime":
        told |= {
            name: draw(st.sampled_from(["2001-01-01", "2010-06-01T12:00:00+05:00"])) for name in draw(st.lists(st.sampled_from(["ge", "lt"]), unique=True))
        }
    if dtype in ("category", "string"):
        told["values"] = draw(st.none() | st.lists(st.sampled_from(["a", "b", "", " ", "0", "x y", " a"]), min_size=1, unique=True).map(tuple))
        told["length"] = draw(st.none() | st.builds(Length, min=st.integers(0, 2), max=st.none() | st.integers(2, 4)))
    try:
        return Column(**told)
    except ValueError:  # bounds that leave nothing
        assume(False)
        raise AssertionError from None


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(column=_column(), nulls=st.lists(st.sampled_from(["?", "0", "-1.0", "a", "none"]), unique=True).map(tuple), data=st.data())
def test_under_any_contract_the_quick_way_accepts_nothing_that_the_contract_does_not(column: Column, nulls: tuple[str, ...], data: st.DataObject) -> None:
    contract = Contract(columns={"x": column}, nulls=nulls, extra="drop")
    try:
        compiled = Compiled(contract, ["x"])
    except Unsettled:
        return
    moments = st.datetimes(datetime(2000, 1, 1), datetime(2012, 1, 1)).map(lambda moment: moment.isoformat())
    few = st.sampled_from([None, "a", "b", "", " ", "0", "x y", " a", "?", 0, 1, -1, 0.0, 2.5, True, False, [1, 2], [0.5, 1]])
    cell = data.draw(few | st.integers(-10, 10) | st.floats(-10, 10) | st.text(max_size=5) | moments)
    try:
        ((value,), *many) = compiled.rows(msgspec.convert([{"x": cell}] * data.draw(st.sampled_from([1, 9])), list[compiled.named[0]]))  # type: ignore[name-defined]
        assert all(other == (value,) for other in many)
    except (msgspec.ValidationError, Unsettled):
        return
    parted = Conformer(contract).separate(pl.DataFrame([pl.Series("x", [cell], strict=True)]))
    assert parted.rejected.is_empty(), (cell, value)
    expected = parted.rows["x"][0]
    if column.dtype == "datetime" and expected is not None:
        expected = feed(parted.rows, {"x": "tensor(double)"})["x"].item()
    elif column.dtype in ("category", "string"):
        expected = expected or ""
    assert list(value) == list(expected) if isinstance(value, list) else value == expected


@pytest.mark.parametrize("leave_out", ["the row", "a nullable column", "nothing"])
def test_right_rows_go_the_quick_way(decoder: tuple[Decoder, Engine], leave_out: str) -> None:
    """Else it would be quick on paper only."""
    row = {
        "whole": 3,
        "large": 2.0,
        "real": 1,
        "an open one": 1.5,
        "truth": None,
        "strict": False,
        "kind": "a",
        "free": "?",
        "short": "abc",
        "when": "2024-01-01",
    }
    row["many"] = [1, 2.5, 3]
    if leave_out == "a nullable column":
        del row["an open one"]
    rows = [] if leave_out == "the row" else [row]
    load = decoder[0].json(json.dumps({"rows": rows}).encode()).load
    assert load.rows is not None
    assert load.count == len(rows)


def test_many_unknown_names_cost_no_time(decoder: tuple[Decoder, Engine]) -> None:
    rows = [{"large": 1, **{f"{name}{number}{place}": 0 for number in range(20) for name in USUAL}} for place in range(50)]
    begun = time.process_time()
    load = decoder[0].json(json.dumps({"rows": rows}).encode()).load
    assert len(load.rejected) == 50
    assert time.process_time() - begun < 2


def test_a_row_by_keys_and_one_by_real_names_go_together(decoder: tuple[Decoder, Engine]) -> None:
    usual = {"whole": 3, "large": 1, "real": 0.5, "truth": True, "strict": False, "kind": "a", "free": "x", "short": "abc", "many": [1, 2, 3]}
    load = decoder[0].json(json.dumps({"rows": [usual | {"open": 2.5}, usual | {"an open one": 1.5}]}).encode()).load
    assert load.rejected == ()
    assert decoder[0].columns.of([load])[3].ravel().tolist() == [2.5, 1.5]


def test_an_extra_column_beside_a_missing_one_is_no_misspelling(decoder: tuple[Decoder, Engine]) -> None:
    usual = {"large": 1, "real": 0.5, "strict": False, "kind": "a", "short": "abc", "many": [1, 2, 3], "whole_sale": 7, "when_ever": "x"}
    assert decoder[0].json(json.dumps([usual]).encode()).load.rejected == ()


def test_a_column_that_is_misspelt_is_told_and_not_taken_for_missing(decoder: tuple[Decoder, Engine]) -> None:
    load = decoder[0].json(b'{"rows": [{"whol": 3, "large": 1}]}').load
    assert load.rejected[0].reason == "the model has no column 'whol'. Did you mean whole?"


def test_a_key_that_is_there_twice_is_refused_although_another_is_left_out(decoder: tuple[Decoder, Engine]) -> None:
    """As many colons as keys are no proof that none was lost: a column that may be missing has no key."""
    row = {"large": 1, "real": 0.5, "strict": False, "kind": "a", "short": "abc", "many": [1, 2, 3], "whole": 3, "truth": True, "free": "x", "when": None}
    body = json.dumps({"rows": [row]})
    assert decoder[0].json(body.encode()).load.rows is not None
    with pytest.raises(Refused, match="'whole' is there twice"):
        decoder[0].json(body.replace('"whole": 3', '"whole": 3, "whole": 4').encode())


def test_rows_of_many_types_cost_no_time(decoder: tuple[Decoder, Engine]) -> None:
    """JavaScript writes 1.0 as 1: of a few columns, nearly every row is of types of its own, and each kind of row was judged alone."""
    usual = {"strict": False, "kind": "a", "short": "abc", "many": [1, 2, 3], "truth": True, "free": "x", "when": None}
    both = (1, 0.5)
    rows = [usual | {"whole": 3.0 if place & 1 else 3, "large": place, "real": both[place >> 1 & 1], "open": both[place >> 2 & 1]} for place in range(64)]
    asked = json.dumps({"rows": [*rows, {"large": "x"}]}).encode()
    with patch("mlforge.serving.judged.judge_frame", wraps=judge_frame) as judged:
        load = decoder[0].json(asked).load
    assert [one.row for one in load.rejected] == [64]
    assert judged.call_count <= 2


def test_more_combinations_of_types_than_can_be_judged_are_refused(decoder: tuple[Decoder, Engine]) -> None:
    odd = (1, "a", True, [1])
    names = ("whole", "large", "real", "open")
    rows = [{name: odd[place // 4**at % 4] for at, name in enumerate(names)} for place in range(256)]
    with pytest.raises(Refused, match=r"'whole'.* 64 combinations"):
        decoder[0].json(json.dumps({"rows": rows}).encode())


def test_columns_of_strangers_cost_nothing_and_are_not_remembered(decoder: tuple[Decoder, Engine]) -> None:
    made, engine = decoder
    usual = {"large": [1], "real": [0.5], "strict": [False], "kind": ["a"], "short": ["abc"], "many": [[1.0, 2, 3]]}
    usual |= {"whole": [3], "an open one": [1.5], "truth": [True], "free": ["x"], "when": ["2024-01-01"]}
    plans = engine.predictor._conformer._plans
    made.frame(pl.DataFrame(usual))
    known = len(plans)
    for number in range(3):
        assert made.frame(pl.DataFrame(usual | {f"x{number}{place}": [0] for place in range(2000)})).good == 1
    assert len(plans) == known


def test_a_table_whose_columns_are_separated_otherwise_is_told_so(decoder: tuple[Decoder, Engine]) -> None:
    with pytest.raises(Refused, match=r"the rows have one column, 'whole;large', and lack .* a comma separates"):
        decoder[0].frame(pl.DataFrame({"whole;large": ["1;2"]}))


def test_a_misspelt_column_of_a_table_is_named(decoder: tuple[Decoder, Engine]) -> None:
    with pytest.raises(Refused, match="Did you mean larg"):
        decoder[0].frame(pl.DataFrame({name: [1] for name in ("whole", "larg", "real", "open", "truth", "strict", "kind", "free", "short", "when", "many")}))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"rows": [], "partail": True}, "'partail' is not known beside rows. Did you mean partial?"),
        ({"rows": [], "deadline": 5}, "'deadline' is not known beside rows. Did you mean deadline_ms?"),
        ({"columns": {}, "rows": 5}, "'rows' is not known beside columns"),
        ({"rows": {"large": 1}, "partial": True}, "rows: a JSON object; a list of objects was expected"),
        ({"columns": [1]}, "columns: a JSON list; a list of values for each column was expected"),
    ],
)
def test_what_is_not_known_beside_the_rows_is_refused(decoder: tuple[Decoder, Engine], said: object, told: str) -> None:
    with pytest.raises(Refused, match=re.escape(told)):
        decoder[0].json(json.dumps(said).encode())
