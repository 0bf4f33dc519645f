"""Every setting does what it says, and those that do not go together are told before anything runs."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import polars as pl
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file
from tests.builtin.trainers.fittings import VALUE, files, fitting

from mlforge.builtin.models.ft_transformer import FtTransformer
from mlforge.builtin.models.mlp import Mlp
from mlforge.builtin.trainers.lightning import Lightning
from mlforge.builtin.trainers.record import Record, Rule
from mlforge.builtin.trainers.weights import Weights
from mlforge.contract import Contract
from mlforge.errors import MissingRequirement, RecipeError, RunFailed

QUICK = {"max_epochs": 3, "batch_size": 32, "lr": 0.01, "accelerator": "cpu", "threads": 1}
STEPS = 16  # of an epoch
ANY = Contract.model_validate({"columns": {"x": {"dtype": "float"}}})


def curves(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "out" / "curves.parquet").pivot("name", index="epoch", values="value")


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "out" / "weights.safetensors")


def fit(folder: Path, **settings) -> pl.DataFrame:
    Lightning(**(QUICK | settings)).fit(fitting(folder))
    return curves(folder)


def test_a_step_in_portions_comes_to_the_same(tmp_path):
    for name, accumulate in (("whole", 1), ("portions", 4)):
        Lightning(**QUICK, accumulate=accumulate).fit(fitting(tmp_path / name, model=Mlp(hidden=(16, 8))))
    whole, portions = curves(tmp_path / "whole"), curves(tmp_path / "portions")
    assert portions["validation/loss"].to_list() == pytest.approx(whole["validation/loss"].to_list(), abs=1e-5)
    assert portions["train/loss"].to_list() == pytest.approx(whole["train/loss"].to_list(), abs=1e-5)


def test_max_steps_ends_within_an_epoch_and_judges_what_there_is(tmp_path):
    seen = fit(tmp_path, max_steps=STEPS + 5)
    assert seen["epoch"].to_list() == [1, 2]
    saved = sorted(path.name for path in (tmp_path / "work").iterdir())
    assert saved[-1] == "epoch-00002"


def test_max_steps_is_where_the_schedule_ends(tmp_path):
    from mlforge.builtin.callbacks.learning_rate import LearningRate

    one = dataclasses.replace(fitting(tmp_path), callbacks={"rate": LearningRate()})
    Lightning(**QUICK, max_steps=STEPS + 5, schedule="one_cycle").fit(one)
    assert curves(tmp_path)["train/learning_rate"][-1] == pytest.approx(0.01 / 250_000)


def test_max_time_ends_with_an_epoch_that_is_judged(tmp_path):
    seen = fit(tmp_path, max_epochs=1000, patience=None, max_time="2s")
    assert 1 <= len(seen) < 1000
    assert seen["validation/loss"][-1] < seen["validation/loss"][0] or len(seen) == 1


def test_min_delta_makes_patience_end_sooner(tmp_path):
    assert len(fit(tmp_path, max_epochs=20, patience=2, min_delta=10.0)) == 3


def test_the_best_epoch_can_be_chosen_by_another_score(tmp_path):
    import json

    seen = fit(tmp_path, max_epochs=8, lr=0.2, score="validation/accuracy", patience=None)
    told = json.loads((tmp_path / "out" / "trained.json").read_text())
    assert told["score"] == "validation/accuracy"
    assert told["best_score"] == seen["validation/accuracy"].max()


def test_a_score_that_nobody_measures_is_told_with_those_that_are(tmp_path):
    with pytest.raises(RunFailed, match=r"trainer\.score: nothing is measured under validation/f1\nThere is train/loss, validation/accuracy, validation/loss"):
        fit(tmp_path, score="validation/f1")


def test_clipping_by_value_limits_each_number(tmp_path):
    fit(tmp_path / "value", clip=1e-9, clip_by="value", optimizer="sgd", weight_decay=0, max_epochs=1)
    fit(tmp_path / "none", lr=1e-12, optimizer="sgd", weight_decay=0, max_epochs=1)
    first, second = weights(tmp_path / "value"), weights(tmp_path / "none")
    assert all((first[name] - second[name]).abs().max() < 1e-6 for name in first)


def test_weights_in_half_precision_learn_and_targets_stay_whole(tmp_path):
    Lightning(**QUICK, precision="bf16-true").fit(fitting(tmp_path, output=VALUE))
    assert {tensor.dtype for tensor in weights(tmp_path).values()} == {torch.bfloat16}
    seen = curves(tmp_path)
    assert seen["validation/loss"][-1] < seen["validation/loss"][0]


@pytest.mark.parametrize("again", [True, ("Linear",)])
def test_layers_that_are_computed_again_change_nothing(tmp_path, again):
    model = FtTransformer(d_token=8, heads=2, layers=2)
    for name, more in (("kept", {}), ("again", {"checkpoint_activations": again})):
        Lightning(**(QUICK | {"max_epochs": 2}), **more).fit(fitting(tmp_path / name, model=model))
    assert files(tmp_path / "kept") == files(tmp_path / "again")


def test_layers_that_are_not_there_are_told(tmp_path):
    with pytest.raises(RecipeError, match=r"checkpoint_activations: the network has no Liner; .*\nDid you mean Linear\?"):
        fit(tmp_path, checkpoint_activations=("Liner",))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler on a CPU")
def test_a_compiled_network_learns_the_same(tmp_path):
    plain, compiled = fit(tmp_path / "plain"), fit(tmp_path / "compiled", compile="default")
    assert compiled["validation/loss"].to_list() == pytest.approx(plain["validation/loss"].to_list(), abs=0.05)
    assert weights(tmp_path / "plain").keys() == weights(tmp_path / "compiled").keys()


@pytest.mark.parametrize(
    ("settings", "where", "found"),
    [
        ({"strategy": "deepspeed"}, "strategy", "deepspeed is none of mlforge's own"),
        ({"sharding": {"checkpoints": "sharded"}}, "sharding", "only fsdp shards, and strategy is auto"),
        ({"strategy": "fsdp", "ema": 0.9}, "ema", "fsdp leaves each process a share"),
        ({"strategy": "fsdp", "precision": "bf16-true"}, "precision", "fsdp does not shard"),
        ({"precision": "transformer-engine"}, "precision", "transformer-engine computes in fp8"),
        ({"precision": "16-mixed", "accelerator": "cpu"}, "precision", "16-mixed needs a GPU"),
        ({"accumulate": 64, "batch_size": 32}, "accumulate", "64 portions of a step of 32 rows"),
        ({"min_delta": 0.1, "patience": None}, "min_delta", "nothing uses it without patience"),
    ],
)
def test_settings_that_do_not_go_together_are_told_by_check(settings, where, found):
    objections = list(Lightning(**settings).objections(ANY))
    assert [(one.field, found in one.found) for one in objections] == [(where, True)]
    assert not list(Lightning().objections(ANY))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_half_precision_with_scaling_needs_a_gpu(tmp_path):
    with pytest.raises(MissingRequirement, match="16-mixed needs a GPU, and there is none") as caught:
        Lightning(**(QUICK | {"accelerator": "auto"}), precision="16-mixed").fit(fitting(tmp_path))
    assert caught.value.exit_code == 5


@pytest.mark.parametrize("wrong", [{"devices": 0}, {"nodes": 0}, {"checkpoints": 1}, {"sharding": {"wrapp": ["Block"]}}, {"max_time": "5 parsecs"}])
def test_settings_out_of_bounds_are_no_trainer(wrong):
    with pytest.raises(ValidationError):
        Lightning(**wrong)


class Loose(Mlp):
    """Its network has a part that cannot be had with the same bits each time."""

    def build(self, blocks, output):
        network = super().build(blocks, output)
        network.register_forward_pre_hook(lambda module, inputs: (inputs[0].clone().put_(torch.tensor([0]), torch.zeros(1)), *inputs[1:]))
        return network


def test_a_layer_that_is_not_deterministic_is_named_and_fits_where_that_is_not_asked_for(tmp_path):
    with pytest.raises(RunFailed, match=r"^trainer\.deterministic: put_ .*\nSet trainer\.deterministic=false"):
        Lightning(**QUICK).fit(fitting(tmp_path / "strict", model=Loose(hidden=(8,))))
    Lightning(**QUICK, deterministic=False).fit(fitting(tmp_path / "loose", model=Loose(hidden=(8,))))
    assert not torch.are_deterministic_algorithms_enabled()


def test_state_that_a_precision_adds_to_layers_is_left_out_of_the_weights():
    class Scaled(torch.nn.Linear):
        def get_extra_state(self):
            return torch.ones(3)

        def set_extra_state(self, state):
            raise AssertionError

    network = torch.nn.Sequential(torch.nn.Linear(2, 2))
    kept = Weights(network, sharded=False)
    network[0] = Scaled(2, 2)
    assert "0._extra_state" in network.state_dict()
    assert set(kept.all()) == {"0.weight", "0.bias"}


def test_out_of_memory_halves_what_is_worked_off_at_once(tmp_path):
    """A network that takes no more than 20 rows at once: a step of 32 is made from two portions, and ends as if that had been asked for."""

    class Narrow(FtTransformer):
        def build(self, blocks, output):
            network = super().build(blocks, output)

            def refuse(module, inputs):
                if module.training and len(inputs[0]) > 20:
                    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 rows")

            network.register_forward_pre_hook(refuse)
            return network

    found = []
    model = Narrow(d_token=8, heads=2, layers=1)
    Lightning(**QUICK).fit(dataclasses.replace(fitting(tmp_path / "narrow", model=model), find=found.append))
    Lightning(**QUICK, accumulate=2).fit(fitting(tmp_path / "asked", model=model))
    assert files(tmp_path / "narrow") == files(tmp_path / "asked")
    (told,) = [finding for finding in found if finding.name == "train/micro_batch"]
    assert told.value == 16
    assert told.text == "out of memory with 32 rows at a time: each step of 32 rows is now made from 2 portions of 16"
    with pytest.raises(RunFailed, match=r"out of memory with 32 rows at a time: .*\nTry trainer.accumulate=4"):
        Lightning(**(QUICK | {"batch_size": 64})).fit(fitting(tmp_path / "too narrow", model=model))


def test_progress_names_the_epoch_and_the_score_beside_the_best() -> None:
    rule, record = Rule(60), Record()
    assert record.progress(rule) == "epoch 1/60"
    record.note({"validation/loss": 0.44123}, rule)
    assert record.progress(rule) == "epoch 2/60  validation/loss 0.4412"
    record.note({"validation/loss": 0.5}, rule)
    assert record.progress(rule) == "epoch 3/60  validation/loss 0.5, best 0.4412"
