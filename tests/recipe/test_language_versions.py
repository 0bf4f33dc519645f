from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlforge.recipe.migrate import VERSION

MUSEUM = sorted((Path(__file__).parent / "museum").glob("*.yaml"))


@pytest.mark.parametrize("file", MUSEUM, ids=[file.stem for file in MUSEUM])
def test_every_recipe_of_the_museum_still_composes_to_the_same(bench: Any, file: Path) -> None:
    bench.write({"recipes/old.yaml": file.read_text(encoding="utf-8")})
    recipe = bench.compose("old")
    assert recipe.plain["mlforge"] == VERSION
    assert list(recipe.contract.columns) == ["x", "y"]
    assert recipe.options["model"] == "linear"


def test_the_museum_has_every_version() -> None:
    assert [file.stem for file in MUSEUM] == [f"version_{version}" for version in range(VERSION + 1)]


def test_what_was_migrated_is_reported_with_its_line(bench: Any) -> None:
    bench.write({"recipes/old.yaml": MUSEUM[0].read_text(encoding="utf-8")})
    assert bench.compose("old").migrations == (
        "recipes/old.yaml:6:1: `schema:` is called `contract:` since version 1",
        "recipes/old.yaml:2:1: version 0 was read as version 1; write `mlforge: 1` when you have made these changes",
    )


def test_a_recipe_of_today_has_nothing_to_migrate(bench: Any) -> None:
    assert bench.compose("small").migrations == ()
