"""The verdict as JUnit XML, read by a reader of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped, TestSuite

from mlforge import secrets
from mlforge.components import Ruling
from mlforge.report.junit import failure_junit, run_junit
from mlforge.report.view import RunView

KEPT = Ruling(rule="thresholds.auc", passed=True, finding="test/roc_auc", value=0.9, bound="≥ 0.85", margin=0.05, text="test/roc_auc 0.9 is ≥ 0.85")
BROKEN = Ruling(rule="thresholds.fair", passed=False, finding="test/sex/x", value=0.3, bound="≤ 0.1", text="test/sex/x 0.3 is not ≤ 0.1: off by 0.2")
WAITS = Ruling(rule="approval", passed=False, role="risk", finding="approval/risk", bound="signed", text="waits for approval by risk")
RUN = RunView(recipe="adult", run="01jd8qk3", started="2026-11-20 03:00 UTC", stages=(), passed=False, rulings=(KEPT, BROKEN, WAITS), champion="adult 3")


def read(text: str) -> TestSuite:
    (suite,) = JUnitXml.fromstring(text.encode())
    assert isinstance(suite, TestSuite)
    return suite


def test_each_rule_is_a_case_and_a_broken_one_fails_with_its_sentence() -> None:
    suite = read(run_junit(RUN))
    assert (suite.name, suite.tests, suite.failures, suite.errors, suite.skipped) == ("mlforge adult", 3, 2, 0, 0)
    assert [(case.classname, case.name) for case in suite] == [
        ("adult.gates.thresholds", "auc"),
        ("adult.gates.thresholds", "fair"),
        ("adult.gates.approval", "approval"),
    ]
    kept, broken, waits = suite
    assert kept.is_passed
    assert kept.system_out == "test/roc_auc 0.9 is ≥ 0.85"
    (failure,) = broken.result
    assert isinstance(failure, Failure)
    assert (failure.type, failure.message, failure.text) == ("refused", BROKEN.text, f"{BROKEN.text}\nasked: test/sex/x ≤ 0.1")
    assert [(one.type, one.message) for one in waits.result] == [("waiting", "waits for approval by risk")]
    assert {one.name: one.value for one in suite.properties()}["champion"] == "adult 3"


def test_counts_are_those_of_the_cases() -> None:
    """What a reader counts itself is what stands there."""
    whole = JUnitXml.fromstring(run_junit(RUN).encode())
    suite = next(iter(whole))
    told = (suite.tests, suite.failures, suite.errors, suite.skipped)
    suite.update_statistics()
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == told


@pytest.mark.parametrize(("run", "smoke", "said"), [(replace(RUN, rulings=(), passed=None), False, "Not judged"), (RUN, True, "a smoke run is not judged")])
def test_what_is_not_judged_is_skipped_and_not_passed(run: RunView, smoke: bool, said: str) -> None:
    suite = read(run_junit(run, smoke=smoke))
    assert (suite.tests, suite.failures, suite.skipped) == (1, 0, 1)
    (skipped,) = next(iter(suite)).result
    assert isinstance(skipped, Skipped)
    assert said in str(skipped.message)


def test_a_run_without_a_verdict_is_an_error() -> None:
    suite = read(failure_junit("adult", "DataError", "3 rows are broken\nmend them"))
    assert (suite.tests, suite.errors) == (1, 1)
    (error,) = next(iter(suite)).result
    assert isinstance(error, Error)
    assert (error.type, error.message, error.text) == ("DataError", "3 rows are broken", "3 rows are broken\nmend them")


def test_what_comes_from_data_makes_no_markup_and_no_broken_xml() -> None:
    evil = '</failure><testcase name="x"/>]]>\x00\x1b[31m\ufffe'
    ruling = BROKEN.model_copy(update={"rule": f"g.{evil}", "text": evil, "bound": evil})
    suite = read(run_junit(replace(RUN, recipe=evil, rulings=(ruling,), champion=evil)))
    (case,) = suite
    assert case.result[0].message == '</failure><testcase name="x"/>]]>��[31m�'


def test_secrets_are_masked() -> None:
    secrets.remember("correcthorse")
    try:
        assert "correcthorse" not in run_junit(replace(RUN, rulings=(BROKEN.model_copy(update={"text": "by correcthorse"}),)))
    finally:
        secrets.forget()
