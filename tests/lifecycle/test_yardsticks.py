from __future__ import annotations

import polars as pl
import pytest

from mlforge.errors import DataError
from mlforge.lifecycle.baselines.yardsticks import Baseline, aligned
from mlforge.task import Output

ANSWER = Output("classes", "answer", ("no", "yes"))
PARTS = [pl.DataFrame({"answer": ["no", "yes", "no"], "w": [1, 1, 2]}), pl.DataFrame({"answer": ["no"], "w": [4]}), pl.DataFrame({"answer": [], "w": []})]


def test_shares_are_counted_over_all_partitions_and_weighted() -> None:
    assert Baseline.fit(PARTS, ANSWER).shares == (0.75, 0.25)
    assert Baseline.fit(PARTS, ANSWER, "w").shares == (0.875, 0.125)
    assert Baseline.fit(PARTS, ANSWER).predict(PARTS[1]).to_dicts() == [{"prediction": "no", "probability_0": 0.75, "probability_1": 0.25}]


@pytest.mark.parametrize("classes", [(0, 1), (False, True)])
def test_classes_need_not_be_texts(classes: tuple[int, int]) -> None:
    baseline = Baseline.fit([pl.DataFrame({"answer": [classes[1], classes[1], classes[0]]})], Output("classes", "answer", classes))
    assert baseline.shares == pytest.approx((1 / 3, 2 / 3))
    assert baseline.predict(PARTS[0])["prediction"].to_list() == [classes[1]] * 3


def test_the_mean_is_weighted() -> None:
    parts = [pl.DataFrame({"y": [1, 2], "w": [1.0, 3.0]}), pl.DataFrame({"y": [4], "w": [4.0]})]
    assert Baseline.fit(parts, Output("value", "y")).mean == pytest.approx(7 / 3)
    assert Baseline.fit(parts, Output("value", "y"), "w").predict(parts[0])["prediction"].to_list() == [2.875, 2.875]


def test_no_training_rows_are_the_datas_fault() -> None:
    with pytest.raises(DataError, match="no training rows"):
        Baseline.fit(PARTS[2:], ANSWER)


def test_another_models_probabilities_are_put_into_our_order() -> None:
    said = pl.DataFrame({"prediction": ["maybe"], "probability_0": [0.5], "probability_1": [0.3], "probability_2": [0.2]})
    theirs = Output("classes", "answer", ("maybe", "yes", "no"))
    assert aligned(said, theirs, ANSWER).to_dicts() == [{"prediction": "maybe", "probability_0": 0.2, "probability_1": 0.3}]
    assert aligned(said, theirs, Output("classes", "answer", ("no", "perhaps")))["probability_1"].to_list() == [0.0]
