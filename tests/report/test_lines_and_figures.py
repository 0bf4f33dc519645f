from __future__ import annotations

import pytest

from mlforge.components import Ruling
from mlforge.report.figures import duration, number
from mlforge.report.verdict import verdict_line

GOOD = Ruling(rule="thresholds.auc", passed=True, finding="test/roc_auc", value=0.8741, low=0.869, high=0.879, bound="≥ 0.85", text="a sentence")
BAD = Ruling(rule="thresholds.fair", passed=False, finding="test/sex/gap", value=0.21, bound="≤ 0.1", margin=-0.11, text="test/sex/gap 0.21 is not ≤ 0.1")
FIRST = Ruling(rule="no_regression", passed=True, finding="test/log_loss/gain", bound="not worse than the champion", text="no champion yet")


def test_a_verdict_fits_one_line() -> None:
    assert verdict_line([GOOD, FIRST]) == "passed 2 of 2  roc_auc 0.874 [0.869, 0.879] ≥ 0.85 · no champion yet"


def test_a_refusal_names_only_the_rules_that_were_broken() -> None:
    assert verdict_line([GOOD, BAD, FIRST]) == "refused by 1 of 3  sex/gap 0.21 not ≤ 0.1"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "", "–"),
        (float("nan"), "", "–"),
        (0.87412, "", "0.874"),
        (812400, "rows", "812,400 rows"),
        (412_300, "bytes", "412 KB"),
        (999, "bytes", "999 bytes"),
        (2.5e9, "bytes", "2.5 GB"),
        (0, "bytes", "0 bytes"),
        (-0.25, "", "−0.25"),
        (1.2e-7, "", "1.2e-07"),
        (0.0031, "s", "3.1 ms"),
    ],
)
def test_numbers_are_written_with_the_digits_that_matter(value: float | None, unit: str, text: str) -> None:
    assert number(value, unit) == text


@pytest.mark.parametrize(("seconds", "text"), [(None, ""), (0.31, "310 ms"), (2.11, "2.11 s"), (59.999, "60 s"), (250, "4 min 10 s"), (7260, "2 h 1 min")])
def test_times_are_written_in_the_unit_that_fits(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text
