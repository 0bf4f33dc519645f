from __future__ import annotations

from collections.abc import Iterable

import pytest
from pydantic import ValidationError

from mlforge.builtin.gates.baseline import Baseline
from mlforge.builtin.gates.no_regression import NoRegression
from mlforge.builtin.gates.thresholds import Thresholds
from mlforge.components import Ruling
from mlforge.finding import Finding
from mlforge.lifecycle.stages.gate import Recorded
from mlforge.task import TASKS

TASK = TASKS["classification"]
AUC = Finding(name="test/roc_auc", value=0.874, low=0.869, high=0.879, better="higher")
LOSS = Finding(name="test/log_loss", value=0.3, low=0.28, high=0.32, better="lower")
TRIVIAL = Finding(name="test/log_loss", value=0.55, better="lower", subject="baseline")


def evidence(*findings: Finding, champion: str | None = None, ships: str = "onnx") -> Recorded:
    return Recorded(findings, ships, champion)


def only(rulings: Iterable[Ruling]) -> Ruling:
    (ruling,) = rulings
    return ruling


def threshold(found: Recorded, **rule: object) -> Ruling:
    return only(Thresholds(rules={"auc": {"finding": "test/roc_auc", **rule}}).judge("thresholds", found, TASK))  # type: ignore[dict-item]


def gain(value: float | None, low: float | None = None, high: float | None = None) -> Finding:
    return Finding(name="test/log_loss/gain", value=value, low=low, high=high, better="higher", evidence={"p_value": 0.01}, text="why not")


@pytest.mark.parametrize(
    ("rule", "passed"),
    [
        ({"min": 0.85}, True),
        ({"min": 0.874}, True),
        ({"min": 0.875}, False),
        ({"max": 0.875}, True),
        ({"max": 0.87}, False),
        ({"min": 0.8, "max": 0.9}, True),
        ({"min": 0.88, "max": 0.9}, False),
        ({"min": 0.87, "by": "low"}, False),
        ({"min": 0.86, "by": "low"}, True),
        ({"max": 0.875, "by": "high"}, False),
        ({"min": 0.85, "subject": "champion"}, False),
    ],
)
def test_a_threshold_judges_the_value_or_an_end_of_the_interval(rule: dict[str, object], passed: bool) -> None:
    assert threshold(evidence(AUC), **rule).passed is passed


def test_a_ruling_says_what_was_found_what_was_asked_and_by_how_much_it_missed() -> None:
    ruling = threshold(evidence(AUC), min=0.9)
    assert ruling.rule == "thresholds.auc"
    assert ruling.text == "test/roc_auc 0.874 [0.869, 0.879] is not ≥ 0.9: off by 0.026"
    assert ruling.margin == pytest.approx(-0.026)


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("rule", [{"min": -1e9}, {"max": 1e9}, {"min": -1e9, "by": "low"}])
def test_what_is_no_number_never_passes_any_gate(value: float | None, rule: dict[str, object]) -> None:
    broken = Finding(name="test/roc_auc", value=value, low=value, high=value, text="all 20 rows are of one class")
    ruling = threshold(evidence(broken), **rule)
    assert not ruling.passed
    assert ruling.text == "test/roc_auc has no value: all 20 rows are of one class"
    loss = LOSS.model_copy(update={"value": value})
    assert not only(Baseline().judge("baseline", evidence(loss, TRIVIAL), TASK)).passed
    assert not only(Baseline().judge("baseline", evidence(LOSS, TRIVIAL.model_copy(update={"value": value})), TASK)).passed
    for by in ("high", "value", "low"):
        assert not only(NoRegression(by=by).judge("no_regression", evidence(gain(value, value, value), champion="m 1"), TASK)).passed


def test_a_missing_finding_never_passes() -> None:
    assert threshold(evidence(), min=0.0).text == "test/roc_auc was not measured"
    assert not only(Baseline().judge("baseline", evidence(LOSS), TASK)).passed
    assert only(Baseline().judge("baseline", evidence(LOSS), TASK)).text == "test/log_loss of the trivial model was not measured"
    assert not only(NoRegression().judge("no_regression", evidence(champion="m 1"), TASK)).passed
    no_interval = Finding(name="test/roc_auc", value=0.9)
    assert threshold(evidence(no_interval), min=0.5, by="low").text == "test/roc_auc has no low end of its interval"


