"""A look at a log with a clock that the test sets: windows are judged when they are over, and a clock that jumps ends none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from tests.watching.traffic import traffic

from mlforge.cli.workplace import Workplace
from mlforge.project import Project
from mlforge.service.reading import Log
from mlforge.store import KeptAlert, Store
from mlforge.testing.project import TestProject
from mlforge.watching.looking import Looker

HOUR = timedelta(hours=1)
TEN = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - 30 * HOUR  # a full hour of yesterday


class Post:
    """Where one looks from, each time as a watch that has just been started."""

    def __init__(self, shop: TestProject, store: Store) -> None:
        self._shop, self._store = shop, store

    def look(self, now: datetime) -> list[KeptAlert]:
        """The alerts that are open after a look at this time."""
        place = Workplace(Project.find(self._shop.root))
        looker = Looker(self._store, place.project, place.catalog, place.hooks, Log(str(self._shop.root / "served"), "buyers"))
        looker.look(self._store.registry.resolve("buyers@champion"), now)
        return self._store.alerts.of("buyers", over=False)


@pytest.fixture
def post(shop: TestProject) -> Iterator[Post]:
    """With two whole hours in the log, and half of a third."""
    for nth, (count, spread) in enumerate([(120, HOUR), (120, HOUR), (40, HOUR / 2)]):
        traffic(shop, count, labels=0, begin=TEN + nth * HOUR, spread=spread, seed=nth)
    with Store.open(None, shop.root / ".mlforge") as store:
        yield Post(shop, store)


def test_half_an_hour_is_not_judged_and_a_clock_that_jumps_by_an_hour_and_back_alarms_nobody(post: Post) -> None:
    half_past = TEN + 2.5 * HOUR
    assert post.look(half_past) == []
    assert post.look(half_past + HOUR) == [], "no row has come after this hour, and the clock is not believed so soon"
    assert post.look(half_past) == []


def test_an_hour_is_judged_when_a_later_row_has_come(post: Post, shop: TestProject) -> None:
    traffic(shop, 120, labels=0, begin=TEN + 3 * HOUR + timedelta(minutes=2), spread=timedelta(minutes=1), seed=9)
    (alert,) = post.look(TEN + 3 * HOUR + timedelta(minutes=4))
    assert (alert.finding, alert.begins) == ("live/traffic/rows", (TEN + 2 * HOUR).isoformat())


def test_traffic_that_has_ended_is_told_long_after_the_hour_in_which_it_did(post: Post) -> None:
    assert post.look(TEN + 3 * HOUR + timedelta(minutes=64)) == []
    (alert,) = post.look(TEN + 3 * HOUR + timedelta(minutes=66))
    assert alert.newest.text == "40 rows, and at least 50 were expected"
