"""Each planted offender of tests/testing/offenders is caught by the clause meant for it, and by no other."""

# ruff: noqa: T201  (how many were caught is part of the answer)

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import pytest

OFFENDERS = Path(__file__).parent / "offenders"
QUICK = (
    "Undescribed",
    "Objecting",
    "Littering",
    "Threading",
    "Telling",
    "Heavy",
    "Shuffling",
    "Losing",
    "Permuting",
    "Transparent",
    "Averaging",
    "Negated",
    "Neighbourly",
    "Inventing",
    "Widening",
    "Idle",
    "Endless",
    "Beyond",
    "Overdrawn",
    "Nominal",
    "Ticking",
    "Repeating",
    "Adrift",
)
"""One for most kinds, for every run; the slow test has them all."""

Clauses = Mapping[str, set[str]]


def judged(folder: Path, *only: str) -> tuple[Clauses, Clauses]:
    """The clauses that failed, and those that were meant to, by offender: the suites are run in a process and a project of their own."""
    shutil.copytree(OFFENDERS, folder / "offenders", ignore=shutil.ignore_patterns("__pycache__"))
    report = folder / "report.xml"
    chosen = [f"suites.py::Test{name}" for name in only] or ["suites.py"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", "pytest.ini", "-p", "no:cacheprovider", "-q", "--tb=no", f"--junitxml={report}", *chosen],
        cwd=folder / "offenders", env={**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}, capture_output=True, text=True, check=False, timeout=1500,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout[-2000:]
    failed: dict[str, set[str]] = defaultdict(set)
    meant: dict[str, set[str]] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        name = case.attrib["classname"].rpartition(".Test")[2]
        for told in case.iter("property"):
            meant[name] = set(told.attrib["value"].split())
        if case.find("failure") is not None or case.find("error") is not None:
            failed[name].add(case.attrib["name"].partition("[")[0])
    return failed, meant


def compared(failed: Clauses, meant: Clauses) -> None:
    wrong = {name: (sorted(failed.get(name, ())), sorted(clauses)) for name, clauses in meant.items() if failed.get(name, set()) != clauses}
    assert not wrong, "\n".join(f"{name}: {found} failed, and {asked} was meant to" for name, (found, asked) in wrong.items())
    print(f"{len(meant)} planted offenders were caught, by {len(set().union(*meant.values()))} clauses")


def test_an_offender_of_each_sort_is_caught_by_the_clause_meant_for_it(tmp_path: Path) -> None:
    failed, meant = judged(tmp_path, *QUICK)
    assert set(meant) == set(QUICK)
    compared(failed, meant)


@pytest.mark.slow
@pytest.mark.timeout(1600)
def test_every_offender_is_caught_by_the_clause_meant_for_it(tmp_path: Path) -> None:
    failed, meant = judged(tmp_path)
    assert len(meant) > 80
    compared(failed, meant)
