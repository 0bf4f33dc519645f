"""Two versions side by side; and a version made again from its record."""

from __future__ import annotations

from mlforge.testing.project import TestProject


def run(project: TestProject, *overrides: str) -> str:
    done = project.run("run", "cancer", "--json", *overrides)
    assert done.code == 0, done.text
    return str(done.json["run"])


def recipe(project: TestProject) -> None:
    project.write(
        cancer="""
        mlforge: 1
        defaults: [breast_cancer, _self_]
        name: cancer
        trainer: {max_epochs: 15}
        gates: {thresholds: {rules: {auc: {finding: test/roc_auc, min: 0.5}}}}
        """
    )


def test_a_version_is_made_again_byte_for_byte_and_what_differs_first_is_named(project: TestProject) -> None:
    recipe(project)
    run(project)
    again = project.run("reproduce", "cancer", "--json")
    assert again.code == 0, again.text
    assert again.json["same"]
    assert len(again.json["artifacts"]) > 10
    assert len(project.run("runs", "--json").json) == 1, "what is reproduced is thrown away"
    project.write(
        cancer="""
        mlforge: 1
        defaults: [breast_cancer, _self_]
        name: cancer
        trainer: {max_epochs: 15, lr: 0.02}
        gates: {thresholds: {rules: {auc: {finding: test/roc_auc, min: 0.5}}}}
        """
    )
    other = project.run("reproduce", "cancer")
    assert other.code == 6
    assert "the first is" in other.err
    assert "of train: " in other.err
    assert "trainer.lr" in other.err


def test_two_runs_are_compared_from_what_was_asked_to_what_was_measured(project: TestProject) -> None:
    recipe(project)
    one = run(project)
    other = run(project, "trainer.lr=0.02", "seed=1")
    told = project.run("diff", one, other, "--json").json
    assert any(line.startswith("trainer.lr") for line in told["recipe"])
    assert any(finding["name"] == "test/log_loss" for finding in told["findings"])
    text = project.run("diff", one, "cancer@1").out
    assert "Nothing differs." in text
    shown = project.run("diff", "cancer@1", other[:20]).out
    assert "trainer.lr" in shown
    assert "test/log_loss" in shown
    wrong = project.run("diff", "cancer@9", one)
    assert (wrong.code, "Traceback" in wrong.text) == (2, False)
