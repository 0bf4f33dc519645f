"""Whoever asks a registered model goes through the store's `vouched`, which verifies; a new verb that opens the artifact by itself would verify nothing."""

from __future__ import annotations

import re
from pathlib import Path

import mlforge

SOURCE = Path(mlforge.__file__).parent
OPENS = re.compile(r"artifacts\.path\(\w+(\.\w+)?\.bundle\b")
ONLY_NAMES_IT = {"store/store.py"}
"""It tells where a bundle lies, and opens nothing."""
OF_THEIR_OWN = {"serving/drill/scene.py", "lifecycle/plan.py", "lifecycle/reproduce.py"}
"""A drill's own copies; and the champion, as stages compare a candidate with it, whose digest is part of their key."""


def test_no_module_but_those_that_are_known_takes_another_way() -> None:
    files = sorted(path for path in SOURCE.rglob("*.py"))
    found = {path.relative_to(SOURCE).as_posix() for path in files if OPENS.search(path.read_text(encoding="utf-8"))}
    assert len(files) > 700
    assert found - {"store/vouched.py"} == ONLY_NAMES_IT | OF_THEIR_OWN
