"""A version of a model with a reference for monitors, made in a moment; and rows to ask it about."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
from tests.serving.bundles import CLASSES, make_bundle, people, probability

from mlforge.builtin.monitors.data_quality import DataQuality
from mlforge.builtin.monitors.drift import Drift
from mlforge.builtin.monitors.estimated_performance import EstimatedPerformance
from mlforge.builtin.monitors.latency import Latency
from mlforge.builtin.monitors.multivariate import Multivariate
from mlforge.builtin.monitors.prediction_drift import PredictionDrift
from mlforge.builtin.monitors.traffic import Traffic
from mlforge.components import Monitor
from mlforge.contract import Column, Contract
from mlforge.reference import Entry, Reference
from mlforge.runtime.predictor import Predictor
from mlforge.store import Store
from mlforge.task import TASKS
from mlforge.window import Window

__all__ = ["Rows", "asked", "monitors", "watched"]


def asked(count: int, seed: int = 0, *, older: int = 0) -> list[dict[str, Any]]:
    """Rows of `people`, as a client sends them; older ones have drifted."""
    draw = random.Random(seed)
    return [
        {"age": min(100, max(16, round(draw.gauss(40, 10)) + older)), "income": draw.gauss(0, 1), "member": draw.random() < 0.5,
         "city": draw.choice(["Bern", "Rom", "Paris"]), "the plan": draw.choice(["basic", "plus"]), "since": "2024-02-03T04:05:06"}
        for _ in range(count)
    ]  # fmt: skip


def monitors(windows: str = "2s") -> dict[str, Monitor]:
    """One of each kind that sees what a request log has."""
    often = {"windows": windows, "false_alarms": "1/30 windows"}
    return {
        "drift": Drift(**often), "prediction_drift": PredictionDrift(**often), "multivariate": Multivariate(**often), "data_quality": DataQuality(**often),
        "estimated_performance": EstimatedPerformance(**often), "latency": Latency(**often), "traffic": Traffic(windows=windows),
    }  # fmt: skip


@dataclass(frozen=True)
class Rows:
    """What a model was trained on: typed rows under a contract's keys, and their labels."""

    contract: Contract
    frame: pl.DataFrame
    labels: list[str]

    @classmethod
    def people(cls) -> Rows:
        """As `asked` makes them."""
        frame = pl.DataFrame(asked(3000, 99)).rename({"the plan": "plan"}).with_columns(pl.col("since").str.to_datetime(time_unit="us"))
        draw = random.Random(7)
        return cls(people(), frame, [CLASSES[draw.random() < probability(row)] for row in frame.iter_rows(named=True)])


def _reference(folder: Path, bundle: Path, rows: Rows, chosen: dict[str, Monitor]) -> None:
    columns = {**rows.contract.columns, "bought": Column(dtype="category", role="target", positive="yes")}
    contract, model = rows.contract.model_copy(update={"columns": columns}), Predictor.open(bundle)
    frame, task = rows.frame.with_columns(bought=pl.Series(rows.labels)), TASKS["classification"]
    window = Window("test", frame, contract, task, model.bundle.output, model.score(rows.frame), model.score, bundle)
    entries = {}
    for name, monitor in chosen.items():
        profile = monitor.summarise(window)
        profile = monitor.summarise(replace(window, reference=profile)) if monitor.fitted else profile
        entries[name] = Entry(f"{type(monitor).__module__}:{type(monitor).__qualname__}", monitor.model_dump(mode="json"), profile)
    folder.mkdir()
    Reference.write(folder, "classification", contract, entries)


def watched(
    store: Store, drafts: Path, *, serve: dict[str, Any], alerts: dict[str, Any] | None = None, chosen: dict[str, Monitor] | None = None,
    rows: Rows | None = None,
) -> int:  # fmt: skip
    """Register the next version of `people`, as a run with monitors leaves it; its number."""
    rows = rows or Rows.people()
    number = len(store.registry.versions("people")) + 1
    draft, reference = drafts / f"bundle-{number}", drafts / f"reference-{number}"
    make_bundle(draft / "onnx", rows.contract, bias=number / 100)
    (draft / "bundles.json").write_text(json.dumps({"variants": ["onnx"], "ships": "onnx"}))
    _reference(reference, draft / "onnx", rows, chosen or monitors())
    made = {"bundles": store.artifacts.publish(draft), "reference": store.artifacts.publish(reference)}
    plain = {"serve": {"workers": 2, "threads": 1, **serve}, "alerts": alerts or {}}
    run = store.records.begin_run("people", plain, (), smoke=False)
    for stage, port in (("export", "bundles"), ("calibrate", "reference")):
        store.records.start_stage(f"{stage} {number}", stage, "people", run, {})
        store.records.finish_stage(f"{stage} {number}", run, {port: made[port]}, (), 0.1)
    store.records.end_run(run, "done", 0)
    version, _ = store.registry.register("people", bundle=made["bundles"], verdict="v", run=run)
    return version.version
