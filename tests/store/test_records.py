from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mlforge import secrets
from mlforge.errors import RecipeError, RunFailed
from mlforge.finding import Finding
from mlforge.store import Store

FOUND = [
    Finding(name="test/roc_auc", value=0.91, low=0.9, high=0.92, evidence={"bins": [1, 2.5, None], "why": "ß"}),
    Finding(name="test/a", value=None, text="could not be measured"),
    Finding(name="test/a", value=0.1, subject="champion", variant="onnx", volatile=True),
]


def _finished(store: Store, run: str, key: str, stage: str = "train", seconds: float = 1.0, recipe: str = "adult") -> None:
    store.records.start_stage(key, stage, recipe, run, {"config": key})
    store.records.finish_stage(key, run, {"out": f"digest of {key}"}, FOUND, seconds)


def _begin(store: Store, recipe: str = "adult", smoke: bool = False) -> str:
    return store.records.begin_run(recipe, {"name": recipe}, ["seed=1"], smoke)


def test_ids_of_runs_are_unique_and_sorted_by_time(store: Store) -> None:
    ids = [_begin(store) for _ in range(20)]
    assert len({*ids}) == 20
    assert [run.id for run in store.records.runs(limit=20)] == sorted(ids, reverse=True)
    assert [run[:9] for run in ids] == sorted(run[:9] for run in ids)


def test_a_run_is_shown_with_its_stages_in_order(store: Store) -> None:
    first = _begin(store)
    _finished(store, first, "k1", "ingest", seconds=2.5)
    store.records.end_run(first, "done", 0, "")
    run = _begin(store)
    store.records.reuse_stage("k1", run)
    store.records.start_stage("k2", "train", "adult", run, {})
    store.records.fail_stage("k2", run, "loss is NaN")
    store.records.end_run(run, "failed", 6, "train failed")
    record = store.records.run(run)
    assert (record.recipe, record.state, record.exit_code, record.message, record.overrides) == ("adult", "failed", 6, "train failed", ("seed=1",))
    assert record.plain == {"name": "adult"}
    assert record.ended is not None
    assert [(use.name, use.key, use.state, use.message) for use in record.stages] == [("ingest", "k1", "reused", ""), ("train", "k2", "failed", "loss is NaN")]
    assert record.stages[0].outputs == {"out": "digest of k1"}
    assert record.stages[0].seconds == 2.5
    assert store.records.runs("adult", limit=1) == [record]
    assert store.records.runs("other") == []


def test_a_stage_is_done_when_it_is_finished_and_not_before(store: Store) -> None:
    assert store.records.stage("k") is None
    run = _begin(store)
    store.records.start_stage("k", "train", "adult", run, {"seed": "1"})
    running = store.records.stage("k")
    assert running is not None
    assert running.state == "running"
    assert store.records.latest("adult", "train") is None
    store.records.finish_stage("k", run, {"out": "d"}, [], 0.5)
    done = store.records.stage("k")
    assert done is not None
    assert (done.state, done.parts, done.outputs, done.seconds, done.run) == ("done", {"seed": "1"}, {"out": "d"}, 0.5, run)


def test_a_later_failure_does_not_undo_what_was_done_under_the_same_key(store: Store) -> None:
    _finished(store, _begin(store), "k")
    again = _begin(store)
    store.records.start_stage("k", "train", "adult", again, {})
    store.records.fail_stage("k", again, "no memory")
    record = store.records.stage("k")
    assert record is not None
    assert record.state == "done"


def test_a_retry_within_a_run_replaces_the_attempt_before(store: Store) -> None:
    run = _begin(store)
    store.records.start_stage("k", "train", "adult", run, {})
    store.records.fail_stage("k", run, "flaky")
    _finished(store, run, "k")
    _finished(store, run, "k")
    assert [(use.state, use.message) for use in store.records.run(run).stages] == [("done", "")]
    assert store.records.findings("k") == FOUND


def test_the_latest_of_a_stage_counts_reuse_and_keeps_recipes_and_smoke_runs_apart(store: Store) -> None:
    first = _begin(store)
    for key in ("k1", "k2"):
        _finished(store, first, key)
    _finished(store, _begin(store, "other"), "k3", recipe="other")
    _finished(store, _begin(store, smoke=True), "k4")
    store.records.reuse_stage("k1", _begin(store))
    latest = store.records.latest("adult", "train")
    assert latest is not None
    assert (latest.key, latest.parts) == ("k1", {"config": "k1"})
    smoke = store.records.latest("adult", "train", smoke=True)
    assert smoke is not None
    assert smoke.key == "k4"


def test_durations_are_those_of_real_work_the_newest_first(store: Store) -> None:
    run = _begin(store)
    for number in range(12):
        _finished(store, run, f"k{number}", seconds=float(number))
    store.records.reuse_stage("k3", _begin(store))
    assert store.records.seconds("adult", "train") == [11.0, 10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0]
    assert store.records.seconds("adult", "ingest") == []


def test_findings_come_back_as_they_were_in_their_order(store: Store) -> None:
    _finished(store, _begin(store), "k")
    assert store.records.findings("k") == FOUND
    assert store.records.findings("other") == []


