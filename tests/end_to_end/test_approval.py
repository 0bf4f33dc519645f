"""A gate that a person opens: the run waits, somebody signs, and the model is registered without running anything again."""

from __future__ import annotations

import json
import os
import pwd
import shutil
from pathlib import Path

import pytest
from tests.end_to_end.buyers import STAGES, buyers, store_of

from mlforge.testing.project import TestProject

ME = pwd.getpwuid(os.geteuid()).pw_name
GATE = ("gates=[thresholds,approval]", "gates.approval.role=risk", "trainer.max_epochs=2")
RUN = ("run", "buyers", *GATE)


@pytest.fixture(scope="session")
def waiting_master(tmp_path_factory: pytest.TempPathFactory, isolated_cache: Path) -> TestProject:
    """The small recipe, run until it waits. Not to be changed."""
    project = buyers(TestProject(tmp_path_factory.mktemp("waiting") / "project"))
    project.write({"mlforge.toml": f'[roles]\nrisk = ["{ME}"]\nlegal = ["somebody_else"]\n'})
    outcome = project.run(*RUN)
    assert outcome.code == 4, outcome.text
    assert "waits for approval by risk; nothing is registered yet" in outcome.err
    assert "Traceback" not in outcome.text
    return project


@pytest.fixture
def waiting(waiting_master: TestProject, tmp_path: Path) -> TestProject:
    """A project of the test's own, in which a run waits."""
    return TestProject(Path(shutil.copytree(waiting_master.root, tmp_path / "waiting")))


def newest(project: TestProject) -> str:
    with store_of(project) as store:
        return store.records.runs("buyers", limit=1)[0].id


def test_a_run_that_waits_is_recorded_and_told_so_on_every_page(waiting: TestProject) -> None:
    run = newest(waiting)
    with store_of(waiting) as store:
        record = store.records.run(run)
        assert (record.state, record.exit_code, record.message) == ("waiting", 4, "waits for approval by risk")
        assert [stage.name for stage in record.stages] == list(STAGES[:-1])
        assert store.registry.models() == []
    folder = waiting.root / ".mlforge" / "runs" / run
    summary = json.loads((folder / "summary.json").read_text())
    assert (summary["passed"], summary["waits"], summary["done"]) == (False, ["risk"], [])
    assert "for approval by risk. Every other rule of its gates is kept; nothing is registered yet." in (folder / "report.html").read_text()
    assert f"mlforge approve {run} --role risk" in (folder / "report.md").read_text()


def test_a_run_that_waits_waits_again_without_running_anything(waiting: TestProject) -> None:
    outcome = waiting.run(*RUN, "--json")
    assert outcome.code == 4
    assert {stage["state"] for stage in json.loads(outcome.out)["stages"]} == {"reuse"}


def test_approve_registers_at_once_and_the_next_run_has_nothing_to_do(waiting: TestProject) -> None:
    run = newest(waiting)
    outcome = waiting.run("approve", "buyers", "--role", "risk", "--reason", "seen by the board")
    assert outcome.code == 0, outcome.text
    assert f"buyers  run {run}  approved by {ME} as risk" in outcome.out
    assert "buyers 1, champion" in outcome.out
    with store_of(waiting) as store:
        (version,) = store.registry.versions("buyers")
        assert (version.run, version.judged_against, version.aliases) == (run, None, ("champion",))
        assert [(entry.event, entry.actor) for entry in store.audit.entries()] == [("registered", store.audit.entries()[0].actor), ("approved", ME)]
        assert store.audit.entries()[1].details["reason"] == "seen by the board"
        assert store.audit.verify() == 2
    folder = waiting.root / ".mlforge" / "runs" / run
    page = (folder / "report.md").read_text().replace("\\", "")
    assert "Registered as buyers 1, champion." in page
    assert f"approved by risk ({ME}: seen by the board)" in page
    for name in ("report.md", "report.html"):
        assert "aits for approval" not in (folder / name).read_text(), "the run's own report knows of the signature"
    summary = json.loads((folder / "summary.json").read_text())
    assert (summary["passed"], summary["waits"], summary["done"][0]["event"]) == (True, [], "registered")
    again = waiting.run(*RUN, "--json")
    assert again.code == 0, again.text
    assert {stage["state"] for stage in again.json["stages"]} == {"reuse", "done"}
    assert again.json["passed"] is True
    same = waiting.run("approve", "buyers", "--role", "risk")
    assert same.code == 0, same.text
    assert "as before" in same.out
    assert "(registered before)" in same.out


def test_the_next_run_registers_what_was_signed_when_approve_could_not(waiting: TestProject) -> None:
    """As when it is killed between the signature and the registration."""
    with store_of(waiting) as store:
        made = {port: digest for use in store.records.runs("buyers", limit=1)[0].stages for port, digest in use.outputs.items()}
        store.approvals.sign("buyers", bundle=made["bundles"], verdict=made["verdict"], role="risk", approved=True, actor="alice", run="r", reason="fine")
    outcome = waiting.run(*RUN)
    assert outcome.code == 0, outcome.text
    assert "buyers 1, champion" in outcome.out
    report = (waiting.root / ".mlforge" / "runs" / newest(waiting) / "report.md").read_text()
    assert "approved by risk (alice: fine)" in report
    assert "Registered as buyers 1, champion" in report.replace("\\", "")


def test_a_signature_is_for_that_verdict_and_no_other(waiting: TestProject) -> None:
    assert waiting.run("approve", "buyers").code == 0
    other = waiting.run("run", "buyers", *GATE, "seed=5")
    assert other.code == 4, "another bundle"
    stricter = waiting.run("run", "buyers", *GATE, "gates.thresholds.rules.auc.min=0.6")
    assert stricter.code == 4, "the same bundle, judged anew"
    with store_of(waiting) as store:
        assert len(store.registry.versions("buyers")) == 1


