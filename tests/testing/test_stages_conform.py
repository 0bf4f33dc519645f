"""The lifecycle's own stages keep their contract: each is run on what the stages before it have made of the sample's rows."""

from __future__ import annotations

import shutil
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp
from typing import ClassVar

import pytest

from mlforge.builtin.exporters.onnx import Onnx
from mlforge.builtin.features.categorical import Categorical
from mlforge.builtin.features.numeric import Numeric
from mlforge.builtin.gates.baseline import Baseline
from mlforge.builtin.models.linear import Linear
from mlforge.builtin.monitors.data_quality import DataQuality
from mlforge.builtin.monitors.drift import Drift
from mlforge.builtin.probes.classification import Classification
from mlforge.builtin.probes.missing import Missing
from mlforge.builtin.sources.parquet import Parquet
from mlforge.builtin.splits.random import Random
from mlforge.builtin.trainers.lightning import Lightning
from mlforge.components import Stage
from mlforge.contract import Contract
from mlforge.lifecycle.stages.calibrate import Calibrate
from mlforge.lifecycle.stages.evaluate import Evaluate
from mlforge.lifecycle.stages.export import Export
from mlforge.lifecycle.stages.gate import Gate
from mlforge.lifecycle.stages.ingest import Ingest
from mlforge.lifecycle.stages.inspect import Inspect
from mlforge.lifecycle.stages.prepare import Prepare
from mlforge.lifecycle.stages.register import Register
from mlforge.lifecycle.stages.split import Split
from mlforge.lifecycle.stages.train import Train
from mlforge.lifecycle.stages.tune import Tune
from mlforge.testing import ComponentContract, StageContract
from mlforge.testing.job import StageJob
from mlforge.testing.samples import people

ORDER: tuple[Stage, ...] = (Ingest(), Split(), Inspect(), Prepare(), Train(), Export(), Evaluate(), Calibrate(), Gate())
COLUMNS = {
    "age": {"dtype": "int"},
    "income": {"dtype": "float", "nullable": True},
    "city": {"dtype": "category", "nullable": True, "unseen": "unknown"},
    "bought": {"dtype": "category", "role": "target", "positive": "yes"},
}
CONTRACT = Contract.model_validate({"columns": COLUMNS})


@lru_cache
def source() -> Path:
    folder = Path(mkdtemp(prefix="mlforge-stages-"))
    people(400).select(*COLUMNS).write_parquet(folder / "rows.parquet")
    return folder / "rows.parquet"


@pytest.fixture(scope="module", autouse=True)
def cleared():
    yield
    shutil.rmtree(source().parent)
    for folder in {job.folder for job in made.values()}:
        shutil.rmtree(folder, ignore_errors=True)
    made.clear()
    source.cache_clear()


made: dict[str, StageJob] = {}


def job(folder: Path) -> StageJob:
    sections = {
        "source": Parquet(path=str(source())),
        "split": Random(),
        "checks": {"missing": Missing()},
        "features": {"numeric": Numeric(), "categorical": Categorical()},
        "model": Linear(),
        "trainer": Lightning(max_epochs=2, accelerator="cpu", threads=1),
        "exporters": {"onnx": Onnx()},
        "evaluators": {"classification": Classification(resamples=200)},
        "monitors": {"drift": Drift(), "quality": DataQuality()},
        "gates": {"baseline": Baseline()},
    }
    return StageJob(folder, contract=CONTRACT, sections=sections)


class OfTheLifecycle(StageContract):
    component: ClassVar[Stage]

    def before(self, folder: Path) -> StageJob:
        """All stages before it are run once for the whole module."""
        whole = made.get("all")
        if whole is None:
            whole = made["all"] = job(Path(mkdtemp(prefix="mlforge-stages-")))
            for stage in ORDER:
                whole.run(stage)
        fresh = job(folder)
        fresh.artifacts.update({port: whole.artifacts[port] for port in self.component.inputs})
        if self.component.gathers:
            fresh._earlier = list(whole.findings)
        return fresh


class TestIngest(OfTheLifecycle):
    component = Ingest()


class TestSplit(OfTheLifecycle):
    component = Split()


class TestInspect(OfTheLifecycle):
    component = Inspect()


class TestPrepare(OfTheLifecycle):
    component = Prepare()


class TestTrain(OfTheLifecycle):
    component = Train()


class TestExport(OfTheLifecycle):
    component = Export()


class TestEvaluate(OfTheLifecycle):
    component = Evaluate()


class TestCalibrate(OfTheLifecycle):
    component = Calibrate()


class TestGate(OfTheLifecycle):
    component = Gate()


class TestRegister(ComponentContract[Register]):
    """An effect is carried out by the engine, on a store: tests/lifecycle has what it does there."""

    kind = Stage
    component = Register()


class TestTune(ComponentContract[Tune]):
    """It composes other recipes, which only the engine lets it: tests/lifecycle/sweep has what it does there."""

    kind = Stage
    component = Tune()
