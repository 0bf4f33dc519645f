from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file
from tests.builtin.trainers.fittings import BLOCKS, CLASSES, VALUE, files, fitting, tensors
from tests.lifecycle.stages.chain import people, prepared, trained
from tests.lifecycle.stages.job import StageJob

from mlforge.artifact import Bundles
from mlforge.builtin.models.ft_transformer import FtTransformer
from mlforge.builtin.models.mlp import Mlp
from mlforge.builtin.models.tabular_resnet import TabularResnet
from mlforge.builtin.neurons import clear, dead, hidden_layers, shrunk
from mlforge.builtin.trainers.distilling import Distil
from mlforge.builtin.trainers.lightning import Lightning
from mlforge.builtin.trainers.pruning import Prune
from mlforge.components import Champion, Model
from mlforge.contract import Contract
from mlforge.errors import RecipeError
from mlforge.lifecycle.stages.export import Export
from mlforge.lifecycle.stages.train import Train

QUICK = Lightning(max_epochs=6, batch_size=64, patience=None, accelerator="cpu", threads=1)


# ── neurons ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("model", [Mlp(hidden=(24, 16)), Mlp(hidden=(24, 16), activation="gelu", dropout=0.1), TabularResnet(blocks=2)])
def test_a_network_without_its_silent_neurons_is_smaller_and_says_the_same(model: Model) -> None:
    torch.manual_seed(0)
    network: Any = model.build(BLOCKS, CLASSES)
    layers = hidden_layers(network, BLOCKS)
    assert len(layers) == 2
    assert network.training, "looking changes nothing"
    weights = dict(network.named_parameters())
    for layer in layers:
        gone = torch.rand(len(dead(network, layer))) < 0.5
        clear(weights, network, layer, gone)
        assert torch.equal(dead(network, layer), gone)
    rows = (torch.randn(9, 3), torch.randint(0, 4, (9, 1)))
    network.eval()
    before, size = network(*rows), sum(one.numel() for one in network.parameters())
    shrunk(network, BLOCKS)
    assert sum(one.numel() for one in network.parameters()) < 0.8 * size
    assert torch.allclose(network(*rows), before, atol=1e-6)


def test_a_network_in_which_nothing_is_silent_stays_as_it_is() -> None:
    network: Any = Mlp(hidden=(8,)).build(BLOCKS, CLASSES)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert all(torch.equal(tensor, before[name]) for name, tensor in shrunk(network, BLOCKS).state_dict().items())


# ── pruning ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_share_that_is_gone_grows_and_stays() -> None:
    prune = Prune(share=0.5, begin=0.2, end=0.6)
    shares = [prune.gone(step, 100) for step in range(101)]
    assert shares == sorted(shares)
    assert (shares[20], shares[60], shares[100]) == (0, 0.5, 0.5)
    assert (prune.finished(59, 100), prune.finished(60, 100)) == (False, True)


@pytest.mark.parametrize("settings", [{"share": 1.0}, {"share": 0}, {"share": 0.5, "begin": 0.7, "end": 0.6}, {"share": 0.5, "end": 1.0}])
def test_a_pruning_that_cannot_be_is_refused(settings: Mapping[str, float]) -> None:
    with pytest.raises(ValidationError):
        Prune.model_validate(settings)


def test_what_was_pruned_ships_smaller_and_is_judged_only_when_all_have_gone(tmp_path: Path) -> None:
    rows, contract = people()
    sizes = {}
    for name, prune in {"whole": None, "pruned": Prune(share=0.75, end=0.5)}.items():
        trainer = QUICK.model_copy(update={"prune": prune, "ema": 0.9})
        job = trained(tmp_path / name, rows, contract, model=Mlp(hidden=(64, 64)), trainer=trainer).run(Export())
        sizes[name] = (job.output("bundles", Bundles).bundle() / "model.onnx").stat().st_size
        assert job.finding("parity/max_difference").value < 1e-5
        if prune is not None:
            assert job.finding("train/pruned_share").value == 0.75
            assert job.finding("train/pruned_share").text == "96 of 128 hidden neurons were taken out"
            assert job.output("trained", type(job.artifacts["trained"])).json("trained.json")["best_epoch"] > 3
    assert sizes["pruned"] < 0.5 * sizes["whole"]


class Enough(Exception):
    """Somebody has seen enough."""


def test_a_pruned_fit_that_is_continued_ends_with_the_same_bytes(tmp_path: Path) -> None:
    def stop(epoch: int, values: Mapping[str, float]) -> None:
        if epoch == 3:
            raise Enough

    trainer = QUICK.model_copy(update={"prune": Prune(share=0.5), "ema": 0.9, "checkpoint_steps": 3})
    trainer.fit(fitting(tmp_path / "undisturbed"))
    with pytest.raises(Enough):
        trainer.fit(replace(fitting(tmp_path / "stopped"), report=stop))
    trainer.fit(fitting(tmp_path / "stopped"))
    assert files(tmp_path / "stopped") == files(tmp_path / "undisturbed")
    weight = load_file(tmp_path / "stopped" / "out" / "weights.safetensors")["body.0.weight"]
    assert int((weight == 0).all(1).sum()) == 8


