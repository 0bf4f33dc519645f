"""A version of a model with a reference for monitors, made in a moment; and rows to ask it about."""

from __future__ import annotations

import json
import random
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
from mlforge.window import Profile, Window

__all__ = ["asked", "monitors", "watched"]


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


def _reference(folder: Path, bundle: Path, chosen: dict[str, Monitor]) -> None:
    contract = people()
    frame = pl.DataFrame(asked(3000, 99)).rename({"the plan": "plan"}).with_columns(pl.col("since").str.to_datetime(time_unit="us"))
    draw = random.Random(7)
    labels = [CLASSES[draw.random() < probability(row)] for row in frame.iter_rows(named=True)]
    columns = {**contract.columns, "bought": Column(dtype="category", role="target", positive="yes")}
    whole = Contract(columns=columns, nulls=contract.nulls, extra="drop")
    model = Predictor.open(bundle)
    predictions = model.score(frame)
    window = Window("test", frame.with_columns(bought=pl.Series(labels)), whole, TASKS["classification"], model.bundle.output, predictions, model.score, bundle)
    entries = {}
    for name, monitor in chosen.items():
        outline = monitor.summarise(window) if monitor.fitted else None
        profile = monitor.summarise(Window(**{**{at: getattr(window, at) for at in Window.__slots__}, "reference": outline})) if outline else Profile()
        profile = profile if outline else monitor.summarise(window)
        entries[name] = Entry(f"{type(monitor).__module__}:{type(monitor).__qualname__}", monitor.model_dump(mode="json"), profile)
    Reference.write(folder, "classification", whole, entries)


def watched(store: Store, drafts: Path, *, serve: dict[str, Any], alerts: dict[str, Any] | None = None, chosen: dict[str, Monitor] | None = None) -> int:
    """Register the next version of `people`, as a run with monitors leaves it; its number."""
    number = len(store.registry.versions("people")) + 1
    draft, reference = drafts / f"bundle-{number}", drafts / f"reference-{number}"
    make_bundle(draft / "onnx", bias=number / 100)
    (draft / "bundles.json").write_text(json.dumps({"variants": ["onnx"], "ships": "onnx"}))
    reference.mkdir()
    _reference(reference, draft / "onnx", chosen or monitors())
    made = {"bundles": store.artifacts.publish(draft), "reference": store.artifacts.publish(reference)}
    plain = {"serve": {"workers": 2, "threads": 1, **serve}, "alerts": alerts or {}}
    run = store.records.begin_run("people", plain, (), smoke=False)
    for stage, port in (("export", "bundles"), ("calibrate", "reference")):
        store.records.start_stage(f"{stage} {number}", stage, "people", run, {})
        store.records.finish_stage(f"{stage} {number}", run, {port: made[port]}, (), 0.1)
    store.records.end_run(run, "done", 0)
    version, _ = store.registry.register("people", bundle=made["bundles"], verdict="v", run=run)
    return version.version
