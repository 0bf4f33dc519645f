"""What replicas know of each other: figures add up, also when one is gone, and bundles arrive as they were sent."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.serving.bundles import make_bundle

from mlforge.errors import DataError
from mlforge.runtime.bundle import read_bundle
from mlforge.serving.fleet import coordinator as coordinator_module
from mlforge.serving.fleet.coordinator import Coordinator, Report
from mlforge.serving.fleet.parcel import Parcel
from mlforge.serving.fleet.replica_roster import ReplicaRoster
from mlforge.serving.ledger import Ledger
from mlforge.serving.roster import State


def test_a_replica_is_told_what_the_others_have_counted() -> None:
    coordinator = Coordinator()
    assert coordinator.report(Report("a", True, [3.0, 1.0], [1], 0)).cells == []
    update = coordinator.report(Report("b", True, [10.0, 2.0], [1], 0))
    assert (list(update.cells), update.others) == ([3.0, 1.0], 1)
    assert list(coordinator.report(Report("a", True, [4.0, 1.0], [1], 0)).cells) == [10.0, 2.0]
    assert coordinator.ready() == 2


def test_of_one_that_is_gone_counts_stay_and_gauges_go(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(coordinator_module.time, "monotonic", lambda: now[0])
    coordinator = Coordinator()
    coordinator.report(Report("gone", True, [5.0, 7.0], [1], 0))
    now[0] += 10
    silent = coordinator.report(Report("here", True, [1.0, 1.0], [1], 0))
    assert (list(silent.cells), silent.others) == ([5.0, 0.0], 0), "it may come back"
    now[0] += 100
    assert list(coordinator.report(Report("here", True, [1.0, 1.0], [1], 0)).cells) == [5.0, 0.0]


def test_news_are_told_once_and_to_whoever_begins_later() -> None:
    coordinator = Coordinator()
    assert coordinator.lead("me", 1), "it knows nothing yet"
    coordinator.bring("d1", Parcel({"a": b"1"}))
    coordinator.bring("d0", Parcel({"a": b"0"}))
    coordinator.tell(1, {"people": {"generation": 1}}, b"keys", ["d1"])
    assert not coordinator.lead("me", 1)
    assert coordinator.leader() == "me"
    update = coordinator.report(Report("a", True, [], [], 0))
    assert (update.number, update.assignments, update.keys) == (1, {"people": {"generation": 1}}, b"keys")
    assert coordinator.report(Report("a", True, [], [], 1)).assignments is None
    assert coordinator.missing(["d0", "d1"]) == ["d0"], "nobody names it any more"
    assert coordinator.parcel("d0") is None


def test_figures_of_others_are_part_of_the_sum_and_not_of_ones_own() -> None:
    ledger = Ledger(1)
    counted, at_once = ledger.cell("counted"), ledger.cell("at_once", kind="gauge")
    ledger.take(0)
    counted.add(2)
    ledger.add_others([40.0, 1.0])
    ledger.add_others([41.0, 1.0])
    assert ledger.own() == [2.0, 0.0]
    assert ledger.gauges() == [at_once.place]
    assert counted.total() == 43
    assert counted.here() == 2


def test_a_server_is_ready_with_as_many_replicas_as_it_has_at_least() -> None:
    roster = ReplicaRoster(3)
    roster.others = 2
    assert (roster.live, roster.ready) == (2, False)
    roster.set(0, State.READY)
    assert (roster.live, roster.ready) == (3, True)
    roster.others = 5
    assert roster.ready


def test_a_bundle_arrives_as_it_was_sent(tmp_path: Path) -> None:
    folder = make_bundle(tmp_path / "people")
    there = Parcel.packed(folder).unpacked(tmp_path / "elsewhere")
    assert read_bundle(there) == read_bundle(folder)


def test_a_parcel_whose_files_lead_elsewhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="leads out of it"):
        Parcel({"../outside": b""}).unpacked(tmp_path / "in")
    assert not (tmp_path / "outside").exists()
