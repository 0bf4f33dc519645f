from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from tests.lifecycle.stages.chain import CALM, people, trained
from tests.lifecycle.stages.job import StageJob, digest

from mlforge.artifact import ROW, Artifact, Bundles, Verdict, frames
from mlforge.builtin.exporters.onnx import Onnx
from mlforge.builtin.gates.baseline import Baseline
from mlforge.builtin.gates.no_regression import NoRegression
from mlforge.builtin.gates.thresholds import Thresholds
from mlforge.builtin.models.linear import Linear
from mlforge.builtin.probes.classification import Classification
from mlforge.builtin.probes.importance import Importance
from mlforge.builtin.probes.regression import Regression
from mlforge.components import Champion
from mlforge.contract import Contract
from mlforge.lifecycle.stages.evaluate import Evaluate
from mlforge.lifecycle.stages.export import Export
from mlforge.lifecycle.stages.gate import Gate
from mlforge.runtime.predictor import Predictor

JUDGES = {
    "exporters": {"onnx": Onnx(), "again": Onnx()},
    "evaluators": {"classification": Classification(resamples=200)},
    "gates": {
        "thresholds": Thresholds.model_validate({"rules": {"auc": {"finding": "test/roc_auc", "min": 0.8}}}),
        "baseline": Baseline(),
        "no_regression": NoRegression(),
    },
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> StageJob:
    """A small model of people, exported in two variants."""
    rows, contract = people()
    return trained(tmp_path_factory.mktemp("people"), rows, contract, trainer=CALM.model_copy(update={"max_epochs": 20}), **JUDGES).run(Export())


def again(exported: StageJob, folder: Path, **changes: object) -> StageJob:
    """The same artifacts before a fresh job, perhaps with a champion."""
    given = {"contract": exported.contract, "sections": exported.sections, "inputs": exported.artifacts, "task": exported.task} | changes
    return StageJob(folder, **given)  # type: ignore[arg-type]


def champion(job: StageJob) -> Champion:
    return Champion("people", 3, job.output("bundles", Bundles))


def test_every_variant_and_the_trivial_model_are_measured_on_the_test_rows(exported: StageJob, tmp_path: Path) -> None:
    job = again(exported, tmp_path).run(Evaluate())
    about = {(finding.subject, finding.variant) for finding in job.findings}
    assert about == {("candidate", "onnx"), ("candidate", "again"), ("baseline", "")}
    auc = job.finding("test/roc_auc", subject="candidate", variant="onnx")
    assert auc.value is not None
    assert auc.value > 0.8
    assert auc.rows == 90
    assert job.finding("test/roc_auc", subject="baseline").value == 0.5
    assert not [finding for finding in job.findings if finding.name.endswith("/gain")]


def test_the_predictions_that_are_kept_are_those_of_the_bundle_that_ships(exported: StageJob, tmp_path: Path) -> None:
    job = again(exported, tmp_path).run(Evaluate())
    kept = pl.read_parquet(job.output("predictions", Artifact).folder / "*.parquet")
    rows = pl.concat(frames(exported.artifacts["table"], exported.artifacts["assignment"], "test"))  # type: ignore[arg-type]
    told = Predictor.open(exported.output("bundles", Bundles).bundle()).predict(rows)
    assert kept[ROW].equals(rows[ROW])
    assert kept.drop(ROW).equals(told)
    accuracy = (told["prediction"] == rows["bought"]).mean()
    assert job.finding("test/accuracy", subject="candidate", variant="onnx").value == pytest.approx(accuracy)


def test_the_trivial_model_gives_every_row_the_training_rows_class_shares(exported: StageJob, tmp_path: Path) -> None:
    from math import log

    job = again(exported, tmp_path).run(Evaluate())
    train, test = (pl.concat(frames(exported.artifacts["table"], exported.artifacts["assignment"], part)) for part in ("train", "test"))  # type: ignore[arg-type]
    share, seen = ((part["bought"] == "yes").mean() for part in (train, test))
    assert job.finding("test/log_loss", subject="baseline").value == pytest.approx(-seen * log(share) - (1 - seen) * log(1 - share))  # type: ignore[operator, arg-type]


def test_the_same_inputs_give_the_same_bytes_and_findings(exported: StageJob, tmp_path: Path) -> None:
    jobs = [again(exported, tmp_path / name).run(Evaluate()) for name in ("one", "two")]
    assert jobs[0].findings == jobs[1].findings
    assert digest(jobs[0].output("predictions", Artifact).folder) == digest(jobs[1].output("predictions", Artifact).folder)


def test_the_champion_is_measured_on_the_same_rows_and_the_gain_is_paired(exported: StageJob, tmp_path: Path) -> None:
    rows, contract = people()
    worse = trained(tmp_path / "worse", rows.with_columns(pl.col("age").shuffle(1)), contract, model=Linear(), exporters={"onnx": Onnx()}).run(Export())
    job = again(exported, tmp_path, champion=champion(worse)).run(Evaluate()).run(Gate())
    mine, theirs = (job.finding("test/log_loss", subject=subject, variant=variant) for subject, variant in (("candidate", "onnx"), ("champion", "")))
    gain = job.finding("test/log_loss/gain", variant="onnx")
    assert gain.value == pytest.approx(theirs.value - mine.value)  # type: ignore[operator]
    assert gain.low is not None
    assert gain.low > 0
    assert job.output("verdict", Verdict).passed
    back = again(worse, tmp_path / "back", champion=champion(exported), sections=exported.sections).run(Evaluate()).run(Gate())
    assert not back.output("verdict", Verdict).passed
    (ruling,) = (ruling for ruling in back.output("verdict", Verdict).json("verdict.json")["rulings"] if ruling["rule"] == "no_regression")
    assert "worse than champion people 3" in ruling["text"]


def test_a_champion_that_cannot_read_the_rows_is_said_and_does_not_pass(exported: StageJob, tmp_path: Path) -> None:
    rows, contract = people()
    more = contract.model_copy(update={"columns": {**contract.columns, "shoe_size": contract.columns["income"]}})
    older = trained(tmp_path / "older", rows.with_columns(shoe_size=pl.col("income")), more, exporters={"onnx": Onnx()}).run(Export())
    job = again(exported, tmp_path, champion=champion(older)).run(Evaluate()).run(Gate())
    gain = job.finding("test/log_loss/gain", variant="onnx")
    assert gain.value is None
    assert "the champion cannot read these rows" in gain.text
    assert "shoe_size" in gain.text
    assert job.finding("test/log_loss", subject="champion").value is None
    assert not job.output("verdict", Verdict).passed


def test_a_champion_of_another_target_is_not_compared(exported: StageJob, tmp_path: Path) -> None:
    rows, contract = people()
    columns = {("sold" if key == "bought" else key): column for key, column in contract.columns.items()}
    other = trained(tmp_path / "other", rows.rename({"bought": "sold"}), Contract(columns=columns), exporters={"onnx": Onnx()}).run(Export())
    job = again(exported, tmp_path, champion=champion(other)).run(Evaluate())
    assert "predicts sold (classes), and this model bought (classes)" in job.finding("test/log_loss/gain", variant="onnx").text


def test_the_verdict_has_a_ruling_for_every_rule_and_the_same_bytes(exported: StageJob, tmp_path: Path) -> None:
    jobs = [again(exported, tmp_path / name).run(Evaluate()).run(Gate()) for name in ("one", "two")]
    folders = [job.output("verdict", Verdict).folder for job in jobs]
    verdict = json.loads((folders[0] / "verdict.json").read_text())
    assert verdict["passed"] is True
    assert [ruling["rule"] for ruling in verdict["rulings"]] == ["thresholds.auc", "baseline", "no_regression"]
    assert verdict["rulings"][2]["text"] == "no champion yet"
    assert digest(folders[0]) == digest(folders[1])
    assert jobs[0].finding("gate/thresholds.auc").value == verdict["rulings"][0]["margin"]


def test_a_gate_that_says_no_is_a_verdict_not_an_exception(exported: StageJob, tmp_path: Path) -> None:
    strict = {"thresholds": Thresholds.model_validate({"rules": {"auc": {"finding": "test/roc_auc", "min": 0.99999}}})}
    job = again(exported, tmp_path, sections=exported.sections | {"gates": strict}).run(Evaluate()).run(Gate())
    assert not job.output("verdict", Verdict).passed
    assert job.finding("gate/thresholds.auc").severity == "critical"


def test_values_are_measured_against_the_training_mean(tmp_path: Path) -> None:
    rows, contract = people()
    columns = {key: column for key, column in contract.columns.items() if key != "income"} | {
        "income": contract.columns["income"].model_copy(update={"role": "target", "nullable": False}),
        "bought": contract.columns["city"],
    }
    sections = {"evaluators": {"regression": Regression(resamples=200)}, "trainer": CALM.model_copy(update={"max_epochs": 60})}
    rows = rows.with_columns(income=pl.col("age") * 1000.0)
    job = trained(tmp_path, rows, Contract(columns=columns), task="regression", **sections).run(Export()).run(Evaluate())
    trivial, model = (job.finding("test/r2", subject=subject).value for subject in ("baseline", "candidate"))
    assert trivial == pytest.approx(0, abs=0.1)
    assert trivial <= 0
    assert model > 0.5


def test_what_asks_the_model_again_asks_once_however_many_partitions_there_are(exported: StageJob, tmp_path: Path) -> None:
    """Importance deals values out within what it is given: were it asked for each partition, these figures would differ."""
    sections = {**exported.sections, "evaluators": {"importance": Importance(rows=40)}}
    cut = {**exported.artifacts, **{port: _cut(exported.artifacts[port], tmp_path / port) for port in ("table", "assignment")}}
    whole = again(exported, tmp_path / "whole", sections=sections).run(Evaluate())
    parted = again(exported, tmp_path / "parted", sections=sections, inputs=cut).run(Evaluate())
    assert len(cut["table"].partitions()) == 3  # type: ignore[attr-defined]
    assert whole.findings
    assert all(finding.rows == 40 for finding in whole.findings)
    assert whole.findings == parted.findings


def _cut(artifact: Artifact, folder: Path) -> Artifact:
    """The same with its rows in three partitions."""
    shutil.copytree(artifact.folder, folder)
    (only,) = folder.glob("part-*.parquet")
    only.chmod(0o600)
    folder.chmod(0o700)
    rows = pl.read_parquet(only)
    only.unlink()
    for number, (start, stop) in enumerate(((0, 150), (150, 151), (151, rows.height))):
        rows[start:stop].write_parquet(folder / f"part-{number:05}.parquet")
    return type(artifact)(folder)
