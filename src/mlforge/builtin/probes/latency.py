"""The evaluator of what a prediction costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mlforge.components import Probe
from mlforge.contract import Contract
from mlforge.finding import Finding
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import polars as pl

    from mlforge.task import Task

__all__ = ["Latency"]

_TABLE = "latency"
_WARM = 20  # predictions before the clock runs
_LONGEST = 5.0  # seconds of one measurement
_COLD = 60  # seconds until a fresh process has given up
_FRESH = """
import json, sys, time
began = time.perf_counter()
from pathlib import Path
import polars
from mlforge.runtime.predictor import Predictor
predictor = Predictor.open(Path(sys.argv[1]), threads=1)
predictor.score(polars.read_parquet(sys.argv[2]))
peak = next((int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")), 0) if sys.platform == "linux" else 0
print(json.dumps({"cold": time.perf_counter() - began, "peak": peak}))
"""


class Latency(Probe):
    """What a prediction costs in time and memory, measured on the bundle under the runtime that will serve it.

    `latency/p50` and `latency/p99` of one row, `latency/batch_p50` of `batch` rows, `latency/rows_per_second`, `latency/cold_start` (a fresh process until its
    first answer) and `latency/peak_memory` of that process. One thread, so that what is said holds for one worker of a server.
    """

    libraries: ClassVar[tuple[str, ...]] = ("onnxruntime", "polars")
    asks: ClassVar[bool] = True
    cut: ClassVar[str] = "the first partition's rows are timed"

    calls: int = Field(default=500, ge=20, le=100_000, description="predictions of one row that are timed")
    batch: int = Field(default=100, ge=2, le=100_000, description="rows of a batch")

    def enough(self) -> int:
        """As many as are asked about."""
        return self.batch

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """Times and memory."""
        return (f"latency/{name}" for name in ("p50", "p99", "batch_p50", "rows_per_second", "cold_start", "peak_memory"))

    def summarise(self, window: Window) -> Profile:
        """The measurements, on the first rows."""
        import polars as pl

        if window.bundle is None or window.rows.is_empty():
            return Profile()
        from mlforge.runtime.predictor import Predictor

        predictor = Predictor.open(window.bundle, threads=1)
        rows = window.rows.head(self.batch)
        while rows.height < self.batch:
            rows = pl.concat([rows, rows.head(self.batch - rows.height)])
        single = [rows[at] for at in range(min(self.batch, 50))]
        ones = _timed(lambda at: predictor.score(single[at % len(single)]), self.calls)
        many = _timed(lambda at: predictor.score(rows), max(20, self.calls // 10))
        fresh = _fresh(window.bundle, rows.head(1))
        times = {"p50": _quantile(ones, 0.5), "p99": _quantile(ones, 0.99), "batch_p50": _quantile(many, 0.5)}
        return Profile({_TABLE: pl.DataFrame([times | {"rows_per_second": self.batch / times["batch_p50"], "calls": float(len(ones))} | fresh])})

    def merge(self, one: Profile, other: Profile) -> Profile:
        """The first measurement: it was made once for the whole window."""
        return one if one.tables else other

    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """Each figure; all of them volatile."""
        if _TABLE not in profile.tables:
            return
        told = profile.tables[_TABLE].row(0, named=True)
        about = {
            "p50": ("s", "lower", "half of the predictions of one row take less"),
            "p99": ("s", "lower", "99 of 100 predictions of one row take less"),
            "batch_p50": ("s", "lower", f"half of the predictions of {self.batch} rows take less"),
            "rows_per_second": ("rows/s", "higher", f"rows predicted in a second, {self.batch} at a time, by one thread"),
            "cold": ("s", "lower", "a fresh process, from its first import to its first answer"),
            "peak": ("bytes", "lower", "memory of that process at its most"),
        }
        names = {"cold": "cold_start", "peak": "peak_memory"}
        for key, (unit, better, text) in about.items():
            value = told[key]
            yield Finding(
                name=f"latency/{names.get(key, key)}", value=value or None, unit=unit, better=better, text=text if value else "could not be measured here",
                volatile=True, evidence={"calls": told["calls"]} if key in ("p50", "p99") else {},
            )  # fmt: skip


def _timed(call: Callable[[int], object], calls: int) -> list[float]:
    """Seconds of each call, sorted; fewer calls when they take long."""
    for at in range(_WARM):
        call(at)
    seconds: list[float] = []
    until = time.perf_counter() + _LONGEST
    for at in range(calls):
        began = time.perf_counter()
        call(at)
        ended = time.perf_counter()
        seconds.append(ended - began)
        if ended > until:
            break
    return sorted(seconds)


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _fresh(bundle: Path, row: pl.DataFrame) -> dict[str, float]:
    """A process of its own that opens the bundle and answers once."""
    with tempfile.TemporaryDirectory(prefix="mlforge-") as folder:
        row.write_parquet(Path(folder) / "row.parquet")
        command = [sys.executable, "-P", "-c", _FRESH, str(bundle), str(Path(folder) / "row.parquet")]
        around = {**os.environ, "TMPDIR": folder}  # ONNX Runtime leaves a file there
        try:
            done = subprocess.run(command, env=around, capture_output=True, text=True, timeout=_COLD, check=True)
        except (OSError, subprocess.SubprocessError):
            return {"cold": 0.0, "peak": 0.0}
    told = json.loads(done.stdout)
    return {"cold": float(told["cold"]), "peak": float(told["peak"])}
