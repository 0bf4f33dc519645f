"""`kill -9` over `mlforge run`, and the same command again: it ends as if nothing had happened."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from tests.end_to_end.buyers import STAGES, buyers, digests, leftovers, store_of
from tests.end_to_end.killing import Kill, Killer, aims, report, seed, spans_of

from mlforge.testing.project import TestProject

ADULT = Path(__file__).parents[3] / "shared" / "data" / "adult_train.csv"


def _undisturbed(project: TestProject, recipe: str, *arguments: str) -> tuple[dict[str, str], dict[str, float]]:
    """Digests and times of a run that nobody kills."""
    began = time.monotonic()
    outcome = project.command("run", *arguments)
    assert outcome.code == 0, outcome.text
    with store_of(project) as store:
        return digests(store, recipe), spans_of(store, recipe, time.monotonic() - began)


def _check(project: TestProject, recipe: str, wanted: dict[str, str]) -> None:
    assert leftovers(project.root / ".mlforge") == []
    with store_of(project) as store:
        assert digests(store, recipe) == wanted
        assert [version.version for version in store.registry.versions(recipe)] == [1]
        assert store.audit.verify() == 1
        for digest in store.artifacts.digests():
            store.artifacts.verify(digest)
        assert {run.state for run in store.records.runs(recipe)} <= {"done", "interrupted"}


def _round(project: TestProject, recipe: str, arguments: tuple[str, ...], spans: dict[str, float], chance: random.Random, aimed: list[str]) -> list[Kill]:
    """One store: killed and started again as often as there are aims, then left alone."""
    killer = Killer(project.root, ("run", *arguments), chance, spans)
    for aim in aimed:
        killer.kill(aim)
    done = killer.finish()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in (project.root / "killed.log").read_text()
    return killer.kills


def test_killed_in_several_stages_a_run_ends_with_the_same_digests_and_one_version(tmp_path: Path) -> None:
    reference, project = (buyers(TestProject(_folder(tmp_path / name))) for name in ("reference", "killed"))
    wanted, spans = _undisturbed(reference, "buyers", "buyers")
    spans = {aim: seconds / 2 for aim, seconds in spans.items()}  # early in a stage, so that few are missed on a busy machine
    aimed = ["split", "train", "train", "export", "evaluate"]  # the slow test has them all
    kills = _round(project, "buyers", ("buyers",), spans, random.Random(seed()), aimed)
    sys.stdout.write(report(kills, tmp_path / "kills.jsonl") + "\n")
    assert len([kill for kill in kills if kill.hit]) >= 3, kills
    assert len({kill.hit for kill in kills} & set(STAGES)) >= 2, kills
    _check(project, "buyers", wanted)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.skipif(not ADULT.exists(), reason="needs ../shared/data/adult_train.csv")
def test_a_hundred_kills_over_adult_change_nothing(tmp_path: Path) -> None:
    """`KILLS` and `KILL_SEED` choose others; every kill is written to `kills.jsonl` in the test's folder (or `KILL_LOG`)."""
    wished, chance = int(os.environ.get("KILLS", "100")), random.Random(seed())
    log = Path(os.environ.get("KILL_LOG", tmp_path / "kills.jsonl"))
    arguments = ("adult", f"source.path={ADULT}", "trainer.max_epochs=2", "gates.thresholds.rules.auc.min=0.8")
    wanted, spans = _undisturbed(TestProject(_folder(tmp_path / "reference")), "adult", *arguments)
    kills: list[Kill] = []
    hits: Counter[str] = Counter()
    rounds = 0
    while sum(hits.values()) < wished or min(hits[stage] for stage in STAGES) < wished // 20:
        assert len(kills) < 3 * wished, report(kills, log)
        project = TestProject(_folder(tmp_path / "killed" / str(len(kills))))
        kills += _round(project, "adult", arguments, spans, chance, aims(chance, 4))
        _check(project, "adult", wanted)
        shutil.rmtree(project.root)
        rounds += 1
        hits = Counter(kill.hit for kill in kills if kill.hit not in ("", "end"))
        sys.stdout.write(f"{rounds} rounds, {report(kills, log)}\n")


def _folder(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


def test_what_is_left_to_do_after_a_kill_before_register_is_done_and_reported(trained: TestProject) -> None:
    """The state of a run that was killed after its verdict: all artifacts and records, and no version."""
    with sqlite3.connect(trained.root / ".mlforge" / "records.db") as connection:
        for table in ("aliases", "versions", "audit"):
            connection.execute(f"delete from {table}")
    outcome = trained.run("run", "buyers")
    assert outcome.code == 0, outcome.text
    assert "Nothing to do" not in outcome.out
    with store_of(trained) as store:
        newest = store.records.runs("buyers", limit=1)[0]
        assert {stage.state for stage in newest.stages} == {"reused"}
        assert [version.run for version in store.registry.versions("buyers")] == [newest.id]
    assert (trained.root / ".mlforge" / "runs" / newest.id / "report.html").is_file()


def test_what_a_kill_leaves_after_a_stage_was_recorded_is_cleared_by_the_next_run(trained: TestProject) -> None:
    with store_of(trained) as store:
        done = store.records.runs("buyers", limit=1)[0].stages
    for stage in done:
        (trained.root / ".mlforge" / "work" / f"buyers.{stage.name}.{stage.key[:16]}" / "drafts").mkdir(parents=True)
    assert len(leftovers(trained.root / ".mlforge")) == len(done)
    assert trained.run("run", "buyers", "gates.thresholds.rules.auc.min=0.6").code == 0
    assert [path.split(".")[1] for path in leftovers(trained.root / ".mlforge")] == ["gate"], "of another key than the run's: the run does not know it"
