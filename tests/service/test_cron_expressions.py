"""Cron expressions: what they mean, in a zone whose clock changes, and what is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mlforge.service.cron import Cron

BERLIN = "Europe/Berlin"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def times(text: str, zone: str, since: str, until: str) -> list[str]:
    return [f"{moment:%m-%d %H:%M}" for moment in Cron.parse(text, zone).between(at(since), at(until))]


@pytest.mark.parametrize(
    ("text", "next_one"),
    [
        ("*/15 * * * *", "2026-11-23T10:15"),
        ("0 3 * * mon", "2026-11-30T03:00"),
        ("30 2 1 jan *", "2027-01-01T02:30"),
        ("0 0 1-7/3 * *", "2026-12-01T00:00"),
        ("0 12 13 * fri", "2026-11-27T12:00"),
        ("5,7 10 * * 1-5", "2026-11-23T10:05"),
        ("0 0 29 2 *", "2028-02-29T00:00"),
        ("0 0 * * 7", "2026-11-29T00:00"),
        ("@hourly", "2026-11-23T11:00"),
    ],
)
def test_the_next_time_of_an_expression(text: str, next_one: str) -> None:
    monday = at("2026-11-23T10:00")
    assert Cron.parse(text).next(monday) == at(next_one)
    assert Cron.parse(text).last(at(next_one) + timedelta(seconds=30), monday) in list(Cron.parse(text).between(monday, at(next_one) + timedelta(seconds=30)))


def test_the_clock_put_forward_leaves_no_day_out_and_doubles_none() -> None:
    found = times("30 2 * * *", BERLIN, "2026-03-27T12:00", "2026-03-30T12:00")
    assert found == ["03-28 01:30", "03-29 01:30", "03-30 00:30"], "half past two does not come on the 29th: it is due when the clock has been put forward"
    assert len(times("0 * * * *", BERLIN, "2026-03-28T22:59", "2026-03-29T21:59")) == 23


def test_the_clock_put_back_makes_a_day_due_once_and_every_hour_that_passes() -> None:
    found = times("30 2 * * *", BERLIN, "2026-10-23T12:00", "2026-10-26T12:00")
    assert found == ["10-24 00:30", "10-25 00:30", "10-26 01:30"], "half past two comes twice on the 25th"
    hourly = times("0 * * * *", BERLIN, "2026-10-24T21:59", "2026-10-25T22:59")
    assert len(hourly) == len(set(hourly)) == 25


@pytest.mark.parametrize(
    ("text", "zone", "told"),
    [
        ("0 0 30 2 *", "UTC", "never comes"),
        ("0 0 31 4,6 *", "UTC", "never comes"),
        ("0 3 * *", "UTC", "has 4 fields"),
        ("61 * * * *", "UTC", "0 to 59"),
        ("* * * * funday", "UTC", "sun, mon"),
        ("0 5-1 * * *", "UTC", "5 is after 1"),
        ("*/0 * * * *", "UTC", "a step is at least 1"),
        ("0 3 * * ?", "UTC", "says no day of the week"),
        ("@daily", "Europe/Berln", "Did you mean Europe/Berlin?"),
    ],
)
def test_what_is_none_is_refused_in_words(text: str, zone: str, told: str) -> None:
    with pytest.raises(ValueError, match=told.replace("?", r"\?")):
        Cron.parse(text, zone)
