"""What is seen of a JSON text before it is decoded."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlforge.serving.access.json_shape import keys_in, none_repeated, repeated_key, too_deep

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='ab"\\[]{}:, \n', max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet='ab"\\:{[', max_size=4), inner, max_size=4),
    max_leaves=20,
)


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


def keys(value: Any) -> int:
    if isinstance(value, dict):
        return len(value) + sum(map(keys, value.values()))
    return sum(map(keys, value)) if isinstance(value, list) else 0


@given(VALUES, st.integers(1, 5), st.booleans())
def test_depth_is_told_exactly_whatever_strings_hold(value: Any, limit: int, spaced: bool) -> None:
    body = json.dumps(value, indent=1 if spaced else None).encode()
    assert too_deep(body, limit) == (depth(value) > limit)


@given(VALUES)
def test_no_key_is_told_twice_where_none_is(value: Any) -> None:
    assert repeated_key(json.dumps(value).encode(), keys(value)) is None
    assert repeated_key(json.dumps(value).encode(), -1) is None  # the thorough look agrees with the count


@pytest.mark.parametrize(
    ("body", "twice"),
    [
        ('{"a": 1, "a": 2}', "a"),
        ('{"rows": [{"x": 1, "y:": 2}, {"x": 1 , "b" : ":", "b": 2}]}', "b"),
        ('{"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}], "b": 1}', "b"),
        ('{"é\\"": 1, "é\\"": 2}', 'é\\"'),
        ('{"age": 1, "\\u0061ge": 2}', "age"),
        ('{"\\u00e9": 1, "é": 2}', "é"),
    ],
)
def test_a_key_that_an_object_has_twice_is_named(body: str, twice: str) -> None:
    assert repeated_key(body.encode(), keys(json.loads(body))) == twice


@pytest.mark.parametrize("body", [b"[" * 4_000_000, b'[{"a":' * 700_000, b'"' + b'\\"' * 2_000_000, b'"\\' * 2_000_000, b"[]" * 2_000_000, b'"' * 4_000_001])
def test_nasty_bodies_take_linear_time(body: bytes) -> None:
    begun = time.process_time()
    too_deep(body, 32)
    if not body.startswith(b"["):
        repeated_key(body, 0)
    assert time.process_time() - begun < 5


def test_two_hundred_thousand_levels_are_too_deep() -> None:
    assert too_deep(b"[" * 200_000 + b"]" * 200_000, 32)
    assert too_deep(b'{"a":' * 200_000, 32)


@given(VALUES)
def test_the_keys_of_a_decoded_text_are_counted(value: Any) -> None:
    assert keys_in(value) == keys(value)


@given(VALUES, st.booleans())
def test_what_is_certain_without_looking_closely_is_true(value: Any, spaced: bool) -> None:
    body = json.dumps([value, {"a": 1, "b": 2}], separators=(", ", " : " if spaced else ":")).encode()
    twice = body[: body.rindex(b'"b"')] + b'"a"' + body[body.rindex(b'"b"') + 3 :]
    assert not none_repeated(twice, keys_in(json.loads(twice)))
    assert repeated_key(twice, keys_in(json.loads(twice))) == "a"


def test_times_of_day_in_values_cost_no_closer_look() -> None:
    body = b'{"rows":[{"at":"2024-01-01T10:11:12","n":1}]}'
    assert none_repeated(body, 3)
