"""The command of a retraining says in Hydra's grammar what is meant, whatever stands in paths and settings."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from mlforge.recipe.overrides import parse
from mlforge.recipe.spelling import spelled

words = some.text(some.characters(codec="utf-8", exclude_categories=["C"]), max_size=20).filter(lambda word: "${" not in word)


def read(written: str) -> object:
    made = parse([written], ())
    assert not made.problems, (written, made.problems)
    return made.items[0].value.plain()


@settings(deadline=None, max_examples=60)  # the first parse builds the grammar
@given(words)
def test_any_text_is_read_as_it_was(word: str) -> None:
    assert read(spelled("a.b", word)) == word


@pytest.mark.parametrize("word", ["/data/it's here, {or} not/a=b.csv", "back\\slash\\", "\\'", "", " ", "null", "3", "true", "[a, b]", "x'", "#no comment"])
def test_texts_that_look_like_something_else_stay_texts(word: str) -> None:
    assert read(spelled("a.b", word)) == word


def test_settings_of_a_source_are_read_as_they_were() -> None:
    source = {"use": "csv", "path": "/a b/c.csv", "nulls": ["?", "n/a"], "header": True, "skip": 3, "quote": None, "deep": {"x": [1.5, "y"]}}
    assert read(spelled("a.b", source)) == source
