from __future__ import annotations

import pytest

from mlforge.builtin.gates.fairness import Fairness
from mlforge.components import Ruling
from mlforge.finding import Finding
from mlforge.lifecycle.stages.gate import Recorded
from mlforge.task import TASKS

TASK = TASKS["classification"]
NAME = "test/sex/equal_opportunity_difference"


def ruling(gate: Fairness, *findings: Finding) -> Ruling:
    (one,) = gate.judge("fairness", Recorded(findings, "onnx", None), TASK)
    return one


def apart(value: float | None, low: float | None = None, high: float | None = None) -> Finding:
    return Finding(name=NAME, value=value, low=low, high=high, better="lower", text="recall is 0.5 for a and 0.8 for b")


@pytest.mark.parametrize(
    ("by", "finding", "passed", "said"),
    [
        ("low", apart(0.05, 0.0, 0.12), True, "is ≤ 0.1"),
        ("low", apart(0.3, 0.05, 0.5), True, "is not shown to be above 0.1"),
        ("low", apart(0.3, 0.15, 0.5), False, "is shown to be above 0.1 by 0.05: recall is 0.5 for a"),
        ("value", apart(0.3, 0.05, 0.5), False, "is above 0.1 by 0.2"),
        ("low", apart(0.3), False, "is above 0.1 by 0.2"),
        ("low", apart(0.05), True, "is ≤ 0.1"),
        ("low", apart(None), False, "has no value"),
        ("low", apart(float("nan"), float("nan"), float("nan")), False, "has no value"),
    ],
)
def test_what_is_shown_to_be_too_large_is_refused(by: str, finding: Finding, passed: bool, said: str) -> None:
    said_of = ruling(Fairness.model_validate({"columns": ["sex"], "by": by}), finding)
    assert said_of.passed is passed
    assert said in said_of.text


def test_what_was_not_measured_is_refused() -> None:
    assert not ruling(Fairness(columns=("sex",))).passed


def test_each_measure_of_each_column_is_a_rule() -> None:
    gate = Fairness(columns=("sex", "race"), measures=("equal_opportunity_difference", "accuracy_difference"))
    rulings = list(gate.judge("fairness", Recorded([], "onnx", None), TASK))
    assert [one.rule for one in rulings][:2] == ["fairness.sex.equal_opportunity_difference", "fairness.sex.accuracy_difference"]
    assert sorted(gate.needs(TASK).values()) == sorted(one.finding for one in rulings)
    assert len(rulings) == 4
