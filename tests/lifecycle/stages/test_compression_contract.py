from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
import polars as pl
import pytest
from tests.lifecycle.stages.chain import CALM, people, trained
from tests.lifecycle.stages.job import StageJob

from mlforge.artifact import Bundles, Trained, Verdict
from mlforge.builtin.exporters.onnx import Onnx
from mlforge.builtin.exporters.onnx_fp16 import OnnxFp16
from mlforge.builtin.exporters.onnx_int8 import OnnxInt8
from mlforge.builtin.gates.baseline import Baseline
from mlforge.builtin.models.ft_transformer import FtTransformer
from mlforge.builtin.models.linear import Linear
from mlforge.builtin.models.mlp import Mlp
from mlforge.builtin.models.tabular_resnet import TabularResnet
from mlforge.builtin.probes.classification import Classification
from mlforge.components import Exporter, Shipment
from mlforge.compress import Compress, Measured
from mlforge.contract import Contract
from mlforge.errors import DataError, RunFailed
from mlforge.lifecycle.bundling.compressing import Decision
from mlforge.lifecycle.stages.evaluate import Evaluate
from mlforge.lifecycle.stages.export import Export
from mlforge.lifecycle.stages.gate import Gate
from mlforge.runtime.bundle import enclose
from mlforge.runtime.predictor import Predictor

ALL = {"onnx": Onnx(), "fp16": OnnxFp16(), "int8": OnnxInt8(), "loose": OnnxInt8(mode="dynamic")}


class Blunt(Exporter):
    """A bundle of the right form that says the same of every row."""

    def export(self, shipment: Shipment) -> None:
        from safetensors.torch import load_file, save_file

        changed = shipment.folder.parent.parent / "blunt"
        changed.mkdir()
        weights = load_file(shipment.trained.folder / "weights.safetensors")
        save_file({name: tensor * 0 for name, tensor in weights.items()}, changed / "weights.safetensors")
        Onnx().export(Shipment(**{**vars(shipment), "trained": Trained(changed)}))


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> StageJob:
    """A network that is large enough to gain something, on the rows of people."""
    rows, contract = people(1500)
    return trained(tmp_path_factory.mktemp("fitted"), rows, contract, model=Mlp(hidden=(128, 128)))


@pytest.fixture(scope="module")
def exported(fitted: StageJob, tmp_path_factory: pytest.TempPathFactory) -> StageJob:
    """Every variant, under a contract that the first does not keep."""
    return under(fitted, tmp_path_factory.mktemp("exported"), {"max_drop": 0.05, "max_size": "50 KB"})


def under(job: StageJob, folder: Path, asked: dict[str, object], exporters: dict[str, Exporter] | None = None) -> StageJob:
    """The same fitted model, exported under a contract."""
    sections = job.sections | {
        "exporters": exporters or ALL,
        "evaluators": {"classification": Classification(resamples=200)},
        "gates": {"baseline": Baseline()},
    }
    return StageJob(folder, contract=job.contract, sections=sections, inputs=job.artifacts, compress=Compress.model_validate(asked)).run(Export())


def test_the_smallest_variant_that_keeps_the_contract_ships_and_is_judged(exported: StageJob) -> None:
    job = exported
    bundles = job.output("bundles", Bundles)
    sizes = {name: job.finding("bundle/size", variant=name).value for name in ALL}
    assert bundles.variants == tuple(ALL)
    assert bundles.ships == min(sizes, key=lambda name: sizes[name] or 0)
    assert bundles.ships in ("int8", "loose")
    assert Decision.read(bundles.folder) == Decision(bundles.ships, True)
    told = job.finding("compress/kept")
    assert told.value == 1
    assert told.text.startswith(f"{bundles.ships} ships: drop ")
    assert "onnx does not:" in told.text
    job.run(Evaluate()).run(Gate())
    ruling = next(one for one in job.output("verdict", Verdict).json("verdict.json")["rulings"] if one["rule"] == "compress")
    assert ruling["passed"] is True
    assert {finding.variant for finding in job.findings if finding.name == "test/accuracy" and finding.subject == "candidate"} == set(ALL)


def test_sizes_are_a_half_and_a_quarter_and_classes_stay(exported: StageJob) -> None:
    job = exported
    graphs = {name: (job.output("bundles", Bundles).bundle(name) / "model.onnx").stat().st_size for name in ALL}
    assert graphs["fp16"] < 0.65 * graphs["onnx"]
    assert graphs["int8"] < 0.45 * graphs["onnx"]
    assert job.finding("parity/agreement", variant="fp16").value == 1
    assert job.finding("parity/max_difference", variant="fp16").value < 1e-3
    assert job.finding("parity/agreement", variant="int8").value > 0.95
    assert job.finding("parity/mean_difference", variant="int8").value < 0.02
    assert abs(job.finding("compress/drop", variant="int8").value) < 0.05
    assert job.finding("compress/drop", variant="onnx").value == 0


