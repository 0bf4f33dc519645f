"""What replicas know of each other: figures add up, also when one is gone, and bundles arrive as they were sent."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.serving.bundles import make_bundle

from mlforge.errors import DataError
from mlforge.runtime.bundle import read_bundle
from mlforge.serving.fleet import post as post_module
from mlforge.serving.fleet.muster import Muster
from mlforge.serving.fleet.parcel import Parcel
from mlforge.serving.fleet.post import Post, Report
from mlforge.serving.ledger import Ledger
from mlforge.serving.roster import State


def test_a_replica_is_told_what_the_others_have_counted() -> None:
    post = Post()
    assert post.report(Report("a", True, [3.0, 1.0], [1], 0)).cells == []
    news = post.report(Report("b", True, [10.0, 2.0], [1], 0))
    assert (list(news.cells), news.others) == ([3.0, 1.0], 1)
    assert list(post.report(Report("a", True, [4.0, 1.0], [1], 0)).cells) == [10.0, 2.0]
    assert post.ready() == 2


def test_of_one_that_is_gone_counts_stay_and_gauges_go(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(post_module.time, "monotonic", lambda: now[0])
    post = Post()
    post.report(Report("gone", True, [5.0, 7.0], [1], 0))
    now[0] += 10
    silent = post.report(Report("here", True, [1.0, 1.0], [1], 0))
    assert (list(silent.cells), silent.others) == ([5.0, 0.0], 0), "it may come back"
    now[0] += 100
    assert list(post.report(Report("here", True, [1.0, 1.0], [1], 0)).cells) == [5.0, 0.0]


def test_news_are_told_once_and_to_whoever_begins_later() -> None:
    post = Post()
    assert post.lead("me", 1), "it knows nothing yet"
    post.bring("d1", Parcel({"a": b"1"}))
    post.bring("d0", Parcel({"a": b"0"}))
    post.tell(1, {"people": {"generation": 1}}, b"keys", ["d1"])
    assert not post.lead("me", 1)
    assert post.leader() == "me"
    news = post.report(Report("a", True, [], [], 0))
    assert (news.number, news.standings, news.keys) == (1, {"people": {"generation": 1}}, b"keys")
    assert post.report(Report("a", True, [], [], 1)).standings is None
    assert post.missing(["d0", "d1"]) == ["d0"], "nobody names it any more"
    assert post.parcel("d0") is None


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
    muster = Muster(3)
    muster.others = 2
    assert (muster.live, muster.ready) == (2, False)
    muster.set(0, State.READY)
    assert (muster.live, muster.ready) == (3, True)
    muster.others = 5
    assert muster.ready


def test_a_bundle_arrives_as_it_was_sent(tmp_path: Path) -> None:
    folder = make_bundle(tmp_path / "people")
    there = Parcel.packed(folder).unpacked(tmp_path / "elsewhere")
    assert read_bundle(there) == read_bundle(folder)


def test_a_parcel_whose_files_lead_elsewhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="leads out of it"):
        Parcel({"../outside": b""}).unpacked(tmp_path / "in")
    assert not (tmp_path / "outside").exists()
