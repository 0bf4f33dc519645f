"""Which requests are a newcomer's."""

from __future__ import annotations

from mlforge.serving.rollout.routing import chosen, place

KEYS = [f"customer {number}" for number in range(20_000)]


def test_a_share_of_the_keys_is_chosen_and_the_same_ones_each_time() -> None:
    first = {key for key in KEYS if chosen(key, 0.05, "adult 4")}
    assert abs(len(first) / len(KEYS) - 0.05) < 0.006, "four standard deviations"
    assert first == {key for key in KEYS if chosen(key, 0.05, "adult 4")}


def test_who_is_chosen_stays_chosen_as_the_share_rises() -> None:
    assert {key for key in KEYS if chosen(key, 0.05, "x")} < {key for key in KEYS if chosen(key, 0.25, "x")}


def test_another_rollout_chooses_others() -> None:
    first, second = ({key for key in KEYS if chosen(key, 0.1, salt)} for salt in ("adult 4", "adult 5"))
    assert len(first & second) < 0.3 * len(first)


def test_a_place_is_the_same_on_every_machine_and_any_text_has_one() -> None:
    assert place("customer 7", "adult 4") == 0.47743549716414374
    assert 0 <= place("\ud800", "") < 1


def test_requests_without_a_key_are_chosen_by_chance() -> None:
    assert abs(sum(chosen(None, 0.25, "x") for _ in range(20_000)) / 20_000 - 0.25) < 0.02
    assert not any(chosen(None, 0.0, "x") for _ in range(100))