def test_a_network_without_prunable_layers_is_told(tmp_path: Path) -> None:
    trainer = QUICK.model_copy(update={"prune": Prune(share=0.5)})
    with pytest.raises(RecipeError, match=r"trainer\.prune: the network has no hidden layer whose neurons could go"):
        trainer.fit(fitting(tmp_path, model=FtTransformer(d_token=8, layers=1)))


# ── distilling ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_loss_is_nothing_where_a_pupil_says_what_its_teacher_says() -> None:
    scores, losses = torch.tensor([[1.0, 3.0], [0.0, -2.0]]), torch.tensor([5.0, 7.0])
    whole = Distil(teacher="x@1", share=1.0, temperature=4)
    taught = torch.log_softmax(scores, 1)  # of probabilities only their logarithms are known: the same up to what softmax takes out
    assert whole.mixed(losses, scores, taught) == pytest.approx([0, 0], abs=1e-6)
    assert (whole.mixed(losses, scores, taught.flip(0)) > 0.1).all()
    assert Distil(teacher="x@1", share=0.25).mixed(losses, scores, taught) == pytest.approx([0.75 * 5, 0.75 * 7], abs=1e-5)
    assert whole.mixed(losses, torch.tensor([[1.0], [2.0]]), torch.tensor([[3.0], [2.0]])) == pytest.approx([4, 0])


@pytest.mark.parametrize("output", [CLASSES, VALUE], ids=["classes", "value"])
def test_a_pupil_learns_what_its_teacher_says_and_not_what_is_on_the_labels(tmp_path: Path, output: Any) -> None:
    """The teacher says the opposite of the labels."""
    train = tensors(500, 1, output)
    opposite = -train.target if output is VALUE else np.log(np.where(np.eye(2)[1 - train.target] > 0, 0.99, 0.01))
    given = fitting(tmp_path, output=output, train=replace(train, taught=opposite.astype(np.float32)), model=Mlp(hidden=(16,)))
    QUICK.model_copy(update={"distil": Distil(teacher="x@1", share=1.0), "max_epochs": 12, "lr": 0.01}).fit(given)
    network: Any = given.model.build(BLOCKS, output)
    network.load_state_dict(load_file(given.folder / "weights.safetensors"))
    with torch.no_grad():
        said = network.eval()(*(torch.from_numpy(block) for block in train.blocks)).numpy()
    if output is VALUE:
        assert np.corrcoef(said[:, 0], train.target[:, 0])[0, 1] < -0.5
    else:
        assert (said.argmax(1) == train.target).mean() < 0.4


def taught_by(teacher: StageJob) -> Champion:
    return Champion("people", 1, teacher.output("bundles", Bundles))


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> StageJob:
    rows, contract = people()
    return trained(tmp_path_factory.mktemp("teacher"), rows, contract, model=Mlp(hidden=(32,))).run(Export())


def pupil(folder: Path, rows: pl.DataFrame, contract: Contract, versions: Mapping[str, Champion], task: str = "classification") -> StageJob:
    trainer = QUICK.model_copy(update={"distil": Distil(teacher="people@1"), "max_epochs": 2})
    job = prepared(folder, rows, contract, task=task, trainer=trainer, model=Mlp(hidden=(4,)))
    return StageJob(folder / "taught", contract=contract, sections=job.sections, inputs=job.artifacts, task=task, versions=versions)


def test_the_teachers_version_is_part_of_what_decides_a_fit(tmp_path: Path, teacher: StageJob) -> None:
    rows, contract = people()
    job = pupil(tmp_path, rows, contract, {"people@1": taught_by(teacher)})
    job.run(Train())
    assert Train().external(job) == {"teacher": taught_by(teacher).bundle.digest}
    asked = np.load(job.work / "taught.npy")
    assert asked.shape == (job.output("assignment", type(job.artifacts["assignment"])).counts["train"], 2)  # type: ignore[attr-defined]
    assert np.exp(asked).sum(1) == pytest.approx(np.ones(len(asked)), abs=1e-5)
    assert job.run(Export()).finding("parity/max_difference").value < 1e-5


def test_a_teacher_of_something_else_is_refused(tmp_path: Path, teacher: StageJob) -> None:
    rows, contract = people()
    columns = {key: column for key, column in contract.columns.items() if key != "bought"}
    other = Contract.model_validate({"extra": "drop", "columns": columns | {"age": {"dtype": "int", "role": "target"}}})
    job = pupil(tmp_path, rows, other, {"people@1": taught_by(teacher)}, task="regression")
    with pytest.raises(RecipeError, match=r"trainer\.distil\.teacher: people 1 predicts bought \(classes\), and this model age \(value\)"):
        job.run(Train())
