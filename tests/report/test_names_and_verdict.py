"""Findings' names and the verdict, in the words of people who do not know the code."""

from __future__ import annotations

import pytest
from tests.builtin.probes.test_slices_and_fairness import people
from tests.report.views import view

from mlforge.builtin.probes.classification import Classification
from mlforge.builtin.probes.fairness import Fairness
from mlforge.builtin.probes.regression import Regression
from mlforge.contract import Contract
from mlforge.finding import Finding
from mlforge.report.names import spoken
from mlforge.report.page import run_page
from mlforge.report.verdict import in_plain_words
from mlforge.task import TASKS


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("test/roc_auc", "Area under the ROC curve"),
        ("test/sex*race/equal_opportunity_difference", "Gap in recall between groups of sex and race"),
        ("test/slices/age/25–40/accuracy", "Share of right answers (accuracy), where age is 25–40"),
        ("test/slices/worst/brier", "Brier score, where it is worst"),
        ("test/recall/c|d", "Recall of c/d"),
        ("data/nulls/native_country", "Share missing in native country"),
        ("test/somebody_elses/measure", ""),
    ],
)
def test_a_name_is_said_in_words_or_stands_for_itself(name: str, words: str) -> None:
    assert spoken(name) == words


def test_everything_that_the_evaluators_measure_has_words() -> None:
    contract = people(10).contract
    asked = Classification(beta=2, costs={"false_alarm": 1, "miss": 5})
    names = {*asked.declares(contract, TASKS["classification"]), *Fairness().declares(contract, TASKS["classification"])}
    names |= {*Regression(quantiles=(0.9,)).declares(Contract(columns={"y": {"dtype": "float"}}), TASKS["regression"])}
    unknown = sorted(name for name in names if not spoken(f"test/{name.removesuffix('/gain')}"))
    assert len(names) > 40
    assert unknown == []


def test_the_page_says_how_good_the_model_is_to_someone_who_knows_no_metric() -> None:
    page = run_page(view())
    assert "The model gives the right answer for" in page
    assert page.index("The model gives the right answer for") < page.index("<h2>Gates</h2>")
    assert "Area under the ROC curve <code>test/roc_auc</code>" in page


def test_the_sentence_compares_with_the_trivial_answer_and_is_silent_without_figures() -> None:
    mine, trivial = Finding(name="test/mae", value=3.2, unit="EUR"), Finding(name="test/mae", value=5.1, unit="EUR", subject="baseline")
    assert in_plain_words([trivial, mine]) == (
        "On rows that it has not seen in training, the model is off by 3.2 EUR on average. Always giving the average would be off by 5.1 EUR."
    )
    assert in_plain_words([Finding(name="test/accuracy", value=None, text="no rows")]) == ""
    assert in_plain_words([]) == ""


def test_a_table_that_is_too_wide_can_be_scrolled_by_keys_and_says_what_it_is() -> None:
    page = run_page(view())
    assert page.count('<div class="wide" tabindex="0" role="group" aria-label="') == page.count("<table")
    assert "<th></th>" not in page
    assert 'scope="col"></th>' not in page
