"""Ingest of a parquet file of ten mixed columns under seven checks, beside a hand-written Polars streaming pass that checks the same and writes the same.

`python benchmarks/ingest.py ROWS` (2,000,000). Ingest also quarantines with reasons and profiles every column.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
from race import Contender, race
from startup import MLFORGE

RECIPE = """
mlforge: 1
defaults: [lifecycle, source: parquet, _self_]
name: rows
source: {path: rows.parquet}
contract:
  max_rejected: 1%
  columns:
    id:     {dtype: int, role: id}
    age:    {dtype: int, ge: 16, le: 100}
    income: {dtype: float}
    score:  {dtype: float, ge: 0, le: 1}
    plan:   {dtype: category, values: [basic, plus, pro]}
    city:   {dtype: category}
    email:  {dtype: string, role: protected, regex: ".+@.+"}
    member: {dtype: bool}
    when:   {dtype: datetime}
    y:      {dtype: category, role: target}
"""
PASS = r"""
import polars as pl
good = (
    pl.col("age").is_between(16, 100) & pl.col("income").is_finite() & pl.col("score").is_between(0, 1) & pl.col("plan").is_in(["basic", "plus", "pro"])
    & pl.col("email").str.contains(r"\A(?:.+@.+)\z") & ~pl.any_horizontal(pl.all().is_null())
)
pl.scan_parquet("rows.parquet").with_row_index("__row__").filter(good).sink_parquet("out.parquet", compression="zstd", engine="streaming")
"""
PEAK = r"""
import json, re
peak = int(re.search(r"VmHWM:\s+(\d+) kB", open("/proc/self/status").read())[1])  # ru_maxrss would begin with what the parent had
print("BENCH_JSON", json.dumps({"rss_gib": peak / 2**20}))
"""
RUN = "from mlforge.cli.entry import run\nassert run(['run', 'rows']) == 0\n"


def main(rows: int = 2_000_000) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "recipes").mkdir()
        (folder / "recipes" / "rows.yaml").write_text(RECIPE)
        _write(folder / "rows.parquet", rows)
        python = str(Path(MLFORGE).with_name("python"))
        contenders = [
            Contender(
                "mlforge run, ingest alone", [python, "-c", RUN + PEAK], cwd=folder, before=lambda: shutil.rmtree(folder / ".mlforge", ignore_errors=True)
            ),
            Contender("Polars, streaming", [python, "-c", PASS + PEAK], cwd=folder),
        ]
        race(f"Ingest of {rows:,} rows × 10 columns, 7 checks", contenders, contenders[-1].name, rounds=5 if rows <= 5_000_000 else 3)


def _write(path: Path, rows: int) -> None:
    chance = np.random.default_rng(0)
    writer = None
    for start in range(0, rows, 1_000_000):
        frame = _frame(chance, start, min(1_000_000, rows - start)).to_arrow(compat_level=pl.CompatLevel.oldest())
        writer = writer or pq.ParquetWriter(path, frame.schema, compression="zstd")
        writer.write_table(frame)
    assert writer is not None
    writer.close()


def _frame(chance: np.random.Generator, start: int, rows: int) -> pl.DataFrame:
    def pick(values: list[str]) -> pl.Series:
        return pl.Series(values)[pl.Series(chance.integers(0, len(values), rows))]

    return pl.DataFrame(
        {
            "id": np.arange(start, start + rows), "age": chance.integers(16, 101, rows), "income": chance.normal(3e4, 1e4, rows), "score": chance.random(rows),
            "plan": pick(["basic", "plus", "pro"]), "city": pick([f"city {number}" for number in range(500)]),
            "email": pl.select(pl.concat_str(pl.lit("u"), pl.Series(chance.integers(0, 5_000_000, rows)).cast(pl.String), pl.lit("@example.org"))).to_series(),
            "member": chance.random(rows) < 0.5, "when": pl.Series(chance.integers(15 * 10**14, 17 * 10**14, rows)).cast(pl.Datetime("us")),
            "y": pick(["no", "yes"]),
        }
    )  # fmt: skip


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
