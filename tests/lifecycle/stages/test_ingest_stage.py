"""Ingest: which rows a table has, what the quarantine says of the others, and when the run stops."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import TypeAdapter
from tests.lifecycle.stages.job import StageJob

from mlforge.artifact import ROW, Quarantine, Table
from mlforge.builtin.sources.csv import Csv
from mlforge.builtin.sources.parquet import Parquet
from mlforge.components import Source
from mlforge.contract import Contract
from mlforge.errors import DataError
from mlforge.lifecycle.rows import accepts
from mlforge.lifecycle.stages.ingest import Ingest, _percent
from mlforge.runtime.conform import Conformer
from mlforge.units import Share

COLUMNS: dict[str, Any] = {
    "id": {"dtype": "int", "role": "id", "unique": True},
    "age": {"dtype": "int", "ge": 16, "le": 100},
    "plan": {"dtype": "category", "values": ["basic", "pro"], "nullable": True},
    "y": {"dtype": "category", "role": "target"},
}
GOOD = "1,20,basic,no\n2,30,,yes\n3,40,pro,no\n"


def ingest(tmp_path: Path, rows: str, *, head: str = "id,age,plan,y", smoke: bool = False, columns: dict[str, Any] = COLUMNS, **contract: Any) -> StageJob:
    path = tmp_path / "data.csv"
    path.write_text(f"{head}\n{rows}")
    ruled = Contract.model_validate({"columns": columns, **contract})
    job = StageJob(tmp_path / "job", contract=ruled, sections={"source": Csv(path=str(path))}, smoke=smoke)
    return job.run(Ingest())


def rows_of(job: StageJob) -> list[tuple[Any, ...]]:
    return pl.read_parquet(job.output("table", Table).partitions()).rows()


def rejected(job: StageJob) -> list[tuple[Any, ...]]:
    return pl.read_parquet(job.output("quarantine", Quarantine).folder / "rejected.parquet").rows()


def test_good_rows_become_a_typed_table(tmp_path: Path) -> None:
    job = ingest(tmp_path, GOOD)
    table = job.output("table", Table)
    assert rows_of(job) == [(0, 1, 20, "basic", "no"), (1, 2, 30, None, "yes"), (2, 3, 40, "pro", "no")]
    assert table.rows == 3
    assert table.contract == job.contract
    assert job.output("quarantine", Quarantine).json("summary.json") == {"rows": 3, "rejected": 0, "reasons": {}}
    assert rejected(job) == []
    assert job.finding("data/rows", subject="data").value == 3
    assert job.finding("data/nulls/plan").value == pytest.approx(1 / 3)


def test_broken_rows_go_to_quarantine_each_with_its_reasons(tmp_path: Path) -> None:
    job = ingest(tmp_path, GOOD + "4,430,gold,no\n5,old,basic,\n", max_rejected="40%")
    assert [row[0] for row in rows_of(job)] == [0, 1, 2]
    assert [row[:2] for row in rejected(job)] == [
        (3, "age 430 is above 100; plan 'gold' is not one of basic, pro"),
        (4, "age 'old' is not an int; y is missing"),
    ]
    assert json.loads(rejected(job)[1][2]) == {"id": "5", "age": "old", "plan": "basic", "y": None}
    summary = job.output("quarantine", Quarantine).json("summary.json")
    assert summary["reasons"] == {"age is above 100": 1, "plan is not one of basic, pro": 1, "age is not an int": 1, "y is missing": 1}
    assert job.finding("data/rejected").value == 2


def test_a_share_beyond_what_is_allowed_stops_the_run_and_keeps_the_evidence(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        ingest(tmp_path, GOOD + "4,430,basic,no\n5,431,basic,no\n6,1,basic,no\n", max_rejected="1%")
    message = str(caught.value)
    assert "3 of 6 rows break the contract (50%; contract.max_rejected allows 1%): age is above 100: 2; age is below 16: 1" in message
    assert "contract.max_rejected=50%" in message
    assert caught.value.exit_code == 3
    assert pl.read_parquet(caught.value.evidence)[ROW].to_list() == [3, 4, 5]


def test_by_default_no_row_may_break_the_contract(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="1 of 4 rows"):
        ingest(tmp_path, GOOD + "4,430,basic,no\n")


def test_the_share_that_an_error_proposes_is_enough(tmp_path: Path) -> None:
    rows = "".join(f"{number},{20 if number % 7 else 430},pro,no\n" for number in range(1000))
    with pytest.raises(DataError) as caught:
        ingest(tmp_path, rows)
    share = caught.value.hint.partition("max_rejected=")[2].rstrip(".")
    assert ingest(tmp_path, rows, max_rejected=share).output("table", Table).rows == 857


@pytest.mark.parametrize(("share", "shown"), [(1e-7, "0.00001%"), (1 / 3, "33.4%"), (0.037, "3.7%"), (0.5, "50%"), (1.0, "100%")])
def test_a_proposed_share_is_one_that_a_recipe_reads(share: float, shown: str) -> None:
    assert _percent(share, up=True) == shown
    assert TypeAdapter(Share).validate_python(shown) >= share - 1e-12


def test_when_no_row_is_left_a_larger_share_is_not_proposed(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="1 of 1 rows") as caught:
        ingest(tmp_path, "1,x,basic,no\n", max_rejected=1)
    assert "max_rejected=" not in caught.value.hint


def test_a_repeated_unique_value_is_rejected_also_in_another_partition(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accepts, "PARTITION", 2)  # partitions small enough to have several
    job = ingest(tmp_path, GOOD + "1,50,pro,yes\n4,60,pro,yes\n3,70,pro,yes\n", max_rejected="50%")
    assert [row[0] for row in rows_of(job)] == [0, 1, 2, 4]
    assert [row[:2] for row in rejected(job)] == [(3, "id 1 appears more than once"), (5, "id 3 appears more than once")]
    assert job.output("table", Table).rows == 4
    assert job.output("quarantine", Quarantine).json("summary.json")["reasons"] == {"id appears more than once": 2}


def test_partitions_are_of_fixed_size_in_the_order_of_the_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accepts, "PARTITION", 4)
    job = ingest(tmp_path, "".join(f"{number},20,pro,no\n" for number in range(10)))
    table = job.output("table", Table)
    assert [path.name for path in table.partitions()] == ["part-00000.parquet", "part-00001.parquet", "part-00002.parquet"]
    assert [pl.read_parquet(path)["id"].to_list() for path in table.partitions()] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


@pytest.mark.parametrize(
    ("head", "rows", "told"),
    [
        ("id,age,plan,y", "", "has a header and no rows"),
        ("id,agee,plan,y", GOOD, "lacks the column 'age'. Did you mean agee?"),
        ("id,age,plan", "1,2,3\n", "lacks the column 'y'"),
        ("id,age,plan,y,more", "1,20,pro,no,7\n", "a column that the contract does not declare: 'more'"),
        ("id,age,plan,y", "1,20,pro,no\n2,20\n", "line 3 has 2 fields, and 4 are expected"),
        ("id,age,plan,y", "1,20,pro,no,5\n", "line 2 has 5 fields"),
    ],
)
def test_a_source_that_does_not_fit_the_contract_is_a_data_error(tmp_path: Path, head: str, rows: str, told: str) -> None:
    with pytest.raises(DataError) as caught:
        ingest(tmp_path, rows, head=head)
    assert told in str(caught.value)
    assert caught.value.hint


def test_undeclared_columns_can_be_kept(tmp_path: Path) -> None:
    job = ingest(tmp_path, "1,20,pro,no,7\n", head="id,age,plan,y,more", extra="keep")
    assert rows_of(job) == [(0, 1, 20, "pro", "no", "7")]


def test_a_smoke_run_takes_few_rows_from_all_over_the_source_and_each_class(tmp_path: Path) -> None:
    rows = [f"{number},20,pro,{'no' if number < 9_000 else 'yes'}\n" for number in range(9_003)]
    job = ingest(tmp_path, "".join(rows), smoke=True)
    taken = pl.DataFrame(rows_of(job), orient="row")
    assert 512 <= taken.height <= 512 + 2 * 24
    assert taken["column_1"].to_list() == sorted(taken["column_1"])
    assert taken["column_1"].diff().max() < 36  # type: ignore[operator]  # numbers
    assert dict(taken["column_4"].value_counts().iter_rows())["yes"] == 3
    assert rows_of(ingest(tmp_path, "".join(rows), smoke=True)) == rows_of(job)


def test_mixed_types_in_a_typed_column_are_told_apart_from_missing_ones(tmp_path: Path) -> None:
    columns = {"x": {"dtype": "float", "nullable": True}}
    job = ingest(tmp_path, "1\n2.5\nn/a\n?\nabc\n", head="x", columns=columns, nulls=["?", "n/a"], max_rejected=0.5)
    assert [row[1] for row in rows_of(job)] == [1.0, 2.5, None, None]
    assert [row[1] for row in rejected(job)] == ["x 'abc' is not a finite number"]


class Empty(Source):
    """Nothing at all."""

    def fingerprint(self) -> str:
        return "empty"

    def scan(self) -> pl.LazyFrame:
        return pl.LazyFrame(schema={"x": pl.Int64})


class Breaking(Source):
    """A source of a plugin that fails half-way."""

    def fingerprint(self) -> str:
        return "breaking"

    def scan(self) -> pl.LazyFrame:
        def fail(column: pl.Series) -> pl.Series:
            raise ValueError("the line went dead")

        return pl.LazyFrame({"x": [1]}).with_columns(pl.col("x").map_batches(fail, return_dtype=pl.Int64))


@pytest.mark.parametrize(("source", "told"), [(Empty(), "there are no rows"), (Breaking(), "the line went dead")])
def test_a_source_of_a_plugin_that_gives_nothing_or_breaks_is_a_data_error(tmp_path: Path, source: Source, told: str) -> None:
    job = StageJob(tmp_path, contract=Contract.model_validate({"columns": {"x": {"dtype": "int"}}}), sections={"source": source})
    with pytest.raises(DataError, match=told):
        job.run(Ingest())


def garbage(seed: int) -> Iterator[dict[str, str | None]]:
    chance = random.Random(seed)
    pool = ["1", "17", "99", "101", "-3", "3.5", "x", "", None, "basic", "pro", "gold", "nan", "inf", "2020-01-01", "true", "ab", "a" * 60]
    for _ in range(500):
        yield {name: chance.choice(pool) for name in "abcdef"}


@pytest.mark.parametrize("seed", range(5))
def test_ingest_and_the_predictor_judge_alike(seed: int) -> None:
    contract = Contract.model_validate(
        {
            "columns": {
                "a": {"dtype": "int", "ge": 0, "lt": 100},
                "b": {"dtype": "float", "nullable": True, "gt": 1},
                "c": {"dtype": "category", "values": ["basic", "pro"], "nullable": True},
                "d": {"dtype": "string", "regex": "[a-z]+", "length": {"max": 10}, "nullable": True},
                "e": {"dtype": "bool", "nullable": True},
                "f": {"dtype": "datetime", "le": "2021-01-01", "nullable": True},
            }
        }
    )
    frame = pl.DataFrame(list(garbage(seed)), schema=dict.fromkeys("abcdef", pl.String))
    parted = Conformer(contract).separate(frame)
    plan, staged = Conformer(contract).stage(frame)
    assert staged.select(plan.any_broken).to_series().arg_true().to_list() == parted.rejected["position"].to_list()
    assert parted.rejected.height > 100
    assert parted.rejected["reason"].str.len_chars().min() > 0  # type: ignore[operator]


ADULT = Path(__file__).parents[4] / "shared" / "data" / "adult_train.csv"


@pytest.mark.skipif(not ADULT.exists(), reason="needs ../shared/data/adult_train.csv")
def test_adult_is_read_whole(tmp_path: Path) -> None:
    names = pl.read_csv(ADULT, n_rows=0).columns
    numbers = {"age", "fnlwgt", "education_num", "capital_gain", "capital_loss", "hours_per_week"}
    columns = {name: {"dtype": "int" if name in numbers else "category", "nullable": name in ("workclass", "occupation", "native_country")} for name in names}
    contract = Contract.model_validate({"nulls": ["?"], "columns": columns})
    job = StageJob(tmp_path, contract=contract, sections={"source": Csv(path=str(ADULT))}).run(Ingest())
    assert job.output("table", Table).rows == 32_561
    assert job.finding("data/nulls/occupation").value == pytest.approx(1843 / 32_561)


def test_parquet_keeps_its_own_types_and_is_held_to_the_contract(tmp_path: Path) -> None:
    pl.DataFrame({"x": [1.0, 2.5, None], "y": [True, False, None]}).write_parquet(tmp_path / "x.parquet")
    contract = Contract.model_validate({"columns": {"x": {"dtype": "int", "nullable": True}, "y": {"dtype": "bool", "nullable": True}}, "max_rejected": 0.5})
    job = StageJob(tmp_path / "job", contract=contract, sections={"source": Parquet(path=str(tmp_path / "x.parquet"))}).run(Ingest())
    assert rows_of(job) == [(0, 1, True), (2, None, None)]
    assert [row[1] for row in rejected(job)] == ["x 2.5 is not an int"]
