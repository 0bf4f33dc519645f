"""Drift over a hundred million rows, as somebody runs it: `mlforge monitor` over parquet files, its time and its memory.

    python benchmarks/drift_stream.py [PARTITIONS [ROWS]]        (100 files of 1,000,000 rows with 20 columns: 5 GB below TMPDIR, deleted afterwards)

A model is made first of 40,000 rows, with the monitor `drift`; then files are made, one column of which has moved by 0.1 sd. Told are the rows, the wall and
processor time of the command, and its largest resident memory as the kernel counts it; the files are read from disk as they come.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

COLUMNS, TRAINING = 20, 40_000
RECIPE = """
mlforge: 1
defaults: [lifecycle, {{source: csv}}, {{split: random}}, {{model: linear}}, {{trainer: lightning}}, {{exporters: [onnx]}},
           {{evaluators: [classification]}}, {{gates: [thresholds]}}, {{monitors: [drift]}}, _self_]
name: wide
source: {{path: train.csv}}
contract:
  columns:
{columns}
    y: {{dtype: category, role: target, positive: "yes"}}
trainer: {{max_epochs: 2}}
gates: {{thresholds: {{rules: {{auc: {{finding: test/roc_auc, min: 0.5}}}}}}}}
"""


def born(root: Path) -> None:
    """A project with a model."""
    random = np.random.default_rng(0)
    names = [f"x{place}" for place in range(COLUMNS)]
    frame = pl.DataFrame({name: random.standard_normal(TRAINING).round(2) for name in names})
    yes = (frame["x0"] + frame["x1"] / 2 + random.logistic(size=TRAINING) > 0).to_numpy()
    frame.with_columns(pl.Series("y", np.where(yes, "yes", "no"))).write_csv(root / "train.csv")
    (root / "recipes").mkdir()
    (root / "recipes" / "wide.yaml").write_text(RECIPE.format(columns="\n".join(f"    {name}: {{dtype: float}}" for name in names)), encoding="utf-8")
    (root / "mlforge.toml").touch()
    said = subprocess.run([*MLFORGE, "run", "wide"], cwd=root, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr


def made(root: Path, partitions: int, rows: int) -> int:
    """Files of rows; their size in bytes."""
    random = np.random.default_rng(1)
    (root / "live").mkdir()
    for nth in range(partitions):
        frame = pl.DataFrame({f"x{place}": (random.standard_normal(rows, dtype=np.float32) * 100).round() / np.float32(100) for place in range(COLUMNS)})
        frame.with_columns(pl.col("x3") + np.float32(0.1)).write_parquet(root / "live" / f"{nth:04}.parquet", compression_level=1, statistics=False)
    return sum(file.stat().st_size for file in (root / "live").iterdir())


def looked_at(root: Path, source: str) -> tuple[dict, float, float, float]:
    """What `mlforge monitor` says of the files, wall and processor seconds, and MiB."""
    began = time.perf_counter()
    command = [*MLFORGE, "monitor", "wide", "--source", source, "--forget", "--json"]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, said[-500:]
    return json.loads(said)[0], time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    partitions, rows = (int(sys.argv[place]) if len(sys.argv) > place else default for place, default in ((1, 100), (2, 1_000_000)))
    with tempfile.TemporaryDirectory(prefix="mlforge-drift-") as home:
        root = Path(home)
        born(root)
        size = made(root, partitions, rows)
        print(f"{partitions} files of {rows:,} rows × {COLUMNS} columns, {size / 2**30:.2f} GiB\n\n{'rows':>12}{'wall s':>9}{'CPU s':>9}{'MiB':>7}  drifted")
        kept = True
        for source in ("live/0000.parquet", "live/*.parquet"):
            window, wall, cpu, memory = looked_at(root, source)
            told = {one["name"].removeprefix("live/"): one for one in window["findings"]["drift"]}
            print(f"{window['rows']:>12,}{wall:>9.1f}{cpu:>9.1f}{memory:>7.0f}  {', '.join(told['drift/columns']['evidence']['columns'])}", flush=True)
            kept &= memory <= 1024 and told["drift/columns"]["value"] == 1
    raise SystemExit(0 if kept else 1)


MLFORGE = [sys.executable, "-m", "mlforge"]

if __name__ == "__main__":
    main()
