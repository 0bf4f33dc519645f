"""Every broken recipe under broken/ is answered at the right place, with the right suggestion, in few lines.

The first comments of each file say what is expected: `where` (the config path), `line` ("any" where it lies in another file), `hint`, `found`, and the
overrides that belong to it. Unless `more` says so, the problem must be the only one.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from mlforge.errors import RecipeError

FILES = sorted((Path(__file__).parent / "broken").glob("*.yaml"))


def expectations(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"^# (where|line|hint|found|override|more): (.*)$", text, re.MULTILINE):
        found.setdefault(key, []).append(value)
    return found


def test_the_corpus_is_large() -> None:
    assert len(FILES) >= 120


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_is_answered_at_its_line_with_its_suggestion(bench: Any, file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    expected = expectations(text)
    bench.write({f"recipes/{file.name}": text})
    with pytest.raises(RecipeError) as caught:
        bench.compose(file.stem, *expected.get("override", ()))
    error = caught.value
    assert error.exit_code == 2
    assert len(str(error).splitlines()) <= 15
    where = expected["where"][0].replace("@file", f"recipes/{file.name}")
    matching = [problem for problem in error.problems if problem.where == where]
    assert matching, str(error)
    problem = matching[0]
    assert len(error.problems) == 1 or "more" in expected, str(error)
    line = expected["line"][0]
    if line == "command line":
        assert str(problem.origin) == line
    elif line != "any":
        assert problem.origin is not None, str(error)
        assert (problem.origin.source, problem.origin.line) == (f"recipes/{file.name}", int(line)), str(error)
    for hint in expected.get("hint", ()):
        assert hint in problem.hint, str(error)
    for found in expected.get("found", ()):
        assert found in problem.found, str(error)
