"""A fit over mapped rows that have more bytes than the process may use, pages of files included."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from mlforge.testing.memory import may_limit, run_limited

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "feeding.py"


@pytest.mark.slow
def test_rows_of_more_bytes_than_the_process_may_use_are_trained_on(tmp_path: Path) -> None:
    if not may_limit():
        pytest.skip("this user may not make a cgroup")
    spec = importlib.util.spec_from_file_location("feeding", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    feeding = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(feeding)
    rows, most = 1_100_000, 1_000_000_000
    feeding.write(tmp_path, rows)
    assert rows * feeding.WIDTH * 4 > most
    command = [sys.executable, str(SCRIPT), "--limit", "0.5", "--workers", "1", "--child", str(tmp_path), "mapped"]  # windows of 62 MB
    done, used = run_limited(command, most)
    assert done.returncode == 0, done.stderr[-2000:]
    assert used <= most
    assert json.loads(done.stdout.splitlines()[-1])["train/rows_per_second"] > 0