def test_a_rejected_model_is_refused_with_the_reason_until_somebody_signs(waiting: TestProject) -> None:
    assert waiting.run("approve", "buyers", "--reject").code == 2, "a rejection needs a reason"
    rejected = waiting.run("approve", "buyers", "--reject", "--reason", "too few rows from Oslo")
    assert rejected.code == 0, rejected.text
    assert "Nothing is registered" in rejected.out
    outcome = waiting.run(*RUN)
    assert outcome.code == 4
    assert f"rejected by risk ({ME}: too few rows from Oslo); nothing was registered" in outcome.err
    with store_of(waiting) as store:
        assert store.records.runs("buyers", limit=1)[0].state == "refused"
        assert store.registry.models() == []
    assert waiting.run("approve", "buyers", "--role", "risk", "--reason", "they were found").code == 0
    assert waiting.run(*RUN).code == 0


def test_who_does_not_hold_the_role_cannot_sign(waiting: TestProject) -> None:
    """Whatever the environment says of who they are."""
    waiting.write({"mlforge.toml": '[roles]\nrisk = ["alice"]\n'})
    outcome = waiting.run("approve", "buyers", "--role", "risk", LOGNAME="alice", USER="alice")
    assert outcome.code == 2
    assert f"{ME} may not sign as risk" in outcome.err
    assert "as risk: alice" in outcome.err
    with store_of(waiting) as store:
        assert store.audit.verify() == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("buyers", "--role", "rsik"), "the verdict does not wait for rsik; it needs risk\nDid you mean risk?"),
        (("buyers", "--role", "legal"), "the verdict does not wait for legal"),
        (("nobody",), "There is no run 'nobody'"),
    ],
)
def test_a_signature_that_nobody_waits_for_is_refused(waiting: TestProject, arguments: tuple[str, ...], said: str) -> None:
    outcome = waiting.run("approve", *arguments)
    assert outcome.code == 2
    assert said in outcome.err


def test_two_roles_are_two_signatures(waiting: TestProject) -> None:
    waiting.write({"mlforge.toml": f'[roles]\nrisk = ["{ME}"]\nlegal = ["{ME}"]\n'})
    both = ("gates=[thresholds,approval]", "gates.approval.role=risk", "+gates.counsel={use: approval, role: legal}", "trainer.max_epochs=2")
    outcome = waiting.run("run", "buyers", *both)
    assert outcome.code == 4, outcome.text
    assert "waits for approval by risk and legal" in outcome.err
    unclear = waiting.run("approve", "buyers")
    assert (unclear.code, "--role risk" in unclear.err) == (2, True)
    first = waiting.run("approve", "buyers", "--role", "legal")
    assert "Still waits for approval by risk" in first.out, first.text
    second = waiting.run("approve", "buyers", "--role", "risk")
    assert "buyers 1, champion" in second.out, second.text


def test_a_verdict_that_compares_with_a_champion_of_the_past_is_not_signed(waiting: TestProject) -> None:
    with store_of(waiting) as store:
        store.registry.register("buyers", bundle="b" * 64, verdict="v" * 64, run="r")
    outcome = waiting.run("approve", "buyers")
    assert outcome.code == 4
    assert "the champion is buyers 1 now" in outcome.err
    assert "nothing was signed" in outcome.err


def test_what_a_gate_refused_waits_for_nobody(waiting: TestProject) -> None:
    outcome = waiting.run("run", "buyers", *GATE, "gates.thresholds.rules.auc.min=0.9999")
    assert outcome.code == 4
    assert "a gate said no" in outcome.err
    run = newest(waiting)
    signed = waiting.run("approve", run)
    assert signed.code == 2
    assert "does not wait for approval: it is refused" in signed.err
    assert "An older one does: mlforge approve 01" in waiting.run("approve", "buyers").err


def test_check_tells_a_role_that_nobody_has(waiting: TestProject) -> None:
    waiting.write({"mlforge.toml": '[roles]\nrisk = ["alice"]\n'})
    outcome = waiting.run("check", "buyers", "gates=[thresholds,approval]", "gates.approval.role=rsik")
    assert outcome.code == 2
    assert "gates.approval.role" in outcome.err
    assert "nobody may sign as rsik" in outcome.err
    assert "Did you mean risk?" in outcome.err
    waiting.write({"mlforge.toml": ""})
    assert '[roles] risk = ["USER"]' in waiting.run("check", "buyers", *GATE).err


def test_smoke_waits_for_nobody(waiting: TestProject) -> None:
    assert waiting.run(*RUN, "--smoke").code == 0


def test_junit_tells_a_ci_server_what_was_said(waiting: TestProject) -> None:
    from junitparser import JUnitXml

    def results(*command: str) -> dict[str, list[str | None]]:
        waiting.run(*command, "--junit", "out/verdict.xml")
        (suite,) = JUnitXml.fromfile(str(waiting.root / "out" / "verdict.xml"))
        return {case.name: [one.type for one in case.result] for case in suite}

    assert results(*RUN) == {"auc": [], "approval": ["waiting"]}
    assert results(*RUN, "gates.thresholds.rules.auc.min=0.9999") == {"auc": ["refused"], "approval": ["waiting"]}
    assert results(*RUN, "trainer.lr=-1") == {"run": ["RecipeError"]}
    assert waiting.run("approve", "buyers", "--role", "risk").code == 2, "the newest run was refused"
    assert waiting.run(*RUN).code == 4
    assert waiting.run("approve", "buyers").code == 0
    assert results(*RUN) == {"auc": [], "approval": []}
    assert results(*RUN) == {"auc": [], "approval": []}, "also when nothing has changed"
