"""Fields that name what is read: by their mark, wherever in the annotation it stands."""

from __future__ import annotations

from mlforge.components import Component, InputPath, reads_of


class _Reader(Component):
    path: InputPath = "a"
    maybe: InputPath | None = None
    name: str = "x"


def test_a_field_that_may_be_left_out_is_found_too() -> None:
    assert reads_of(_Reader(maybe="b")) == {"path": "a", "maybe": "b"}
    assert reads_of(_Reader()) == {"path": "a", "maybe": None}