def test_a_rule_about_the_data_needs_no_subject() -> None:
    rows = Finding(name="data/rows", value=800, subject="data")
    rule = Thresholds(rules={"enough": {"finding": "data/rows", "min": 500}})  # type: ignore[dict-item]
    assert only(rule.judge("thresholds", evidence(rows), TASK)).passed


def test_only_the_variant_that_ships_is_judged() -> None:
    shipped, other = (AUC.model_copy(update={"variant": name, "value": value}) for name, value in (("onnx", 0.95), ("onnx_int8", 0.5)))
    assert threshold(evidence(shipped, other), min=0.9).passed
    assert not threshold(evidence(shipped, other, ships="onnx_int8"), min=0.9).passed


@pytest.mark.parametrize("rules", [{}, {"a": {"finding": "x"}}, {"a": {"finding": "x", "min": 2, "max": 1}}, {"a": {"finding": "x", "min": float("nan")}}])
def test_a_rule_that_asks_nothing_or_the_impossible_is_an_error(rules: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Thresholds.model_validate({"rules": rules})


@pytest.mark.parametrize(("loss", "min_gain", "passed"), [(0.3, 0.0, True), (0.55, 0.0, False), (0.6, 0.0, False), (0.5, 0.1, False), (0.45, 0.1, True)])
def test_a_model_must_beat_the_trivial_one(loss: float, min_gain: float, passed: bool) -> None:
    found = evidence(LOSS.model_copy(update={"value": loss}), TRIVIAL.model_copy(update={"value": 0.55}))
    assert only(Baseline(min_gain=min_gain).judge("baseline", found, TASK)).passed is passed


def test_the_trivial_model_is_compared_in_the_findings_own_direction() -> None:
    trivial = AUC.model_copy(update={"value": 0.5, "subject": "baseline"})
    gate = Baseline(finding="test/roc_auc")
    assert only(gate.judge("baseline", evidence(AUC, trivial), TASK)).margin == pytest.approx(0.374)
    sideless = [finding.model_copy(update={"better": None}) for finding in (AUC, trivial)]
    assert not only(gate.judge("baseline", evidence(*sideless), TASK)).passed


def test_a_first_run_has_no_champion_and_passes() -> None:
    ruling = only(NoRegression().judge("no_regression", evidence(), TASK))
    assert (ruling.passed, ruling.text) == (True, "no champion yet")


@pytest.mark.parametrize(
    ("by", "tolerance", "ends", "passed"),
    [
        ("high", 0.0, (-0.02, -0.03, -0.01), False),  # shown to be worse
        ("high", 0.0, (-0.02, -0.05, 0.01), True),  # perhaps worse
        ("high", 0.02, (-0.02, -0.03, -0.01), True),  # worse by less than is tolerated
        ("value", 0.0, (-0.02, -0.05, 0.01), False),
        ("value", 0.02, (-0.02, -0.05, 0.01), True),
        ("low", 0.0, (0.02, -0.01, 0.05), False),  # not shown to be as good
        ("low", 0.02, (0.02, -0.01, 0.05), True),
        ("low", 0.0, (0.0, 0.0, 0.0), True),  # the same model
    ],
)
def test_a_worse_model_is_refused_as_far_as_is_asked(by: str, tolerance: float, ends: tuple[float, float, float], passed: bool) -> None:
    gate = NoRegression.model_validate({"by": by, "tolerance": tolerance})
    assert only(gate.judge("no_regression", evidence(gain(*ends), champion="adult 3"), TASK)).passed is passed


def test_a_comparison_names_the_champion_the_gain_and_the_p_value() -> None:
    better = only(NoRegression().judge("no_regression", evidence(gain(0.006, 0.002, 0.01), champion="adult 3"), TASK))
    assert better.text == "test/log_loss is better than champion adult 3: gain 0.006 [0.002, 0.01] (p = 0.01)"
    worse = only(NoRegression().judge("no_regression", evidence(gain(-0.02, -0.03, -0.01), champion="adult 3"), TASK))
    assert worse.text.endswith("; it is shown to be worse by more than 0")


def test_gates_say_beforehand_what_they_need() -> None:
    assert Thresholds(rules={"auc": {"finding": "test/roc_auc", "min": 0.9}}).needs(TASK) == {"rules.auc.finding": "test/roc_auc"}  # type: ignore[dict-item]
    assert Baseline().needs(TASK) == {"finding": "test/log_loss"}
    assert NoRegression().needs(TASKS["regression"]) == {"finding": "test/rmse/gain"}
    assert NoRegression(finding="test/roc_auc").needs(TASK) == {"finding": "test/roc_auc/gain"}
