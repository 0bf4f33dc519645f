"""The bytes that ingest, split and inspect make do not depend on threads, on the folder, or on chance."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def digests(file: Path, folder: Path, split: str, threads: int) -> str:
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "tests.lifecycle.stages.digests", str(file), str(folder), split]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env={**os.environ, "POLARS_MAX_THREADS": str(threads)})
    assert done.returncode == 0, done.stderr
    assert f"threads {threads}" in done.stderr
    return done.stdout


@pytest.mark.parametrize("split", ["random", "stratified"])
def test_one_thread_and_three_make_the_same_bytes(tmp_path: Path, split: str) -> None:
    file = tmp_path / "data.csv"
    lines = (
        f"{number - (number % 9973 == 5)},{number * 7919 % 2003 / 1000},{'' if number % 11 == 0 else number % 97},{'ab'[number % 3 == 0]}"
        for number in range(150_000)
    )
    file.write_text("key,x,word,y\n" + "\n".join(lines) + "\n")
    one = digests(file, tmp_path / "one", split, 1)
    assert one == digests(file, tmp_path / "elsewhere" / "three", split, 3)
    assert [line.split()[0] for line in one.splitlines()] == ["table", "quarantine", "profile", "assignment", "findings"]
