"""A run as its page shows it: real findings of a made-up model."""

from __future__ import annotations

import numpy as np
from tests.builtin.probes.windows import classes_window, findings_of

from mlforge.builtin.gates.baseline import Baseline
from mlforge.builtin.gates.no_regression import NoRegression
from mlforge.builtin.gates.thresholds import Thresholds
from mlforge.builtin.probes.classification import Classification
from mlforge.finding import Finding
from mlforge.lifecycle.stages.gate import Recorded
from mlforge.report.view import RunView, StageView
from mlforge.task import TASKS


def evaluated(rows: int = 400) -> list[Finding]:
    """A candidate, a champion that is a little worse, and a trivial model."""
    draw = np.random.default_rng(1)
    target = draw.integers(0, 2, rows)
    score = 1 / (1 + np.exp(-(draw.normal(size=rows) + 3 * target - 1.5)))
    champion = 1 / (1 + np.exp(-(draw.normal(size=rows) * 1.3 + 2 * target - 1)))
    probe = Classification(resamples=200)
    about = [
        ("candidate", "onnx", findings_of(probe, classes_window(target, score), classes_window(target, champion))),
        ("champion", "", findings_of(probe, classes_window(target, champion))),
        ("baseline", "", findings_of(probe, classes_window(target, np.full(rows, 0.45)))),
    ]
    return [f.model_copy(update={"name": f"test/{f.name}", "subject": s, "variant": v}) for s, v, found in about for f in found.values()]


def view(minimum: float = 0.85, champion: str | None = "adult 3") -> RunView:
    """The page's content; a `minimum` near 1 is refused."""
    findings = evaluated()
    evidence, task = Recorded(findings, "onnx", champion), TASKS["classification"]
    rule = Thresholds.model_validate({"rules": {"auc": {"finding": "test/roc_auc", "min": minimum}}})
    gates = {"thresholds": rule, "baseline": Baseline(), "no_regression": NoRegression()}
    rulings = tuple(ruling for entry, gate in gates.items() for ruling in gate.judge(entry, evidence, task))
    passed = all(ruling.passed for ruling in rulings)
    data = (Finding(name="data/rows", value=32561, unit="rows", subject="data"), Finding(name="data/rejected", value=37, unit="rows", subject="data"))
    size = (
        Finding(name="bundle/size", value=412_300, unit="bytes", variant="onnx"),
        Finding(name="parity/max_difference", value=1.2e-7, variant="onnx", text="over 4,884 test rows"),
    )
    stages = (
        StageView("ingest", "reuse", None, {"table": "a31f" * 16, "quarantine": "77c0" * 16}, data),
        StageView("split", "reuse", None, {"assignment": "0d9e" * 16}),
        StageView("prepare", "run", 0.31, {"encoding": "51aa" * 16}),
        StageView("train", "run", 191.2, {"trained": "9bd1" * 16}),
        StageView("export", "run", 2.41, {"bundles": "c4f0" * 16}, size),
        StageView("evaluate", "run", 1.02, {"predictions": "be12" * 16}, tuple(findings)),
        StageView("gate", "run", 0.003, {"verdict": "e66b" * 16}),
        StageView("register", "done" if passed else "waiting", 0.02 if passed else None),
    )
    return RunView(
        recipe="adult",
        run="01JD8QK3",
        started="2026-11-20 03:00 UTC",
        description="Predicts whether a person earns more than 50K a year.",
        stages=stages,
        passed=passed,
        rulings=rulings,
        options={"source": "csv", "split": "stratified", "model": "mlp", "trainer": "lightning", "exporters": "onnx", "evaluators": "classification"},
        overrides=("source.path=data/adult.csv", "trainer.max_epochs=40"),
        source="name: adult\nseed: 1\nmodel:\n  dropout: 0.2\n",
        rows=32561,
        quarantine={"age is above 100": 31, "workclass 'x' is not one of a, b": 6},
        champion=champion or "",
        registered="adult 4, challenger" if passed else "",
        next=("mlforge predict adult --source FILE --sink FILE", "mlforge models adult"),
    )
