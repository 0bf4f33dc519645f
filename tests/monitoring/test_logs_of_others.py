"""Request logs that others have written: whatever is in their columns, a window is judged, and nothing is raised."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from mlforge.contract import Contract
from mlforge.monitoring.logged import answers, asked
from mlforge.task import Output
from mlforge.testing.project import TestProject
from mlforge.window import LATENCY, TIME

CONTRACT = Contract.model_validate(
    {
        "columns": {
            "age": {"dtype": "int"},
            "income": {"dtype": "float"},
            "city": {"dtype": "category"},
            "bought": {"dtype": "category", "role": "target", "positive": "yes"},
        }
    }
)
CLASSES, VALUE = Output("classes", "bought", ("no", "yes")), Output("value", "bought", ())
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LOG = pl.DataFrame(
    {"__time": [NOON] * 2, "__latency_ms": [3.0, 5.0], "age": [30, 40], "income": [1.5, 2.5], "city": ["Rom", None], "prediction": ["no", "yes"],
     "probability_0": [0.9, 0.1], "probability_1": [0.1, 0.9], "label": ["no", None]}
)  # fmt: skip


def test_a_log_of_the_right_types_is_taken_as_it_is() -> None:
    rows = asked(LOG, CONTRACT, CLASSES)
    assert rows.columns == [TIME, "age", "income", "city", LATENCY, "bought"]
    assert rows[TIME].to_list() == [NOON] * 2
    assert rows[LATENCY].to_list() == [0.003, 0.005]
    assert rows["bought"].to_list() == ["no", None]
    assert answers(LOG, CLASSES).equals(LOG.select("prediction", "probability_0", "probability_1"))


@pytest.mark.parametrize(
    ("column", "values", "key", "read"),
    [
        ("__time", ["2026-03-01T12:00:00Z", "soon"], TIME, [NOON, None]),
        ("__time", [1772366400, 1772366400], TIME, [NOON, NOON]),
        ("__latency_ms", ["fast", "4"], LATENCY, [None, 0.004]),
        ("age", ["30", "old"], "age", [30, None]),
        ("age", [[1], [2]], "age", [None, None]),
        ("income", [float("inf"), 2.0], "income", [float("inf"), 2.0]),  # of the right type: monitors count it as missing
        ("income", ["1.5", "x"], "income", [1.5, None]),
        ("city", [3, 4], "city", ["3", "4"]),
        ("label", [1.0, 0.0], "bought", ["1", "0"]),
        ("label", [[1], [2]], "bought", [None, None]),
    ],
)
def test_what_is_of_another_kind_is_read_as_far_as_it_goes(column: str, values: list[object], key: str, read: list[object]) -> None:
    rows = asked(LOG.with_columns(pl.Series(column, values)), CONTRACT, CLASSES)
    assert rows[key].to_list() == read


def test_probabilities_that_are_none_are_missing_and_one_alone_is_not_looked_at() -> None:
    odd = LOG.with_columns(pl.Series("probability_1", [float("nan"), 7.5]))
    assert answers(odd, CLASSES)["probability_1"].to_list() == [None, None]
    assert answers(LOG.with_columns(probability_1=pl.lit("high")), CLASSES)["probability_1"].to_list() == [None, None]
    assert answers(LOG.drop("probability_1"), CLASSES).columns == ["prediction"]
    assert answers(LOG.with_columns(prediction=pl.Series(["3.5", "much"])), VALUE)["prediction"].to_list() == [3.5, None]


@pytest.mark.parametrize(
    "changed",
    [
        {"__time": pl.col("__time").cast(pl.String), "age": pl.lit("many"), "city": pl.lit(3), "__latency_ms": pl.lit("fast"), "label": pl.lit(1.0)},
        {"probability_1": pl.lit(float("nan")), "age": pl.lit([1]), "prediction": pl.lit([1]), "label": pl.lit([1])},
    ],
)
def test_every_monitor_judges_such_a_log(shop: TestProject, changed: dict[str, pl.Expr]) -> None:
    pl.concat([LOG] * 100).with_columns(**changed).write_parquet(shop.root / "log.parquet")
    outcome = shop.run("monitor", "buyers", "--source", "log.parquet", "--forget", "--json")
    assert outcome.code == 0, outcome.text
    assert [one["rows"] for one in outcome.json] == [200]