def test_a_variant_that_is_not_as_fast_as_asked_is_refused_with_the_figures(fitted: StageJob, tmp_path: Path) -> None:
    job = under(fitted, tmp_path, {"max_drop": 0.05, "min_speedup": 50}, {"onnx": Onnx(), "int8": OnnxInt8()})
    assert Decision.read(job.output("bundles", Bundles).folder) == Decision("onnx", False)
    told = job.finding("compress/kept")
    assert (told.value, told.severity, told.volatile) == (0, "critical", True)
    speedup = job.finding("compress/speedup", variant="int8")
    assert speedup.low is not None
    assert f"int8 {'slower: ' * (speedup.low < 1)}{speedup.low:.2f} times as fast, and 50 is asked" in told.text
    job.run(Evaluate()).run(Gate())
    verdict = job.output("verdict", Verdict)
    ruling = next(one for one in verdict.json("verdict.json")["rulings"] if one["rule"] == "compress")
    assert verdict.refused
    assert (ruling["passed"], ruling["text"]) == (False, "compress/kept is not = 1"), "figures of a clock stay out of what is compared"
    assert "times as fast" in next(finding.text for finding in job.findings if finding.name == "gate/compress")


def test_int8_that_is_smaller_but_slower_is_refused(tmp_path: Path) -> None:
    """Attention over a few columns in whole numbers: more is spent on converting than is won."""
    rows, contract = people()
    job = trained(tmp_path, rows, contract, model=FtTransformer(d_token=64, layers=2), trainer=CALM.model_copy(update={"max_epochs": 1}))
    job = under(job, tmp_path / "asked", {"min_speedup": 1.0, "max_size": "1 GB"}, {"onnx": Onnx(), "int8": OnnxInt8()})
    speedup, sizes = job.finding("compress/speedup", variant="int8"), [job.finding("bundle/size", variant=name).value for name in ("int8", "onnx")]
    assert sizes[0] < sizes[1]
    assert speedup.value < 1
    assert job.output("bundles", Bundles).ships == "onnx"
    assert f"int8 does not: slower: {speedup.low:.2f} times as fast, and 1 is asked" in job.finding("compress/kept").text


def test_a_variant_that_is_not_the_model_is_refused_and_the_others_go_on(fitted: StageJob, tmp_path: Path) -> None:
    job = under(fitted, tmp_path, {"max_size": "1 MB", "max_drop": 1.0, "prefer": "size"}, {"onnx": Onnx(), "blunt": Blunt()})
    assert job.output("bundles", Bundles).ships == "onnx"
    assert "blunt does not: the bundle differs from the trained model by" in job.finding("compress/kept").text
    with pytest.raises(RunFailed, match=r"exporters\.blunt: the bundle differs"):
        under(fitted, tmp_path / "first", {"max_drop": 1.0}, {"blunt": Blunt(), "onnx": Onnx()})


@pytest.mark.parametrize(("prefer", "chosen"), [("size", 1), ("speed", 0), ("quality", 2)])
def test_what_is_preferred_decides_between_those_that_keep_it(prefer: Literal["size", "speed", "quality"], chosen: int) -> None:
    measured = [Measured(0.1, 3.0, 500), Measured(0.05, 2.0, 300), Measured(0.0, 1.0, 900)]
    assert min(measured, key=Compress(max_drop=0.2, prefer=prefer).rank) is measured[chosen]


def test_int8_takes_its_ranges_from_enough_training_rows(tmp_path: Path) -> None:
    rows, contract = people(40)
    job = trained(tmp_path, rows, contract, exporters={"int8": OnnxInt8()})
    with pytest.raises(DataError, match=r"takes the ranges of a network's layers from training rows, and there are \d+; 32 are the fewest"):
        job.run(Export())


def test_a_row_is_answered_alike_by_static_int8_whatever_stands_beside_it(exported: StageJob) -> None:
    rows, _ = people(50)
    wild = rows.with_columns(income=pl.when(pl.int_range(pl.len()) == 49).then(1e9).otherwise("income"))
    differences = {}
    for name in ("int8", "loose"):
        model = Predictor.open(exported.output("bundles", Bundles).bundle(name))
        calm, beside = (model.predict(frame)["probability_1"].to_numpy()[:49] for frame in (rows, wild))
        differences[name] = float(np.abs(calm - beside).max())
    assert differences["int8"] < 1e-6
    assert differences["loose"] > 0.01, "the dynamic one is documented to let rows depend on each other"


@pytest.mark.parametrize("name", list(ALL))
def test_every_variant_is_of_the_pinned_opset_and_format(exported: StageJob, name: str) -> None:
    model = onnx.load(exported.output("bundles", Bundles).bundle(name) / "model.onnx")
    assert ({entry.domain: entry.version for entry in model.opset_import}, model.ir_version) == ({"": 18, "ai.onnx.ml": 4}, 10)
    assert not model.functions


