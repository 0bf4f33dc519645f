"""What ingest says of whole columns: expectations, profiles, and the models that plugins register."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.lifecycle.stages.job import StageJob

from mlforge.artifact import ColumnProfiles, Quarantine, Table
from mlforge.builtin.privacy.drop import Drop
from mlforge.builtin.privacy.generalise import Generalise
from mlforge.builtin.privacy.pseudonymise import Pseudonymise
from mlforge.builtin.sources.csv import Csv
from mlforge.builtin.sources.parquet import Parquet
from mlforge.components import Component, Schema
from mlforge.contract import Contract
from mlforge.errors import DataError
from mlforge.lifecycle.stages.ingest import Ingest

COLUMNS: dict[str, Any] = {
    "id": {"dtype": "int", "role": "id"},
    "age": {"dtype": "int"},
    "city": {"dtype": "category", "nullable": True},
    "day": {"dtype": "datetime", "role": "time", "nullable": True},
}
ROWS = pl.DataFrame(
    {
        "id": range(1000),
        "age": [number % 80 for number in range(1000)],
        "city": [None if number % 10 == 0 else f"c{number % 7}" for number in range(1000)],
        "day": pl.datetime_range(pl.datetime(2020, 1, 1), pl.datetime(2020, 1, 1) + pl.duration(hours=999), "1h", eager=True),
    }
)


def ingest(tmp_path: Path, rows: pl.DataFrame = ROWS, *, columns: dict[str, Any] = COLUMNS, expect: Any = None, **sections: Any) -> StageJob:
    tmp_path.mkdir(exist_ok=True)
    rows.write_parquet(tmp_path / "rows.parquet")
    contract = Contract.model_validate({"columns": columns, "max_rejected": 0.5, "expect": expect or {}})
    chosen: dict[str, Component | dict[str, Component]] = {"source": Parquet(path=str(tmp_path / "rows.parquet")), **sections}
    return StageJob(tmp_path / "job", contract=contract, sections=chosen).run(Ingest())


HOLDS = [
    ({"column": "city", "measure": "nulls", "max": 0.1}, 0.1),
    ({"column": "age", "measure": "mean", "min": 38, "max": 39}, 38.7),
    ({"column": "age", "measure": "quantile", "at": 0.5, "min": 38, "max": 39}, 38),
    ({"column": "day", "measure": "increasing"}, 0),
    ({"column": "age", "measure": "decreasing", "max": 0.99}, 0.987),
    ({"column": "city", "measure": "refers", "to": "cities.name"}, 0),
]
BREAKS = [
    ({"column": "city", "measure": "nulls", "max": 0.09}, "share of missing values of city is 0.1; expected at most 0.09"),
    ({"column": "age", "measure": "mean", "min": 40}, "mean of age is 38.7; expected at least 40"),
    ({"column": "age", "measure": "quantile", "at": 0.9, "max": 50}, "quantile 0.9 of age is 71; expected at most 50"),
    ({"column": "age", "measure": "increasing", "max": 0.01}, "share of values of age that do not follow in increasing order is 0.012; expected at most 0.01"),
    ({"column": "day", "measure": "decreasing"}, "decreasing order is 0.999; expected at most 0"),
    ({"column": "city", "measure": "refers", "to": "some.name"}, "share of values of city that are not in some.name is 0.142; expected at most 0"),
]


def references(tmp_path: Path) -> dict[str, Component]:
    (tmp_path / "cities.csv").write_text("name\n" + "\n".join(f"c{number}" for number in range(7)) + "\n")
    (tmp_path / "some.csv").write_text("name\n" + "\n".join(f"c{number}" for number in range(6)) + "\n")
    return {"cities": Csv(path=str(tmp_path / "cities.csv")), "some": Csv(path=str(tmp_path / "some.csv"))}


@pytest.mark.parametrize(("expected", "figure"), HOLDS)
@pytest.mark.parametrize("partition", [131_072, 97])
def test_an_expectation_that_holds_is_a_finding_however_the_rows_are_cut(
    tmp_path: Path, expected: Any, figure: float, partition: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlforge.lifecycle.rows.accepts.PARTITION", partition)
    job = ingest(tmp_path, expect={"one": expected}, references=references(tmp_path))
    finding = job.finding("data/expect/one")
    assert finding.value == pytest.approx(figure, abs=0.02)
    assert (finding.severity, finding.subject) == ("info", "data")


@pytest.mark.parametrize(("expected", "told"), BREAKS)
def test_a_broken_expectation_stops_the_run_with_its_figure(tmp_path: Path, expected: Any, told: str) -> None:
    with pytest.raises(DataError) as caught:
        ingest(tmp_path, expect={"one": expected}, references=references(tmp_path))
    assert "1 expectation of contract.expect is broken: one: " in str(caught.value)
    assert told in str(caught.value)


@pytest.mark.parametrize(("expected", "told"), BREAKS)
def test_with_severity_warning_it_is_told_and_the_run_goes_on(tmp_path: Path, expected: Any, told: str) -> None:
    job = ingest(tmp_path, expect={"one": expected | {"severity": "warning"}}, references=references(tmp_path))
    assert job.finding("data/expect/one").severity == "warning"
    assert told in job.finding("data/expect/one").text
    assert told in Ingest().headline(job.findings)


def test_exceptions_are_told_by_their_rows(tmp_path: Path) -> None:
    job = ingest(tmp_path, expect={"one": {"column": "age", "measure": "increasing", "max": 0.5}})
    assert job.finding("data/expect/one").evidence == {"rows": [80 * number for number in range(1, 13)]}


def test_an_expectation_of_a_column_without_values_cannot_be_kept(tmp_path: Path) -> None:
    rows = ROWS.with_columns(pl.lit(None, dtype=pl.Datetime("us")).alias("day"))
    with pytest.raises(DataError, match="cannot be told"):
        ingest(tmp_path, rows, expect={"one": {"column": "day", "measure": "increasing"}})


def test_a_reference_without_the_column_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cities has no column 'nam'\nDid you mean name"):
        ingest(tmp_path, expect={"one": {"column": "city", "measure": "refers", "to": "cities.nam"}}, references=references(tmp_path))


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ({"column": "agee", "measure": "mean", "min": 1}, "there is no column agee"),
        ({"column": "city", "measure": "mean", "min": 1}, "mean needs a column of int or float or bool, and this is category"),
        ({"column": "age", "measure": "mean"}, "expects nothing"),
        ({"column": "age", "measure": "quantile", "max": 1}, "a quantile needs `at`"),
        ({"column": "age", "measure": "refers"}, "refers needs `to`"),
    ],
)
def test_an_expectation_that_makes_no_sense_is_refused(expected: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Contract.model_validate({"columns": COLUMNS, "expect": {"one": expected}})


def test_expectations_do_not_travel_with_a_model() -> None:
    contract = Contract.model_validate({"columns": COLUMNS, "expect": {"one": {"column": "age", "measure": "mean", "min": 1}}})
    assert contract.projected("predict").expect == {}


def profile(job: StageJob) -> dict[str, Any]:
    return dict(job.output("profile", ColumnProfiles).json("profile.json"))


def test_every_column_has_a_profile(tmp_path: Path) -> None:
    said = profile(ingest(tmp_path))
    assert said["rows"] == 1000
    age, city = said["columns"]["age"], said["columns"]["city"]
    assert (age["nulls"], age["distinct"], age["min"], age["max"]) == (0, 80, 0, 79)
    assert (age["mean"], age["deviation"]) == (pytest.approx(ROWS["age"].mean()), pytest.approx(ROWS["age"].std(ddof=0)))
    assert age["quantiles"][50] == pytest.approx(38, abs=1)
    assert len(age["quantiles"]) == 101
    assert (city["nulls"], city["distinct"], city["frequent"][0][0], city["frequent_missed"]) == (100, 7, "c1", 0)
    assert set(said["columns"]["id"]) == {"nulls", "distinct"}, "an id says nothing by its size"


def test_a_profile_is_the_same_however_the_rows_are_cut_but_for_rounding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = profile(ingest(tmp_path / "a"))
    monkeypatch.setattr("mlforge.lifecycle.rows.accepts.PARTITION", 97)
    cut = profile(ingest(tmp_path / "b"))
    for key, said in whole["columns"].items():
        for name, value in said.items():
            assert cut["columns"][key][name] == (pytest.approx(value) if isinstance(value, float) or name == "quantiles" else value)


def test_a_profile_has_no_value_of_personal_data_nor_of_pseudonyms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", "a-long-and-random-key-for-tests")
    columns = {
        **COLUMNS,
        "age": {"dtype": "int", "pii": "age"},
        "name": {"dtype": "category"},
        "salary": {"dtype": "int", "pii": "salary"},
        "gone": {"dtype": "int"},
    }
    rows = ROWS.with_columns(pl.col("city").fill_null("x").alias("name"), pl.col("age").alias("salary"), pl.col("age").alias("gone"))
    privacy = {"g": Generalise(columns=("age",), band=10), "p": Pseudonymise(columns=("name",), key_env="THE_KEY"), "d": Drop(columns=("gone",))}
    job = ingest(tmp_path, rows, columns=columns, privacy=privacy)
    said = profile(job)["columns"]
    assert said["age"]["max"] == 70
    assert set(said["name"]) == set(said["salary"]) == {"nulls", "distinct"}
    assert "gone" not in said
    kept = pl.read_parquet(job.output("table", Table).partitions())
    assert "gone" not in kept.columns
    assert kept["age"].unique().sort().to_list() == list(range(0, 80, 10))


def test_the_figure_of_a_protected_column_is_not_told(tmp_path: Path) -> None:
    expect = {"one": {"column": "age", "measure": "quantile", "at": 0.99, "max": 50, "severity": "warning"}}
    finding = ingest(tmp_path, expect=expect, privacy={"g": Generalise(columns=("age",), band=10)}).finding("data/expect/one")
    assert finding.value is None
    assert finding.text == "quantile 0.99 of age is outside (not shown: the column is protected); expected at most 50"


class Adults(Schema):
    """Adults live somewhere."""

    least: int = 18

    def model(self) -> Any:
        import pandera.polars as pa

        least = self.least

        class Model(pa.DataFrameModel):
            age: int
            city: str = pa.Field(nullable=True)

            @pa.check("age")
            def of_age(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 - Pandera's form
                return data.lazyframe.select(pl.col(data.key) >= least)

            @pa.dataframe_check
            def lives_somewhere(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805
                return data.lazyframe.select((pl.col("age") < 60) | pl.col("city").is_not_null())

        return Model


class Sorted(Schema):
    """A model that says something of all rows together."""

    def model(self) -> Any:
        import pandera.polars as pa

        return pa.DataFrameSchema(
            {"age": pa.Column(int, checks=pa.Check(lambda data: data.lazyframe.select(pl.col("age").max()).collect().item() < 10, name="young"))}
        )


class Other(Schema):
    """A model over a column that is not there."""

    def model(self) -> Any:
        import pandera.polars as pa

        return pa.DataFrameSchema({"other": pa.Column(int)})


def test_rows_that_break_a_registered_model_are_quarantined_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlforge.lifecycle.rows.accepts.PARTITION", 97)
    job = ingest(tmp_path, schemas={"adults": Adults(least=20)})
    kept = pl.read_parquet(job.output("table", Table).partitions())
    broken = pl.read_parquet(job.output("quarantine", Quarantine).folder / "rejected.parquet")
    wanted = ROWS.filter((pl.col("age") >= 20) & ((pl.col("age") < 60) | pl.col("city").is_not_null()))
    assert kept["id"].to_list() == wanted["id"].to_list()
    assert set(broken["reason"]) == {"adults: age breaks of_age", "adults: the row breaks lives_somewhere"}
    assert kept.height + broken.height == 1000


@pytest.mark.parametrize(("schema", "told"), [(Sorted(), "young"), (Other(), "other")])
def test_a_model_that_refuses_all_rows_together_stops_the_run(tmp_path: Path, schema: Schema, told: str) -> None:
    with pytest.raises(DataError, match="does not hold for the rows as a whole") as caught:
        ingest(tmp_path, schemas={"it": schema})
    assert told in str(caught.value)
