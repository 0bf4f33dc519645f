"""Profiles of ten mixed columns beside a Polars streaming pass for histograms; then the same checks by Great Expectations and by pandera on pandas.

`python benchmarks/profiles.py [ROWS [FEWER]]` (50,000,000 and 2,000,000, which is what the tables in memory can hold). A histogram pass bins every number in
a hundred bins between its bounds, known beforehand, and counts every other column's values; mlforge's profile knows no bounds and has quantiles, distinct
counts, moments and frequencies. The peers take part where `$PEERS_DIR/ge` has them.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from ingest import PEAK, RECIPE, _write
from peers import PEERS
from race import Contender, race
from startup import MLFORGE

OURS = """
import polars as pl, yaml
from mlforge.contract import Contract
from mlforge.lifecycle.rows.profile import TableProfile
contract = Contract.model_validate(yaml.safe_load(open("rows.yaml"))["contract"])
profile = TableProfile(contract, {})
for frame in pl.scan_parquet("rows.parquet").collect_batches(chunk_size=262_144, maintain_order=True, engine="streaming"):
    profile.add(frame)
profile.write(__import__("pathlib").Path("."))
"""
PASS = """
import polars as pl
table = pl.scan_parquet("rows.parquet")
bounds = {"id": (0, 1e8), "age": (16, 100), "income": (-5e4, 1e5), "score": (0, 1), "when": (15e14, 17e14)}
asked = []
for name, (low, high) in bounds.items():
    binned = ((pl.col(name).cast(pl.Float64) - low) * (100 / (high - low))).clip(0, 99).cast(pl.UInt8)
    asked.append(table.group_by(binned.alias("bin")).len())
for name in ("plan", "city", "member", "y"):
    asked.append(table.group_by(name).len())
asked.append(table.select(pl.all().null_count(), pl.col("email").approx_n_unique().alias("distinct")))
pl.collect_all(asked, engine="streaming")
"""
PANDERA = r"""
import pandas as pd, pandera.pandas as pa
C = pa.Column
schema = pa.DataFrameSchema({
    "id": C(int), "age": C(int, pa.Check.in_range(16, 100)), "income": C(float), "score": C(float, pa.Check.in_range(0, 1)),
    "plan": C(str, pa.Check.isin(["basic", "plus", "pro"])), "email": C(str, pa.Check.str_matches(r".+@.+")), "member": C(bool),
})
frame = pd.read_parquet("rows.parquet")
schema.validate(frame, lazy=True)
frame.to_parquet("out.parquet", compression="zstd")
"""
GREAT = r"""
import great_expectations as gx, great_expectations.expectations as gxe, pandas as pd
frame = pd.read_parquet("rows.parquet")
context = gx.get_context(mode="ephemeral")
asset = context.data_sources.add_pandas("rows").add_dataframe_asset("rows")
batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
suite = gx.ExpectationSuite("rows")
for one in (
    gxe.ExpectColumnValuesToBeBetween(column="age", min_value=16, max_value=100), gxe.ExpectColumnValuesToBeBetween(column="score", min_value=0, max_value=1),
    gxe.ExpectColumnValuesToBeInSet(column="plan", value_set=["basic", "plus", "pro"]), gxe.ExpectColumnValuesToMatchRegex(column="email", regex=r".+@.+"),
    gxe.ExpectColumnValuesToNotBeNull(column="income"), gxe.ExpectColumnValuesToNotBeNull(column="member"), gxe.ExpectColumnValuesToNotBeNull(column="y"),
):
    suite.add_expectation(one)
assert batch.validate(suite).success
frame.to_parquet("out.parquet", compression="zstd")
"""
RUN = "import shutil\nfrom mlforge.cli.entry import run\nshutil.rmtree('.mlforge', ignore_errors=True)\nassert run(['run', 'rows']) == 0\n"


def main(rows: int = 50_000_000, fewer: int = 2_000_000) -> None:
    python = str(Path(MLFORGE).with_name("python"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "recipes").mkdir()
        for path in (folder / "recipes" / "rows.yaml", folder / "rows.yaml"):
            path.write_text(RECIPE)
        _write(folder / "rows.parquet", rows)
        contenders = [
            Contender("mlforge, profiles", [python, "-c", OURS + PEAK], cwd=folder),
            Contender("Polars, histograms", [python, "-c", PASS + PEAK], cwd=folder),
        ]
        race(f"Profiles of {rows:,} rows × 10 columns", contenders, contenders[-1].name, rounds=2)
        _write(folder / "rows.parquet", fewer)
        peer = PEERS / "ge" / "bin" / "python"
        contenders = [Contender("mlforge run, ingest alone", [python, "-c", RUN + PEAK], cwd=folder)]
        if peer.exists():
            contenders += [
                Contender(name, [str(peer), "-c", code + PEAK], cwd=folder) for name, code in (("pandera on pandas", PANDERA), ("Great Expectations", GREAT))
            ]
        race(f"Seven checks of {fewer:,} rows × 10 columns, read and written", contenders, contenders[0].name, rounds=2)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
