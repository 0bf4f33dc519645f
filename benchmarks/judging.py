"""Judging predictions: one pass for classification, calibration, twenty slices and fairness, beside the same numbers written by hand in Polars.

`python benchmarks/judging.py [ROWS [RESAMPLED]]` (10,000,000 and 1,000,000). The second table resamples rows one by one, and as cells; the third renders
the page of a made-up run of the tests.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
from ingest import PEAK
from race import Contender, race

PART = 131_072  # rows of a partition, as ingest writes them
OURS = """
import sys
from pathlib import Path
import polars as pl
from mlforge.builtin.probes.classification import Classification
from mlforge.builtin.probes.fairness import Fairness
from mlforge.builtin.probes.slices import Slices
from mlforge.contract import Contract
from mlforge.task import TASKS, Output
from mlforge.window import Window

category = {"dtype": "category"}
protected, target = {**category, "role": "protected"}, {**category, "role": "target"}
contract = Contract(columns={"sex": protected, "race": protected, "region": category, "label": target})
probes = [Classification(), Slices(columns=("region", "sex*race")), Fairness()]
profiles = [None] * len(probes)
for path in sorted(Path("rows").glob("*.parquet")):
    whole = pl.read_parquet(path)
    rows, said = whole.drop("prediction", "probability_0", "probability_1"), whole.select("prediction", "probability_0", "probability_1")
    window = Window("test", rows, contract, TASKS["classification"], Output("classes", "label", ("no", "yes")), said)
    for place, probe in enumerate(probes):
        profile = probe.summarise(window)
        profiles[place] = profile if profiles[place] is None else probe.merge(profiles[place], profile)
found = [finding for probe, profile in zip(probes, profiles) for finding in probe.findings(profile, None)]
print(len(found), {finding.name: finding.value for finding in found[:10]}, file=sys.stderr)
"""
THEIRS = """
import sys
import polars as pl

rows = pl.scan_parquet("rows/*.parquet").select(
    "sex", "race", "region", true=pl.col("label") == "yes", said=pl.col("prediction") == "yes", p=pl.col("probability_1")
)
loss = -pl.when("true").then(pl.col("p").log()).otherwise((1 - pl.col("p")).log())
rows = rows.with_columns(loss=loss, brier=(pl.col("p") - pl.col("true")) ** 2, right=pl.col("true") == pl.col("said"), bin=(pl.col("p") * 15).ceil())
sums = [pl.len(), pl.col("loss").mean(), pl.col("brier").mean(), pl.col("right").mean(), pl.col("said").mean().alias("selected"),
        (pl.col("true") & pl.col("said")).sum().alias("hits"), pl.col("true").sum().alias("of"), pl.col("said").sum().alias("called")]
queries = [rows.select(sums)] + [rows.group_by(by).agg(sums) for by in (["region"], ["sex"], ["race"], ["sex", "race"])]
bins = [rows.group_by([*by, "bin"]).agg(pl.len(), pl.col("p").mean(), pl.col("true").mean()) for by in ([], ["sex"], ["race"])]
ranked = rows.select("p", "true").sort("p").with_columns(rank=pl.col("p").rank("average"))
auc = ranked.select(ups=pl.col("true").sum(), ranks=pl.col("rank").filter("true").sum(), rows=pl.len())
precision = rows.select("p", "true").sort("p", descending=True).select(((pl.col("true").cum_sum() / pl.int_range(1, pl.len() + 1)).filter("true")).mean())
for frame in pl.collect_all([*queries, *bins, auc, precision]):
    print(frame.shape, file=sys.stderr)
"""
DRAW = """
import numpy as np
from mlforge.builtin.probes.resampling import resamples
from mlforge.builtin.probes.sums import mean
right = (np.random.default_rng(0).random({rows}) < 0.8).astype(float)
drawn = np.concatenate([mean(right, weights) for weights in resamples(np.arange({rows}), 1000)])
assert len(drawn) == 1000
"""
CELLS = """
import numpy as np, polars as pl
from mlforge.builtin.probes.classification import Classification
from mlforge.builtin.probes.exact import EXACT
from mlforge.window import Profile
draw = np.random.default_rng(0)
target = draw.integers(0, 2, {rows})
score = 1 / (1 + np.exp(-(draw.normal(size={rows}) * 2 + target)))
table = pl.DataFrame({{"__row__": np.arange({rows}).astype(np.uint64), "weight": np.ones({rows}), "target": target, "predicted": (score > 0.5).astype(np.int64),
                       "probability_0": 1 - score, "probability_1": score}})
profile = Profile({{EXACT: table, "classes": pl.DataFrame({{"class": ["no", "yes"]}})}}, exact=True)
found = list(Classification(resamples=1000).findings(profile, None))
assert "1000 resamples" in found[0].interval
"""
PAGE = """
from tests.report.views import view
from mlforge.report.page import run_page
assert len(run_page(view())) < 3_000_000
"""


def main(rows: int = 10_000_000, resampled: int = 1_000_000) -> None:
    src = {"PYTHONPATH": f"{Path(__file__).parents[1]}:{Path(__file__).parents[1] / 'src'}"}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder / "rows", rows)
        contenders = [
            Contender("mlforge: classification, slices, fairness", [sys.executable, "-c", OURS + PEAK], cwd=folder, env=src),
            Contender("Polars by hand, without intervals", [sys.executable, "-c", THEIRS + PEAK], cwd=folder),
        ]
        race(f"Evaluation of {rows:,} predictions", contenders, contenders[-1].name, rounds=3, warmup=0)
        draws = [
            Contender("rows one by one, one measure", [sys.executable, "-c", DRAW.format(rows=resampled) + PEAK], cwd=folder, env=src),
            Contender("the evaluator, ten measures, as cells", [sys.executable, "-c", CELLS.format(rows=resampled) + PEAK], cwd=folder, env=src),
        ]
        race(f"1,000 resamples of {resampled:,} rows", draws, draws[0].name, rounds=1, warmup=0)
        page = [Contender("the page of a run, charts and all", [sys.executable, "-c", PAGE + PEAK], cwd=folder, env=src)]
        race("The report", page, page[0].name, rounds=3)


def _write(folder: Path, rows: int) -> None:
    folder.mkdir()
    draw = np.random.default_rng(0)
    for number, start in enumerate(range(0, rows, PART)):
        count = min(PART, rows - start)
        target = draw.random(count) < 0.25
        score = 1 / (1 + np.exp(-(draw.normal(size=count) * 1.5 + 2 * target - 2)))
        named = np.array(["no", "yes"])
        pl.DataFrame(
            {
                "__row__": np.arange(start, start + count).astype(np.uint64), "sex": draw.choice(["F", "M"], count), "race": draw.choice(list("ABCDE"), count),
                "region": draw.choice([f"R{number}" for number in range(10)], count), "label": named[target.astype(int)],
                "prediction": named[(score > 0.5).astype(int)], "probability_0": 1 - score, "probability_1": score,
            }
        ).write_parquet(folder / f"{number:04}.parquet")  # fmt: skip


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