def test_a_finding_that_is_no_number_comes_back_as_not_measured(store: Store) -> None:
    run = _begin(store)
    store.records.start_stage("k", "train", "adult", run, {})
    store.records.finish_stage("k", run, {}, [Finding(name="a", value=float("nan")), Finding(name="b", value=float("inf"))], 0.1)
    assert [finding.value for finding in store.records.findings("k")] == [None, None]


def test_a_stage_that_was_never_begun_cannot_be_finished(store: Store) -> None:
    run = _begin(store)
    with pytest.raises(LookupError, match=f"stage k of run {run}"):
        store.records.finish_stage("k", run, {}, FOUND, 1.0)
    assert store.records.findings("k") == []


def test_a_run_is_found_by_the_beginning_of_its_id(store: Store) -> None:
    one, two = _begin(store), _begin(store)
    assert store.records.run(two[:-1].upper()).id == two
    with pytest.raises(RecipeError, match="Several runs begin with") as raised:
        store.records.run("0")
    assert one in str(raised.value)
    with pytest.raises(RecipeError, match="no run 'zzz'"):
        store.records.run("zzz")
    with pytest.raises(RecipeError, match="no run '%'"):
        store.records.run("%")


def test_a_run_whose_process_was_killed_is_noted_by_the_next(store: Store, url: str) -> None:
    dying = "import os, sys; from pathlib import Path; from mlforge.store import Store; s = Store.open(sys.argv[1], Path(sys.argv[2]))\n"
    dying += "print(s.records.begin_run('adult', {}, [], False), flush=True); os.kill(os.getpid(), 9)"
    killed = subprocess.run([sys.executable, "-c", dying, url, str(store.state)], capture_output=True, text=True, check=False).stdout.strip()
    told = store.records.run(killed)
    assert (told.state, told.message, told.ended) == ("interrupted", "Its process was killed.", None), "seen before anybody has noted it"
    alive, later = _begin(store), _begin(store)
    assert [store.records.run(run).state for run in (killed, alive, later)] == ["interrupted", "running", "running"]


def test_secrets_are_masked_wherever_they_stand_also_in_numbers(store: Store) -> None:
    secrets.remember("hunter2")
    secrets.remember("1234")
    try:
        run = store.records.begin_run("adult", {"source": {"url": "sql://me:hunter2@x"}, "n": 123456}, ["source.password=hunter2"], False)
        store.records.start_stage("k", "train", "adult", run, {"url": "hunter2"})
        store.records.finish_stage("k", run, {}, [Finding(name="a", value=1234, text="hunter2 said", evidence={"hunter2": ["hunter2"]})], 1.0)
        store.records.end_run(run, "failed", 6, "cannot reach hunter2")
        shown = f"{store.records.run(run)} {store.records.stage('k')} {store.records.findings('k')}"
    finally:
        secrets.forget()
    assert "hunter2" not in shown
    assert store.records.run(run).plain["n"] == 123456
    assert store.records.findings("k")[0].value == 1234


def test_when_the_records_do_not_fit_on_the_disk_a_stage_is_not_half_finished(tmp_path: Path) -> None:
    """SQLite's own limit on pages gives the error that a full disk gives."""
    store = Store.open(None, tmp_path / "state")
    run = _begin(store)
    store.records.start_stage("k", "train", "adult", run, {})
    with store._database.read() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 2}")
    many = [Finding(name=f"f{number}", value=1.0, text="x" * 500) for number in range(200)]
    with pytest.raises(RunFailed, match="disk is full") as raised:
        store.records.finish_stage("k", run, {"out": "d"}, many, 1.0)
    assert raised.value.exit_code == 6
    record = store.records.stage("k")
    assert record is not None
    assert (record.state, record.outputs) == ("running", {})
    assert store.records.findings("k") == []
    store.close()


def test_the_run_that_made_an_artifact_is_found_whatever_came_after(store: Store) -> None:
    def ran(bundle: str, *, reference: str = "", smoke: bool = False) -> str:
        run = _begin(store, smoke=smoke)
        store.records.start_stage(f"{run} e", "export", "adult", run, {})
        store.records.finish_stage(f"{run} e", run, {"bundles": bundle}, (), 1.0)
        if reference:
            store.records.start_stage(f"{run} c", "calibrate", "adult", run, {})
            store.records.finish_stage(f"{run} c", run, {"reference": reference}, (), 1.0)
        return run

    first = ran("aaa", reference="r1")
    newest = ran("aaa", reference="r2")
    without = ran("aaa")
    ran("aaa", reference="r3", smoke=True)
    for number in range(5):
        ran(f"b{number}")
    found = store.records.newest_making("adult", "bundles", "aaa", also="reference")
    assert found is not None
    assert found.id == newest != first
    assert [use.outputs for use in found.stages if "reference" in use.outputs] == [{"reference": "r2"}]
    plain = store.records.newest_making("adult", "bundles", "aaa")
    assert plain is not None
    assert plain.id == without
    assert store.records.newest_making("adult", "bundles", "aa") is None
    assert store.records.newest_making("adult", "bundles", "b3", also="reference") is None
    assert store.records.newest_making("churn", "bundles", "aaa") is None
