from __future__ import annotations

import math

import pytest

from mlforge.recipe.yaml import MOST, Parsed, parse


def value(text: str) -> object:
    return parse(f"key: {text}", "x.yaml").root.items["key"].plain()


@pytest.mark.parametrize(
    "text", ["no", "on", "yes", "off", "Yes", "N", "y", "2001-12-14", "2001-12-14t21:59:43.10-05:00", "1:30", "12:30:45", "0b11", "1_000", "0x", "=", "1e"]
)
def test_what_only_yaml_1_1_converts_stays_a_string(text: str) -> None:
    assert value(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("1e-4", 1e-4),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("0o17", 15),
        ("017", 17),
        ("0xff", 255),
        ("-3", -3),
        ("+4", 4),
        (".inf", math.inf),
        ("'true'", "true"),
        ('"3"', "3"),
    ],
)
def test_core_schema_scalars(text: str, expected: object) -> None:
    assert value(text) == expected
    assert type(value(text)) is type(expected)


def test_question_marks_inside_braces_are_text() -> None:
    assert value("{path: ???, other: [a?b, ?x]}") == {"path": "???", "other": ["a?b", "?x"]}


def test_keys_are_texts_whatever_they_look_like() -> None:
    assert parse("on: 1\n2: 2\ntrue: 3", "x.yaml").root.plain() == {"on": 1, "2": 2, "true": 3}


def test_every_node_knows_its_line_and_column() -> None:
    root = parse("a: 1\nb:\n  - x\n  - {c: 3}\n", "x.yaml").root
    leaf = root.find(("b", "1", "c"))
    assert leaf is not None
    assert (str(leaf.origin), str(leaf.key)) == ("x.yaml:4:9", "x.yaml:4:6")


@pytest.mark.parametrize(
    ("text", "line", "found"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "given twice, first in line 1"),
        ("a: {b: 1,\n  b: 2}\n", 2, "given twice"),
        ("a: 1\nb: [1, 2\n", 3, "does not parse"),
        ("a: 1\n\tb: 2\n", 2, "does not parse"),
        ("a: b: c\n", 1, "does not parse"),
        ("a: 1\n---\nb: 2\n", 3, "second YAML document"),
        ("- a\n- b\n", 1, "not a map"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", 3, "merge keys"),
        ("a: !!python/object/apply:os.system [ls]\n", 1, "tags"),
        ("a: !include x.yaml\n", 1, "tags"),
        ("a: 1\n# @package _global_\n", 2, "@package"),
        ("a: *nothing\n", 1, "no anchor"),
        ("a: &a [*a]\n", 1, "refers to itself"),
        ("a: \x01\n", 1, "not allowed"),
        ("[a, b]: 1\n", 1, "not a plain word"),
        ("a: " + "[" * 40 + "]" * 40, 1, "nested deeper"),
    ],
)
def test_what_is_wrong_is_found_at_its_line(text: str, line: int, found: str) -> None:
    parsed = parse(text, "x.yaml")
    assert parsed.problems, text
    assert found in parsed.problems[0].found
    assert parsed.problems[0].origin is not None
    assert parsed.problems[0].origin.line == line


def test_aliases_cannot_expand_without_bound() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    parsed: Parsed = parse("\n".join(lines), "x.yaml")
    assert not parsed.whole
    assert f"{MOST:,}" in parsed.problems[-1].found


def test_a_shared_anchor_is_read_at_each_place() -> None:
    root = parse("a: &p {dtype: float}\nb: *p\n", "x.yaml").root
    assert root.plain() == {"a": {"dtype": "float"}, "b": {"dtype": "float"}}
    assert root.items["b"].place.line == 2
