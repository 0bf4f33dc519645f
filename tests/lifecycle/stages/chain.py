"""Real rows through the real stages, from a source to bundles."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from tests.lifecycle.stages.job import StageJob

from mlforge.builtin.exporters.onnx import Onnx
from mlforge.builtin.features.categorical import Categorical
from mlforge.builtin.features.numeric import Numeric
from mlforge.builtin.models.mlp import Mlp
from mlforge.builtin.sources.parquet import Parquet
from mlforge.builtin.splits.random import Random
from mlforge.builtin.splits.stratified import Stratified
from mlforge.builtin.trainers.lightning import Lightning
from mlforge.components import Component, Model, Source, Trainer
from mlforge.compress import Compress
from mlforge.contract import Contract
from mlforge.lifecycle.stages.ingest import Ingest
from mlforge.lifecycle.stages.prepare import Prepare
from mlforge.lifecycle.stages.split import Split
from mlforge.lifecycle.stages.train import Train

CALM = Lightning(max_epochs=5, batch_size=64, accelerator="cpu", threads=1)


def prepared(
    folder: Path, rows: pl.DataFrame | Source, contract: Contract, *, task: str = "classification", compress: Compress | None = None, **sections: object
) -> StageJob:
    """A job whose rows are ingested, split and prepared."""
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(rows, pl.DataFrame):
        rows.write_parquet(folder / "rows.parquet")
        rows = Parquet(path=str(folder / "rows.parquet"))
    chosen: dict[str, object] = {
        "source": rows,
        "split": Stratified() if task == "classification" else Random(),
        "features": {"numeric": Numeric(), "categorical": Categorical()},
        "model": Mlp(hidden=(16,)),
        "trainer": CALM,
        "exporters": {"onnx": Onnx()},
    }
    job = StageJob(folder / "stages", contract=contract, sections=chosen | sections, task=task, compress=compress)  # type: ignore[arg-type]
    for stage in (Ingest(), Split(), Prepare()):
        job.run(stage)
    return job


def trained(
    folder: Path, rows: pl.DataFrame | Source, contract: Contract, *, model: Model | None = None, trainer: Trainer | None = None, **more: object
) -> StageJob:
    """A job whose model is fitted too."""
    given: dict[str, Component] = {name: value for name, value in (("model", model), ("trainer", trainer)) if value is not None}
    return prepared(folder, rows, contract, **given, **more).run(Train())  # type: ignore[arg-type]


def people(rows: int = 600) -> tuple[pl.DataFrame, Contract]:
    """Rows of every type that features know, with missing values, and a target that follows from them."""
    import numpy as np

    rng = np.random.default_rng(5)
    age = rng.integers(18, 80, rows)
    income = rng.normal(3e4, 1e4, rows)
    city = rng.choice(["Bern", "Oslo", "Rom"], rows)
    score = (age - 45) / 10 + (city == "Rom") * 2 + rng.normal(0, 0.5, rows)
    frame = pl.DataFrame(
        {
            "age": age,
            "income": pl.Series(income).scatter(range(0, rows, 9), None),
            "member": rng.random(rows) < 0.5,
            "owner": pl.Series(rng.random(rows) < 0.5).scatter(range(0, rows, 7), None),
            "city": pl.Series(city).scatter(range(0, rows, 11), None),
            "bought": np.where(score > 0, "yes", "no"),
        }
    )
    contract = Contract.model_validate(
        {
            "columns": {
                "age": {"dtype": "int"},
                "income": {"dtype": "float", "nullable": True},
                "member": {"dtype": "bool"},
                "owner": {"dtype": "bool", "nullable": True},
                "city": {"dtype": "category", "nullable": True},
                "bought": {"dtype": "category", "role": "target", "positive": "yes"},
            }
        }
    )
    return frame, contract
