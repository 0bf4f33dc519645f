"""What `check` says of the key `rollout`."""

from __future__ import annotations

import pytest

from mlforge.testing.project import TestProject

RECIPE = """
mlforge: 1
defaults: [breast_cancer, _self_]
rollout: {rollout}
"""


@pytest.mark.parametrize(
    ("rollout", "said"),
    [
        ("{canary: {key: mean_radiu}}", "rollout.canary.key", ),
        ("{fallback: {constant: benin}}", "Did you mean benign?"),
        ("{fallback: {rules: {big: {column: radius, above: 15, prediction: malignant}}}}", "rollout.fallback.rules.big.column"),
        ("{fallback: {rules: {big: {column: mean_radius, above: 15, prediction: 3}}}}", "rollout.fallback.rules.big.prediction"),
        ("{fallback: {rules: {big: {column: mean_radius, prediction: benign}}}}", "equals, above or below was expected"),
        ("{canary: {steps: [0.5, 0.2, 1]}}", "shares that rise to 1"),
        ("{canary: {steps: [0.5]}}", "shares that rise to 1"),
        ("{timeout_ms: 0}", "0 is not greater than 0"),
        ("{shadw: {}}", "Did you mean shadow?"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_with_its_place(project: TestProject, rollout: str, said: str) -> None:
    outcome = project.write(mine=RECIPE.format(rollout=rollout)).run("check", "mine")
    assert outcome.code == 2
    assert said in " ".join(outcome.text.split())
    assert "mine.yaml:3" in outcome.text


def test_a_rollout_that_can_be_is_accepted(project: TestProject) -> None:
    rollout = "{canary: {steps: [0.1, 1], key: mean_radius}, shadow: {}, fallback: {model: simple@champion, constant: benign}, timeout_ms: 50}"
    outcome = project.write(mine=RECIPE.format(rollout=rollout)).run("check", "mine")
    assert outcome.code == 0, outcome.text