def test_a_regression_drops_in_share_of_explained_variance(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=900)
    rows = pl.DataFrame({"x": x, "y": 500 + 30 * x + rng.normal(0, 3, 900)})
    contract = Contract.model_validate({"columns": {"x": {"dtype": "float"}, "y": {"dtype": "float", "role": "target"}}})
    exporters = {"onnx": Onnx(), "int8": OnnxInt8()}
    asked = Compress(max_drop=0.05)
    model = Mlp(hidden=(32,))
    job = trained(tmp_path, rows, contract, task="regression", model=model, exporters=exporters, compress=asked).run(Export())
    told = job.finding("compress/drop", variant="int8")
    one, other = (Predictor.open(job.output("bundles", Bundles).bundle(name)).predict(pl.DataFrame({"x": [0.0]}))["prediction"][0] for name in exporters)
    assert told.text == "R² that int8 loses against onnx on the validation rows"
    assert 0 < abs(told.value) < 0.05
    assert other == pytest.approx(one, abs=5)


def test_no_figure_of_a_clock_is_in_the_decision_that_is_kept(fitted: StageJob, tmp_path: Path) -> None:
    asked: dict[str, object] = {"max_drop": 0.05, "max_size": "50 KB"}
    jobs = [under(fitted, tmp_path / name, asked, {"int8": OnnxInt8()}) for name in ("one", "other")]
    first, second = ((job.output("bundles", Bundles).folder / "decision.json").read_bytes() for job in jobs)
    assert first == second
    assert set(json.loads(first)["variants"]["int8"]) == {"broken", "drop", "size"}


@pytest.mark.parametrize("mode", [pytest.param("static", marks=pytest.mark.slow), "dynamic"])
def test_products_with_stacks_of_matrices_are_run_in_int8_too(tmp_path: Path, mode: Literal["static", "dynamic"]) -> None:
    """A residual network with waves has a matrix for each number."""
    rows, contract = people()
    model, trainer = TabularResnet(blocks=1, d=16, waves=8), CALM.model_copy(update={"max_epochs": 1})
    job = trained(tmp_path, rows, contract, model=model, trainer=trainer, exporters={"int8": OnnxInt8(mode=mode)}).run(Export())
    assert job.finding("parity/mean_difference").value < 0.05


class Unrunnable(Exporter):
    """A graph that opens, and fails with every row."""

    def export(self, shipment: Shipment) -> None:
        Onnx().export(shipment)
        model = onnx.load(shipment.folder / "model.onnx")
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([3, 7]), "wrong"))
        model.graph.node.append(onnx.helper.make_node("Reshape", ["probability", "wrong"], ["shaped"]))
        model.graph.output.append(onnx.helper.make_tensor_value_info("shaped", 1, [3, 7]))
        enclose(shipment.folder, "model.onnx", model.SerializeToString())


def test_a_bundle_that_the_runtime_cannot_run_is_told_in_a_sentence(tmp_path: Path) -> None:
    rows, contract = people()
    job = trained(tmp_path, rows, contract, model=Linear(), trainer=CALM.model_copy(update={"max_epochs": 1}), exporters={"odd": Unrunnable()})
    with pytest.raises(RunFailed, match=r"exporters\.odd: onnxruntime cannot run the bundle: "):
        job.run(Export())


class Nothing(Exporter):
    """A network whose scores are no numbers."""

    def export(self, shipment: Shipment) -> None:
        from safetensors.torch import load_file, save_file

        changed = shipment.folder.parent.parent / "nothing"
        changed.mkdir()
        weights = load_file(shipment.trained.folder / "weights.safetensors")
        save_file({name: tensor * float("nan") for name, tensor in weights.items()}, changed / "weights.safetensors")
        Onnx().export(Shipment(**{**vars(shipment), "trained": Trained(changed)}))


def test_a_variant_that_says_no_numbers_is_refused_and_written_down(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    contract = Contract.model_validate({"columns": {"x": {"dtype": "float"}, "y": {"dtype": "float", "role": "target"}}})
    exporters, asked = {"onnx": Onnx(), "nothing": Nothing()}, Compress(max_size=10**9, prefer="size")
    rows = pl.DataFrame({"x": x, "y": x + rng.normal(0, 0.1, 300)})
    job = trained(tmp_path, rows, contract, task="regression", model=Mlp(hidden=(4,)), exporters=exporters, compress=asked).run(Export())
    bundles = job.output("bundles", Bundles)
    assert bundles.ships == "onnx"
    assert bundles.json("decision.json")["variants"]["nothing"] == {
        "broken": ["parity"], "drop": None, "size": job.finding("bundle/size", variant="nothing").value
    }  # fmt: skip
    assert job.finding("compress/drop", variant="nothing").value is None
