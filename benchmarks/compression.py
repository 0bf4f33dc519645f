"""What smaller variants of three shipped recipes weigh, take and lose: float32, float16, int8 static and dynamic, and a pruned network.

`python benchmarks/compression.py [FOLDER]`: figures of one thread of onnxruntime on this CPU, the graph alone; speedups are medians of paired rounds, with
their 95 % interval. What a variant loses in accuracy is measured on the validation rows, beside float32 on the same rows.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from adult import TRAIN
from startup import MLFORGE

from mlforge.artifact import Bundles
from mlforge.explaining.background import FILE
from mlforge.finding import Finding
from mlforge.lifecycle.bundling.racing import race
from mlforge.store import Store

RECIPE = """
mlforge: 1
defaults:
  - {recipe}
  - override exporters: [onnx, onnx_fp16, onnx_int8, onnx_int8_dynamic]
  - _self_
name: {name}
trainer: {trainer}
compress: {{max_drop: 0.01}}
"""
RECIPES = {"digits": (), "adult": (f"source.path={TRAIN}",), "adult_resnet": (f"source.path={TRAIN}",)}
PRUNED = "{prune: {share: 0.75}}"
ROWS = (1, 100)


@dataclass
class Row:
    """One variant of one recipe."""

    name: str
    size: float
    drop: Finding
    agreement: float
    paces: tuple[str, ...]
    ships: bool


def main(folder: Path) -> None:
    (folder / "mlforge.toml").write_text("")
    columns = "".join(f"{f'{rows} row' + 's' * (rows > 1):>30}" for rows in ROWS)
    print(f"{'':<40}{'graph':>9}{'drop in accuracy':>28}{'same class':>12}{columns}")
    for recipe, overrides in RECIPES.items():
        for name, trainer in ((f"{recipe}_small", "{}"), (f"{recipe}_pruned", PRUNED)):
            (folder / "recipes").mkdir(exist_ok=True)
            (folder / "recipes" / f"{name}.yaml").write_text(RECIPE.format(recipe=recipe, name=name, trainer=trainer))
            done = subprocess.run([MLFORGE, "run", name, *overrides], cwd=folder, capture_output=True, text=True, check=False)
            assert done.returncode in (0, 4), done.stdout + done.stderr
            for row in measured(folder, name):
                told = f"{row.drop.value:.4f} [{row.drop.low:.4f}, {row.drop.high:.4f}]"
                paces = "".join(f"{pace:>30}" for pace in row.paces)
                print(f"{name + ' ' + row.name:<38}{'→' if row.ships else ' ':<2}{row.size / 1000:>6.0f} KB{told:>28}{row.agreement:>12.4f}{paces}", flush=True)


def measured(folder: Path, name: str) -> list[Row]:
    with Store.open(None, folder / ".mlforge") as store:
        (run,) = store.records.runs(name, limit=1)
        stage = next(stage for stage in run.stages if stage.name == "export")
        found = {(one.name, one.variant): one for one in store.records.findings(stage.key)}
        bundles = Bundles(store.artifacts.path(stage.outputs["bundles"]))
        races = {rows: race({one: bundles.bundle(one) for one in bundles.variants}, request(bundles, rows), 1) for rows in ROWS}
        return [
            Row(
                variant,
                (bundles.bundle(variant) / "model.onnx").stat().st_size,
                found["compress/drop", variant],
                found["parity/agreement", variant].value or 0.0,
                tuple(f"{1e6 * (pace := races[rows][variant]).seconds:.0f} µs  ×{pace.speedup:.2f} [{pace.low:.2f}, {pace.high:.2f}]" for rows in ROWS),
                variant == bundles.ships,
            )
            for variant in bundles.variants
        ]


def request(bundles: Bundles, rows: int) -> pl.DataFrame:
    """Rows that are made up from what the bundle knows of the training rows."""
    columns = json.loads((bundles.bundle() / FILE).read_bytes())["columns"]
    return pl.DataFrame({key: [values[(row * 7) % len(values)] for row in range(rows)] for key, values in columns.items()}, strict=False)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as name:
            main(Path(name))
