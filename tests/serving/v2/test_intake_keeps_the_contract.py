"""Tensors go through the decoder as rows do: whatever way they take, the contract has the last word."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.serving.v2.bundles import cells, matrix, mixed

from mlforge.service.limits import Limits
from mlforge.serving.decoder import Decoder
from mlforge.serving.engine import Engine
from mlforge.serving.http import Refused
from mlforge.serving.offer import Offer
from mlforge.serving.request_rows import RequestRows
from mlforge.serving.v2.datatypes import DATATYPES
from mlforge.serving.v2.intake import Intake
from mlforge.serving.v2.tensor import Tensor

NUMBERS = ("INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64", "FP16", "FP32", "FP64")
EASY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def _intake(folder: Path, **limits: object) -> tuple[Intake, Engine]:
    engine = Engine.open(Offer(folder.name, 1, "0" * 64, folder), 1)
    given = Limits.model_validate(limits)
    return Intake(engine, Decoder(engine, given), given), engine


@pytest.fixture(scope="module", params=[True, False], ids=["dated", "undated"])
def people(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Intake, Engine]:
    """With a column that only the contract can judge, and without."""
    return _intake(mixed(tmp_path_factory.mktemp("v2") / "mixed", dated=request.param))


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Intake, Engine]:
    return _intake(matrix(tmp_path_factory.mktemp("v2") / "matrix"))


def _said(load: RequestRows, engine: Engine) -> tuple[Any, Any]:
    """The good rows as the graph takes them, and the reasons against the others."""
    columns = Decoder(engine).columns.of([load])
    return [np.asarray(column).tolist() for column in columns], [(one.row, one.reason) for one in load.rejected]


def _same(load: RequestRows, frame: pl.DataFrame, engine: Engine) -> None:
    """As if the contract itself had judged a frame of these values."""
    ours, theirs = _said(load, engine), _said(Decoder(engine).frame(frame), engine)
    assert [row for row, _ in ours[1]] == [row for row, _ in theirs[1]]
    assert repr(ours[0]) == repr(theirs[0])  # NaN is equal to itself here


GOOD: Sequence[st.SearchStrategy[Any]] = (
    st.integers(16, 100),
    st.one_of(st.floats(0, 1e6), st.none()),
    st.booleans(),
    st.sampled_from(["Bern", "Oslo", "Rom"]),
    st.sampled_from(["good", "bad", "Æ"]),
    st.sampled_from(["2001-02-03", "2001-02-03T04:05:06"]),
    st.lists(st.floats(-5, 5), min_size=3, max_size=3),
)
ODD: Sequence[st.SearchStrategy[Any]] = (
    st.one_of(st.sampled_from([15, 101, -1]), st.none()),
    st.sampled_from([math.nan, math.inf, -math.inf, -0.5]),
    st.booleans(),
    st.one_of(st.sampled_from(["Paris", "?", "", " Rom", "Rom ", "nan", " ? "]), st.none()),
    st.one_of(st.sampled_from(["?", "", " good ", "?? "]), st.none()),
    st.one_of(st.sampled_from(["2001-02-30", "x", "", "2001-02-03T04:05:06+02:00", " 2001-02-03 "]), st.none()),
    st.sampled_from([[math.nan, 0.0, 1.0], [math.inf, 0.0, 1.0]]),
)


@st.composite
def people_with_few_faults(draw: st.DrawFn) -> list[tuple[Any, ...]]:
    """Rows of which most are good: one fault anywhere, and the quick way leaves the judgement to the contract."""
    rows = draw(st.lists(st.tuples(*GOOD).map(list), min_size=1, max_size=14))
    for place in draw(st.lists(st.integers(0, len(GOOD) - 1), max_size=2)):
        rows[draw(st.integers(0, len(rows) - 1))][place] = draw(ODD[place])
    return [tuple(row) for row in rows]


@EASY
@given(rows=people_with_few_faults(), binary=st.booleans())
def test_columns_are_judged_as_the_contract_judges_a_table(people: tuple[Intake, Engine], rows: list[tuple[Any, ...]], binary: bool) -> None:
    intake, engine = people
    age, income, member, city, note, born, visits = (list(values) for values in zip(*rows, strict=True))
    if not binary:  # JSON has no numbers but finite ones
        income = [None if value is None or not math.isfinite(value) else value for value in income]
        visits = [[value if math.isfinite(value) else 0.0 for value in one] for one in visits]
    flat = [value for one in visits for value in one]

    def values(name: str, given: list[Any]) -> list[Any] | np.ndarray:
        if not binary or name == "BYTES":
            return given
        kind = np.dtype(np.float64) if None in given else DATATYPES[name].stored
        return np.array([math.nan if value is None else value for value in given], kind)

    columns: Sequence[tuple[str, str, list[Any], tuple[int, ...]]] = (
        ("age", "INT64", age, ()),
        ("yearly income", "FP64", income, (1,)),
        ("member", "BOOL", member, ()),
        ("city", "BYTES", city, ()),
        ("note", "BYTES", note, (1,)),
        ("born", "BYTES", born, ()),
        ("visits", "FP64", flat, (3,)),
    )
    load = intake.load([Tensor(name, DATATYPES[kind], (len(rows), *cell), values(kind, given)) for name, kind, given, cell in columns])
    frame = pl.DataFrame(
        {
            "age": pl.Series(age, dtype=pl.Int64),
            "yearly income": pl.Series(income, dtype=pl.Float64),
            "member": member,
            "city": pl.Series(city, dtype=pl.String),
            "note": pl.Series(note, dtype=pl.String),
            "born": pl.Series(born, dtype=pl.String),
            "visits": pl.Series(visits, dtype=pl.Array(pl.Float64, 3)),
        }
    )
    _same(load, frame, engine)


@st.composite
def matrix_with_few_faults(draw: st.DrawFn) -> list[list[float]]:
    good = st.tuples(st.floats(-1e3, 1e3), st.integers(0, 10).map(float), st.floats(-4.9, 4.9), st.floats(-1, 1))
    rows = draw(st.lists(good.map(list), min_size=1, max_size=14))
    for place in draw(st.lists(st.integers(0, 3), max_size=2)):
        rows[draw(st.integers(0, len(rows) - 1))][place] = draw(st.sampled_from([math.nan, math.inf, -math.inf, 10.0, 11.0, 5.0, -5.0, -1.0, 2.5, 1e300]))
    return rows


@EASY
@given(rows=matrix_with_few_faults(), kind=st.sampled_from(["FP32", "FP64", "json"]))
def test_a_matrix_is_judged_as_the_contract_judges_a_table(numbers: tuple[Intake, Engine], rows: list[list[float]], kind: str) -> None:
    intake, engine = numbers
    flat = [value for row in rows for value in row]
    if kind == "json":
        given: Any = [None if not math.isfinite(value) else value for value in flat]
        read = np.array([math.nan if value is None else value for value in given])
    else:
        with np.errstate(over="ignore"):
            given = np.array(flat, DATATYPES[kind].stored)
        read = given.astype(np.float64)
    load = intake.load([Tensor("input", DATATYPES["FP64" if kind == "json" else kind], (len(rows), 4), given)])
    _same(load, pl.DataFrame({f"column {place}": values for place, values in enumerate(read.reshape(-1, 4).T)}), engine)


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("count", [1, 30])
def test_every_datatype_of_numbers_gives_the_same_values(numbers: tuple[Intake, Engine], name: str, count: int) -> None:
    intake, engine = numbers
    given = np.array([1, 3, 2, 4] * count, DATATYPES[name].stored)
    columns, rejected = _said(intake.load([Tensor("input", DATATYPES[name], (count, 4), given)]), engine)
    assert rejected == []
    assert columns == [[[value]] * count for value in (1.0, 3.0, 2.0, 4.0)]


@pytest.mark.parametrize("count", [1, 12])
def test_a_nullable_bool_is_one_nought_or_nan(tmp_path: Path, count: int) -> None:
    """As the metadata tell it; BOOL and BYTES are taken, too."""
    intake, engine = _intake(mixed(tmp_path / "mixed", dated=False, owned=True))
    assert {slot.name: slot.datatype for slot in intake.signature.slots}["owner"] == "FP64"
    rest = [
        Tensor("age", DATATYPES["INT64"], (count,), [40] * count),
        Tensor("yearly income", DATATYPES["FP64"], (count,), [1.0] * count),
        Tensor("member", DATATYPES["BOOL"], (count,), [True] * count),
        Tensor("city", DATATYPES["BYTES"], (count,), ["Rom"] * count),
        Tensor("note", DATATYPES["BYTES"], (count,), ["good"] * count),
        Tensor("visits", DATATYPES["FP64"], (count, 3), [1.0, 2.0, 3.0] * count),
    ]
    place = engine.inputs.index("owner")
    for kind, values, expected in (
        ("FP64", np.array([1.0]), "1.0"),
        ("FP64", np.array([0.0]), "0.0"),
        ("FP64", np.array([math.nan]), "nan"),
        ("FP64", [1.0], "1.0"),
        ("FP64", [None], "nan"),
        ("BOOL", [True], "1.0"),
        ("BOOL", np.array([False]), "0.0"),
        ("BYTES", ["true"], "1.0"),
        ("BYTES", [""], "nan"),
    ):
        many = values * count if isinstance(values, list) else np.repeat(values, count)
        columns, rejected = _said(intake.load([*rest, Tensor("owner", DATATYPES[kind], (count,), many)]), engine)
        assert rejected == []
        assert repr(columns[place]) == f"[{', '.join([f'[{expected}]'] * count)}]", (kind, values)
    assert intake.load([*rest, Tensor("owner", DATATYPES["FP64"], (count,), [0.5] * count)]).rejected


def test_whole_numbers_beyond_64_bits_are_out_of_bounds(numbers: tuple[Intake, Engine]) -> None:
    given = np.array([2**64 - 1] * 4 * 20, np.uint64)
    assert len(numbers[0].load([Tensor("input", DATATYPES["UINT64"], (20, 4), given)]).rejected) == 20


def test_a_reason_names_the_column_as_people_know_it(numbers: tuple[Intake, Engine]) -> None:
    (told,) = numbers[0].load([Tensor("input", DATATYPES["FP64"], (1, 4), [0.0, 3.0, 5.0, 1.0])]).rejected
    assert told.reason == "column 2 5.0 is not below 5"


def test_cells_without_rows_are_no_rows(tmp_path: Path) -> None:
    intake, _ = _intake(cells(tmp_path / "cells"))
    assert intake.load([Tensor("pixels", DATATYPES["FP64"], (0, 4), [])]).count == 0


def test_rows_and_texts_beyond_the_limits_are_refused(tmp_path: Path) -> None:
    intake, _ = _intake(matrix(tmp_path / "matrix"), rows=10)
    with pytest.raises(Refused, match="11 rows; at most 10") as caught:
        intake.load([Tensor("input", DATATYPES["FP64"], (11, 4), [0.0] * 44)])
    assert caught.value.status == 413
    intake, _ = _intake(mixed(tmp_path / "mixed"), text=100)
    with pytest.raises(Refused, match="'city': a text of 101 characters") as caught:
        intake.load([Tensor("city", DATATYPES["BYTES"], (1,), ["x" * 101])])
    assert caught.value.status == 413
