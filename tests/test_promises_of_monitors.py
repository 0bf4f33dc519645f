"""Rates, shifts and windows as recipes write them."""

from __future__ import annotations

import pytest

from mlforge.alarm import Detection, Rate, Windowing, chance


@pytest.mark.parametrize(
    ("text", "by", "length", "every", "told"),
    [
        ("daily", "time", 86_400, 86_400, "daily windows"),
        ("hourly", "time", 3600, 3600, "hourly windows"),
        ("15m", "time", 900, 900, "windows of 15 minutes"),
        ("1d every 6h", "time", 86_400, 21_600, "daily windows, one every 6 hours"),
        ("1000 rows", "rows", 1000, 1000, "windows of 1,000 rows"),
        ("2,000 rows every 500 rows", "rows", 2000, 500, "windows of 2,000 rows, one every 500 rows"),
    ],
)
def test_windows_are_read_and_told(text: str, by: str, length: float, every: float, told: str) -> None:
    windowing = Windowing.parse(text)
    assert (windowing.by, windowing.length, windowing.every, windowing.text) == (by, length, every, told)
    assert windowing.sliding == (every < length)


@pytest.mark.parametrize("text", ["", "sometimes", "0 rows", "1h every 2h", "1d every 100 rows", "rows", "-1d"])
def test_windows_that_are_none_are_told_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"windows|mixes|begins"):
        Windowing.parse(text)


def test_more_looks_leave_less_to_each() -> None:
    """A promise by the month is the same promise whether one looks daily or hourly."""
    rate, daily, hourly = Rate.parse("1/month"), Windowing.parse("daily"), Windowing.parse("hourly")
    assert chance(rate, daily) == pytest.approx(1 / 30.436875)
    assert chance(rate, hourly) == pytest.approx(chance(rate, daily) / 24)
    assert chance(rate, Windowing.parse("1d every 6h")) == pytest.approx(chance(rate, daily) / 4)
    assert chance(Rate.parse("1/30 windows"), Windowing.parse("1000 rows")) == pytest.approx(1 / 30)


def test_a_promise_shared_among_groups_is_the_same_promise() -> None:
    for text in ("1/month", "2/year", "1/30 windows"):
        rate = Rate.parse(text)
        part = Rate.parse(rate.shared(7))
        assert part.count * 7 == pytest.approx(rate.count)
        assert (part.seconds, part.windows) == (rate.seconds, rate.windows)


def test_a_promise_that_means_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="would mean nothing"):
        chance(Rate.parse("1/day"), Windowing.parse("daily"))
    with pytest.raises(ValueError, match="1/30 windows"):
        chance(Rate.parse("1/month"), Windowing.parse("1000 rows"))


@pytest.mark.parametrize("text", ["never", "0/month", "1/fortnight", "1"])
def test_a_rate_that_is_none_is_told_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"1/month"):
        Rate.parse(text)


def test_a_shift_is_read() -> None:
    assert Detection.parse("0.25sd within 1,000 rows") == Detection(0.25, 1000)
    for text in ("0.25 within 1000 rows", "0sd within 10 rows", "0.25sd", "1sd within 0 rows"):
        with pytest.raises(ValueError, match=r"0\.25sd within 1000 rows"):
            Detection.parse(text)
