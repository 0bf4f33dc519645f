"""What `check` says of the keys retrain and rollout.rollback."""

from __future__ import annotations

import pytest

from mlforge.testing.project import TestProject

RECIPE = """
    mlforge: 1
    defaults: [lifecycle, {{source: csv}}, {{split: stratified}}, {{model: linear}}, {{trainer: lightning}}, {{exporters: [onnx]}},
               {{evaluators: [classification]}}, {{gates: [no_regression]}}, {{monitors: [drift, performance]}}, _self_]
    name: buyers
    source: {{path: buyers.csv}}
    contract:
      columns:
        age:    {{dtype: int}}
        bought: {{dtype: category, role: target}}
    {more}
    {retrain}
"""
LOG = "serve: {log: {path: served}}"


def told(project: TestProject, retrain: str, more: str = LOG, *overrides: str) -> str:
    project.write({"buyers.csv": "age,bought\n1,yes\n"}, buyers=RECIPE.format(retrain=retrain, more=more))
    outcome = project.run("check", "buyers", *overrides)
    assert outcome.code == (0 if "is fine" in outcome.out else 2), outcome.text
    return outcome.text


@pytest.mark.parametrize(
    "retrain",
    [
        "retrain: {when: {drift: {monitor: drift, loss: 2%}, schedule: {cron: '0 3 * * mon', zone: Europe/Berlin}, labels: 1000, rows: 5000}}",
        "retrain: {when: {labels: 1000}, training: {window: sliding, span: 30d, newest: 20000}, budget: {hours: 1}, a_day: 1, cool_down: 1d}",
        "retrain: {when: {performance: {monitor: performance}}, training: {window: weighted, half_life: 14d}, then: promote}",
        "retrain: {when: {labels: 9}, then: canary}\n    rollout: {canary: {}, rollback: {monitors: [performance], within: 2d}}",
    ],
)
def test_what_it_may_say(project: TestProject, retrain: str) -> None:
    assert "is fine" in told(project, retrain)


@pytest.mark.parametrize(
    ("retrain", "found"),
    [
        ("retrain: {when: {schedule: {cron: '0 0 30 2 *'}}}", "'0 0 30 2 *' never comes: no year has such a day"),
        (
            "retrain: {when: {schedule: {cron: '0 3 * * mom'}}}",
            "'mom' is no day of the week; 0 to 7 was expected, or sun, mon, tue, wed, thu, fri, sat. Did you mean mon?",
        ),
        ("retrain: {when: {schedule: {cron: '@daily', zone: Mars}}}", "'Mars' is no time zone"),
        ("retrain: {when: {drift: {monitor: drft}}}", "drft is no monitor of this recipe; one of drift, performance. Did you mean drift?"),
        ("retrain: {when: {labels: 9}}\n    rollout: {rollback: {monitors: [latency]}}", "latency is no monitor of this recipe"),
        ("retrain: {when: {}}", "nothing ever starts a retraining; one of drift, performance, schedule, labels, rows was expected"),
        ("retrain: {when: {labels: 0}}", "retrain.when.labels"),
        ("retrain: {when: {labels: 9}, training: {window: sliding}}", "window: sliding needs its length: span, such as 30d"),
        ("retrain: {when: {labels: 9}, training: {half_life: 3d}}", "half_life belongs to window: weighted, and window is all"),
        ("retrain: {when: {labels: 9}, training: {rows: source, window: weighted, half_life: 3d}}", "the source says which rows there are"),
        ("retrain: {when: {labels: 9}, then: canary}", "rollout.canary. Write rollout: {canary: {}}."),
        ("retrain: {when: {labels: 9}, then: shadow}", "rollout.shadow"),
        ("retrain: {when: {labels: 9}, cooldown: 3h}", "Did you mean cool_down?"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(project: TestProject, retrain: str, found: str) -> None:
    text = told(project, retrain)
    assert found in text, text
    assert "recipes/buyers.yaml:" in text


def test_rows_of_a_log_need_a_log(project: TestProject) -> None:
    assert "there is no request log to take rows and labels from" in told(project, "retrain: {when: {labels: 9}}", "")
    assert "is fine" in told(project, "retrain: {when: {schedule: {cron: '@daily'}}, training: {rows: source}}", "")


def test_a_version_that_nothing_holds_against_the_champion_is_not_promoted(project: TestProject) -> None:
    retrain = "retrain: {when: {labels: 9}, then: promote}"
    assert "no gate holds the new version against the champion" in told(project, retrain, LOG, "gates=[baseline]")


def test_columns_that_no_request_brings_and_protections_that_would_be_doubled_are_told(project: TestProject) -> None:
    text = told(project, "retrain: {when: {labels: 9}}", LOG, "contract.columns.sex.dtype=category", "contract.columns.sex.role=protected")
    assert "log, whose rows have no sex (role protected): requests do not bring it; contract.columns.sex.nullable=true" in text
    text = told(project, "retrain: {when: {labels: 9}}", LOG, "privacy=[drop]", "privacy.drop.columns=[age]")
    assert "the section privacy would protect them once more" in text
    text = told(project, "retrain: {when: {labels: 9}}", "serve: {log: {path: served, columns: []}}")
    assert "the log leaves out age, which a retraining needs" in text
    text = told(project, "retrain: {when: {labels: 9}}", "serve: {log: {path: served, columns: []}}", *(f"contract.columns.c{i}.dtype=int" for i in range(9)))
    assert "the log leaves out age, c0, c1, c2, c3, c4 and 4 more, which" in text, "one cause is one problem"
    assert "1 problem in" in text


def test_a_monitor_or_gate_whose_own_keys_are_wrong_is_not_said_to_be_missing(project: TestProject) -> None:
    """One mistake is one problem."""
    retrain = "retrain: {when: {drift: {monitor: drift}}, then: promote}"
    for wrong, said in (("monitors.drift.false_alarms=1/mnth", "'1/mnth' is no rate"), ("gates.no_regression.margn=0.1", "gates.no_regression.margn")):
        text = told(project, retrain, LOG, wrong)
        assert said in text
        assert text.startswith("1 problem in recipe buyers"), text
