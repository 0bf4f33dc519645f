"""Trails from records alone: retrainings, what is missing from the store, what was written to it by other means, and what is secret."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlforge.errors import RecipeError, RunFailed
from mlforge.finding import Finding
from mlforge.secrets import remember
from mlforge.store import KeptAlert, KeptWindow, Store
from mlforge.store.entries import KeptTrigger
from mlforge.trail import Trail, marks, trail_of
from mlforge.trail.cost import newest


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(None, tmp_path / "state") as opened:
        yield opened


def finding(name: str = "live/drift/columns", **fields: object) -> Finding:
    return Finding.model_validate({"name": name, "value": 1.0, "text": "age (0.4 sd) has drifted", "severity": "warning"} | fields)


def alert(**fields: object) -> KeptAlert:
    known = {"number": 0, "model": "shop", "version": 1, "monitor": "drift", "finding": "live/drift/columns", "part": "", "windows": "daily windows",
             "begins": "2026-11-02T00:00:00+00:00", "ends": "2026-11-04T00:00:00+00:00", "count": 2, "severity": "warning", "state": "open", "effect": None,
             "measure": "", "newest": finding()}  # fmt: skip
    return KeptAlert(**known | fields)  # type: ignore[arg-type]


def registered(store: Store, bundle: str = "b1", run: str | None = None) -> str:
    """A version of the model shop, by a run of its recipe."""
    plain = {"source": {"use": "csv", "path": "shop.csv"}, "monitors": {"drift": {"use": "drift", "false_alarms": "1/month"}}}
    run = run or store.records.begin_run("shop", plain, (), smoke=False)
    store.records.start_stage(f"key of {bundle}", "export", "shop", run, {})
    store.records.finish_stage(f"key of {bundle}", run, {"bundles": bundle}, [], 1.0)
    store.records.end_run(run, "done", 0)
    store.registry.register("shop", bundle=bundle, verdict=f"verdict of {bundle}", run=run)
    return run


def window(day: int, *found: Finding) -> KeptWindow:
    begins, ends = (f"2026-11-{one:02}T00:00:00+00:00" for one in (day, day + 1))
    return KeptWindow("shop", 1, "drift", "daily", "", begins, ends, 100, 0, 0, b"", found)


def said(trail: Trail) -> str:
    return "\n".join(trail.lines())


def test_a_retraining_leads_from_the_alert_to_its_version_and_back(store: Store) -> None:
    registered(store)
    store.alerts.note([alert()])
    begun = store.triggers.begin(
        KeptTrigger(0, "shop", "alert 1", "drift", "drift alarms (alert 1), and accuracy has lost 4.0%", "2026-11-04T00:00:00+00:00", alert=1)
    )
    assert begun is not None
    assert "it is at work" in said(trail_of(store, ("retraining", "1")))
    assert "mlforge watch shop --once" in said(trail_of(store, ("retraining", "1")))
    run = registered(store, "b2")
    store.triggers.end(begun.number, "done", run=run, version=2)
    store.registry.set_alias("shop", "champion", 2, reason="its canary went well")
    retraining = said(trail_of(store, ("retraining", "1")))
    assert f"run {run} made shop 2." in retraining.splitlines()[0]
    assert "drift alarms (alert 1), and accuracy has lost 4.0%." in retraining
    assert "→ mlforge why alert 1" in retraining
    assert "its canary went well" in retraining
    told = said(trail_of(store, ("alert", "1")))
    assert "So a retraining began on" in told
    assert "shop 2 serves now; mlforge rollback shop would lead back to 1." in told
    assert "`mlforge watch` began it as retraining 1 (retrain.when.drift)" in said(trail_of(store, ("run", run)))
    assert "It was trained again since drift alarms" in said(trail_of(store, ("shop@2",)))


def test_a_retraining_that_failed_says_so(store: Store) -> None:
    registered(store)
    begun = store.triggers.begin(KeptTrigger(0, "shop", "schedule 1", "schedule", "the schedule '0 3 * * *' was due", "2026-11-04T00:00:00+00:00"))
    assert begun is not None
    store.triggers.end(begun.number, "failed", message="out of disk.")
    assert said(trail_of(store, ("retraining", "1"))).splitlines()[0].endswith("it failed: out of disk.")


def test_what_the_windows_said_before_and_during(store: Store) -> None:
    registered(store)
    column = {"column": "city", "picture": {"labels": ["missing", "Bern", "other"], "reference": [0.0, 1.0, 0.0], "window": [0.0, 0.4, 0.6]}}
    found = finding(evidence={"columns": ["city"]}), finding("live/drift/column/city", value=0.6, evidence=column)
    quiet = finding(severity="info", text="none of 3 has drifted")
    store.windows.keep([window(1, quiet), window(2, *found), window(3, *found)])
    store.alerts.note([alert(newest=found[0])])
    told = said(trail_of(store, ("alert", "1")))
    assert "city: Bern went from 100% to 40% of the rows." in told
    assert "2 of the 2 daily windows up to 2026-11-04 alarm, and none of the 1 before." in told
    assert "{false_alarms: 1/month}" in told
    assert "What it costs is not known" in told
    assert "shop 1 still serves: nothing was changed since." in told


def test_a_run_that_the_store_does_not_have_is_said_to_be_missing(store: Store) -> None:
    store.registry.register("shop", bundle="b1", verdict="v1", run="01aaaaaaaaaaaaaaaaaaaaaaaa")
    assert "by run 01aaaaaaaaaaaaaaaaaaaaaaaa, which this store does not have." in said(trail_of(store, ("shop",)))
    store.alerts.note([alert()])
    assert trail_of(store, ("alert", "1")).steps


def test_a_run_without_a_verdict_says_why_it_has_none(store: Store) -> None:
    plain = {"gates": {"thresholds": {"use": "thresholds"}}}
    run = store.records.begin_run("shop", plain, (), smoke=False)
    store.records.start_stage("k", "train", "shop", run, {})
    store.records.fail_stage("k", run, "the loss is nan.\nmore")
    store.records.end_run(run, "failed", 6, "the loss is nan.")
    with pytest.raises(RecipeError, match="came to no verdict: the stage train failed, the loss is nan"):
        trail_of(store, ("gate", run))
    told = said(trail_of(store, ("run", run)))
    assert "The stage train failed: the loss is nan." in told
    assert "Next    mlforge run shop" in told
    ungated = store.records.begin_run("other", {}, (), smoke=False)
    with pytest.raises(RecipeError, match="its recipe has no gates"):
        trail_of(store, ("gate", ungated))


def test_a_log_that_was_written_to_by_other_means_has_no_trail(store: Store, tmp_path: Path) -> None:
    registered(store)
    with sqlite3.connect(tmp_path / "state" / "records.db") as connection:
        connection.execute("update audit set actor = 'nobody'")
    with pytest.raises(RunFailed, match="The audit log is broken at entry 1"):
        trail_of(store, ("shop",))


def test_secrets_are_masked_in_a_trail(store: Store) -> None:
    registered(store)
    store.registry.set_alias("shop", "champion", 1)
    store.alerts.note([alert()])
    store.alerts.acknowledge(1, "see ticket")
    remember("ticket-6f2c81")
    trail = Trail("alert", "alert 1", "", "ticket-6f2c81", (), ("mlforge why ticket-6f2c81",))
    assert "6f2c81" not in said(trail)
    assert "6f2c81" not in str(trail.plain())


def test_what_differs_begins_with_values_and_names_a_component_that_is_gone_once(store: Store) -> None:
    monitors = {"monitors": {name: {"use": name, "windows": "daily", "false_alarms": "1/month"} for name in ("drift", "traffic", "latency", "performance")}}
    plains = ({"trainer": {"use": "lightning", "lr": 0.1}} | monitors, {"trainer": {"use": "lightning", "lr": 0.2}, "checks": {"balance": {"use": "balance"}}})
    for number, plain in enumerate(plains):
        run = store.records.begin_run("shop", plain, (), smoke=False)
        store.registry.register("shop", bundle=f"b{number}", verdict="v", run=run)
    (step,) = (step for step in trail_of(store, ("shop@2",)).steps if step.about == "changed")
    assert "in the recipe, trainer.lr 0.1 → 0.2, checks.balance is new, monitors.drift is gone, " in step.text
    assert "windows" not in step.text


def test_models_whose_names_begin_alike_are_told_apart(store: Store) -> None:
    registered(store)
    store.registry.register("shop2", bundle="c1", verdict="v", run="r")
    store.registry.register("shop2", bundle="c2", verdict="v", run="r")
    store.registry.set_alias("shop2", "champion", 2)
    assert [one.subject for one in store.audit.about("shop")] == ["shop 1"]
    with pytest.raises(RecipeError, match="Nothing of shop was ever rolled back"):
        trail_of(store, ("rollback", "shop"))


def test_what_happened_to_a_model_is_marked_from_the_store(store: Store) -> None:
    registered(store)
    store.alerts.note([alert()])
    store.triggers.begin(KeptTrigger(0, "shop", "alert 1", "drift", "drift alarms (alert 1)", "2026-11-04T00:00:00+00:00", alert=1))
    registered(store, "b2")
    store.registry.set_alias("shop", "champion", 2, reason="newer rows")
    store.registry.roll_back("shop", reason="too slow")
    store.registry.register("other", bundle="c1", verdict="v", run="r")
    told = marks(store, "shop")
    assert [mark.kind for mark in told] == ["version", "alert", "retraining", "version", "champion", "rollback"]
    assert told[-1].text.startswith("2 rolled back to 1, by ")
    assert told[-1].text.endswith(": too slow")
    for mark in told:
        assert trail_of(store, mark.command.split()[2:]).steps, mark.command


def test_an_estimate_that_is_withheld_by_now_is_not_told_as_it_was() -> None:
    """Labels have contradicted it since: what it was before that is no news of the model."""
    figures = newest(
        [
            window(1, finding("live/estimated/roc_auc", value=0.8), finding("live/performance/roc_auc", value=0.79)),
            window(2, finding("live/estimated/roc_auc", value=None, text="withheld: 300 labels have arrived"), finding("live/performance/roc_auc", value=None)),
        ]
    )
    assert set(figures) == {"performance/roc_auc"}
    again = newest([window(1, finding("live/estimated/roc_auc", value=None, text="withheld: 300")), window(2, finding("live/estimated/roc_auc", value=0.7))])
    assert again["estimated/roc_auc"].value == 0.7
