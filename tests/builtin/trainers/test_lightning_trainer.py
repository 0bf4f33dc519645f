from __future__ import annotations

import json
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import load_file
from tests.builtin.trainers.fittings import CLASSES, SLOWLY, VALUE, files, fitting, tensors

from mlforge.builtin.models.ft_transformer import FtTransformer
from mlforge.builtin.models.mlp import Mlp
from mlforge.builtin.models.tabular_resnet import TabularResnet
from mlforge.builtin.trainers.average import Average
from mlforge.builtin.trainers.lightning import Lightning
from mlforge.components import Model, Tensors
from mlforge.errors import MissingRequirement, RunFailed

QUICK = {"max_epochs": 6, "batch_size": 32, "lr": 0.01, "accelerator": "cpu", "threads": 1}


def told(folder: Path) -> dict[str, float]:
    return json.loads((folder / "out" / "trained.json").read_text())


def curves(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "out" / "curves.parquet").pivot("name", index="epoch", values="value")


@pytest.mark.parametrize(("output", "metric"), [(CLASSES, "validation/accuracy"), (VALUE, "validation/rmse")])
def test_a_fit_learns_and_leaves_weights_curves_and_a_summary(tmp_path, output, metric):
    Lightning(**QUICK).fit(fitting(tmp_path, output=output))
    assert set(files(tmp_path)) == {"weights.safetensors", "trained.json", "curves.parquet"}
    seen = curves(tmp_path)
    assert seen.columns == ["epoch", "train/loss", "validation/loss", metric]
    assert seen["validation/loss"][-1] < 0.5 * seen["validation/loss"][0]
    assert told(tmp_path)["best_score"] == seen["validation/loss"].min()
    assert told(tmp_path)["epochs"] == 6


def test_rmse_is_in_units_of_the_target(tmp_path):
    Lightning(**QUICK).fit(fitting(tmp_path, output=VALUE))
    seen = curves(tmp_path)
    assert seen["validation/rmse"].to_list() == pytest.approx((seen["validation/loss"].sqrt() * VALUE.scale).to_list(), rel=1e-5)


def test_the_weights_are_those_of_the_best_epoch(tmp_path):
    trainer = Lightning(**(QUICK | {"max_epochs": 40, "lr": 0.3, "patience": None, "schedule": "constant"}))
    fit = fitting(tmp_path)
    trainer.fit(fit)
    assert told(tmp_path)["best_epoch"] < told(tmp_path)["epochs"] == 40
    network = fit.model.build(fit.blocks, fit.output)
    network.load_state_dict(load_file(tmp_path / "out" / "weights.safetensors"))
    with torch.no_grad():
        scores = network.eval()(*(torch.from_numpy(block) for block in fit.validation.blocks))
    loss = torch.nn.functional.cross_entropy(scores, torch.from_numpy(fit.validation.target)).item()
    assert loss == pytest.approx(told(tmp_path)["best_score"], rel=1e-5)


def test_patience_stops_a_fit_that_no_longer_gets_better(tmp_path):
    Lightning(**(QUICK | {"max_epochs": 200, "lr": 0.3, "patience": 3, "schedule": "constant"})).fit(fitting(tmp_path))
    assert told(tmp_path)["epochs"] == told(tmp_path)["best_epoch"] + 3


@pytest.mark.parametrize("more", [{}, {"optimizer": "sgd", "schedule": "one_cycle"}, {"optimizer": "adam", "schedule": "constant", "clip": 0.1}])
def test_the_same_fit_gives_the_same_bytes_and_another_seed_others(tmp_path, more):
    trainer = Lightning(**(QUICK | {"max_epochs": 3} | more))
    for name, seed in (("one", 3), ("two", 3), ("three", 4)):
        torch.rand(seed)  # whatever was drawn before must not matter
        trainer.fit(fitting(tmp_path / name, seed=seed))
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert files(tmp_path / "one")["weights.safetensors"] != files(tmp_path / "three")["weights.safetensors"]


@pytest.mark.slow
def test_a_fit_that_is_killed_ends_with_the_same_bytes(tmp_path):
    """kill -9 after a checkpoint, three times at random moments; then to the end."""
    SLOWLY.fit(fitting(tmp_path / "undisturbed"))
    random.seed(8)
    for _ in range(3):
        _fit_and_kill(tmp_path / "killed", random.uniform(0, 0.5))
    saved = sorted((tmp_path / "killed" / "work").glob("epoch-*"))
    assert saved, "it was killed before the first checkpoint"
    assert not files(tmp_path / "killed"), "it was killed after the end"
    SLOWLY.fit(fitting(tmp_path / "killed"))
    assert files(tmp_path / "killed") == files(tmp_path / "undisturbed")


def _fit_and_kill(folder: Path, after: float) -> None:
    before = _checkpoints(folder)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[3]), os.environ.get("PYTHONPATH", "")])}
    with subprocess.Popen([sys.executable, "-m", "tests.builtin.trainers.fittings", str(folder)], env=environment) as process:
        until = time.monotonic() + 120
        while process.poll() is None and _checkpoints(folder) <= before and time.monotonic() < until:
            time.sleep(0.002)
        time.sleep(after / 10)
        process.send_signal(signal.SIGKILL)


def _checkpoints(folder: Path) -> set[str]:
    return {path.name for path in (folder / "work").glob("epoch-*") if path.suffix != ".draft"}


def _stop_after(folder: Path, epochs: int, trainer: Lightning, model: Model | None = None) -> None:
    """Leave the checkpoints that a fit leaves that is killed after so many epochs."""
    fit = fitting(folder, model=model)

    def progress(done: float, total: float, note: str) -> None:
        if done > epochs:
            raise _Killed

    with pytest.raises(_Killed):
        trainer.fit(type(fit)(**{**vars(fit), "progress": progress}))


class _Killed(BaseException):
    """Stands for a kill at a chosen batch."""


@pytest.mark.parametrize("damage", ["flip", "cut", "missing"])
def test_a_damaged_checkpoint_falls_back_to_the_one_before(tmp_path, damage, caplog):
    trainer = Lightning(**QUICK, checkpoint_every="1h", checkpoint_steps=16)
    trainer.fit(fitting(tmp_path / "undisturbed"))
    _stop_after(tmp_path / "resumed", 4, trainer)
    kept = sorted((tmp_path / "resumed" / "work").glob("epoch-*"))
    assert [path.name for path in kept] == ["epoch-00003", "epoch-00004"]
    tensors_file = kept[-1] / "tensors.safetensors"
    content = bytearray(tensors_file.read_bytes())
    if damage == "missing":
        tensors_file.unlink()
    else:
        content[-1] ^= 1
        tensors_file.write_bytes(content if damage == "flip" else content[: len(content) // 2])
    with caplog.at_level(logging.WARNING):
        trainer.fit(fitting(tmp_path / "resumed"))
    assert "epoch-00004 is damaged" in caplog.text
    assert files(tmp_path / "resumed") == files(tmp_path / "undisturbed")


def test_a_finished_fit_is_not_done_again(tmp_path):
    trainer = Lightning(**QUICK)
    trainer.fit(fitting(tmp_path))
    before = files(tmp_path)
    shutil.rmtree(tmp_path / "out")
    fit = fitting(tmp_path)
    trainer.fit(fit)
    assert files(tmp_path) == before
    assert not fit.progress, "it trained again"


def test_an_infinite_loss_names_the_epoch_the_batch_and_the_learning_rate(tmp_path):
    fit = fitting(tmp_path, output=VALUE)
    with pytest.raises(RunFailed) as caught:
        Lightning(**(QUICK | {"lr": 1e30, "optimizer": "sgd", "schedule": "constant"})).fit(fit)
    assert caught.value.exit_code == 6
    assert "the loss of epoch 1, batch" in str(caught.value)
    assert "of 16 is" in str(caught.value)
    assert "learning rate 1e+30" in str(caught.value)
    assert "Try trainer.lr=1e+29" in str(caught.value)


def test_without_validation_rows_the_best_weights_cannot_be_chosen(tmp_path):
    fit = fitting(tmp_path)
    empty = Tensors(tuple(block[:0] for block in fit.validation.blocks), fit.validation.target[:0])
    with pytest.raises(RunFailed, match="no validation rows"):
        Lightning(**QUICK).fit(type(fit)(**{**vars(fit), "validation": empty}))


def test_rows_that_weigh_nothing_are_not_learned_from(tmp_path):
    """Half of the rows are labelled the wrong way round, and weigh nothing."""
    right, wrong = tensors(400, 1, CLASSES), tensors(400, 5, CLASSES)
    blocks = tuple(np.concatenate(pair) for pair in zip(right.blocks, wrong.blocks, strict=True))
    weight = np.repeat(np.array([1, 0], np.float32), 400)
    train = Tensors(blocks, np.concatenate([right.target, 1 - wrong.target]), weight)
    Lightning(**QUICK).fit(fitting(tmp_path / "weighted", train=train))
    Lightning(**QUICK).fit(fitting(tmp_path / "plain", train=Tensors(train.blocks, train.target)))
    assert curves(tmp_path / "weighted")["validation/accuracy"][-1] > 0.9
    assert curves(tmp_path / "plain")["validation/accuracy"][-1] < 0.8


def test_balanced_class_weights_raise_the_share_of_a_rare_class(tmp_path):
    rng = np.random.default_rng(0)
    whole = tensors(4000, 1, CLASSES)
    kept = (whole.target == 0) | (rng.random(4000) < 0.03)
    noise = rng.normal(0, 2, (4000, 3)).astype(np.float32)
    train = Tensors((whole.blocks[0][kept] + noise[kept], whole.blocks[1][kept]), whole.target[kept])
    shares = []
    for name, more in (("plain", {}), ("balanced", {"class_weights": "balanced"})):
        fit = fitting(tmp_path / name, train=train)
        Lightning(**QUICK, **more).fit(fit)
        network = fit.model.build(fit.blocks, fit.output)
        network.load_state_dict(load_file(tmp_path / name / "out" / "weights.safetensors"))
        scores = network.eval()(*(torch.from_numpy(block) for block in fit.validation.blocks))
        shares.append(scores.softmax(1)[:, 1].mean().item())
    assert shares[1] > shares[0] + 0.2


@pytest.mark.parametrize("model", [TabularResnet(d=8, blocks=1), FtTransformer(d_token=8, heads=2, layers=2), Mlp(hidden=(8,), dropout=0.3)])
def test_averaged_weights_and_normalisation_layers_continue_to_the_same_bytes(tmp_path, model):
    trainer = Lightning(**(QUICK | {"batch_size": 31}), checkpoint_every="1h", checkpoint_steps=5, ema=0.95, warmup="10%", label_smoothing=0.1)
    fit = fitting(tmp_path / "undisturbed", model=model)
    trainer.fit(fit)
    _stop_after(tmp_path / "resumed", 3, trainer, model)
    trainer.fit(fitting(tmp_path / "resumed", model=model))
    assert files(tmp_path / "resumed") == files(tmp_path / "undisturbed")


def test_with_an_average_the_weights_that_ship_are_those_that_were_judged(tmp_path):
    model = TabularResnet(d=8, blocks=1, dropout=0.0)
    for name, more in (("plain", {}), ("averaged", {"ema": 0.98})):
        fit = fitting(tmp_path / name, model=model)
        Lightning(**QUICK, **more).fit(fit)
        network = model.build(fit.blocks, fit.output)
        network.load_state_dict(load_file(tmp_path / name / "out" / "weights.safetensors"))
        with torch.no_grad():
            scores = network.eval()(*(torch.from_numpy(block) for block in fit.validation.blocks))
        loss = torch.nn.functional.cross_entropy(scores, torch.from_numpy(fit.validation.target)).item()
        assert loss == pytest.approx(told(tmp_path / name)["best_score"], rel=1e-5)
    assert files(tmp_path / "plain")["weights.safetensors"] != files(tmp_path / "averaged")["weights.safetensors"]


def test_an_average_is_the_weights_of_the_steps_each_weighing_less_than_the_next():
    network, kept = torch.nn.Linear(2, 1), []
    average = Average(network, 0.5)
    for step in range(40):
        with torch.no_grad():
            network.weight.fill_(float(step))
        average.follow(network, step)
        kept.append(average.tensors["weight"][0, 0].item())
    assert kept[-1] == pytest.approx(38.0, abs=1e-3), "steps back are weighed 1/2, 1/4, 1/8, …"


def test_smoothed_labels_make_less_certain_scores(tmp_path):
    widest = []
    for smoothing in (0.0, 0.3):
        fit = fitting(tmp_path / str(smoothing), model=Mlp(hidden=(16,)))
        Lightning(**(QUICK | {"max_epochs": 30, "patience": None}), label_smoothing=smoothing).fit(fit)
        network = fit.model.build(fit.blocks, fit.output)
        network.load_state_dict(load_file(tmp_path / str(smoothing) / "out" / "weights.safetensors"))
        with torch.no_grad():
            scores = network.eval()(*(torch.from_numpy(block) for block in fit.validation.blocks))
        widest.append((scores[:, 1] - scores[:, 0]).abs().mean().item())
    assert widest[1] < 0.7 * widest[0]


def test_a_smoke_run_takes_one_batch_and_reads_its_checkpoint_back(tmp_path):
    fit = fitting(tmp_path, smoke=True)
    Lightning(**QUICK).fit(fit)
    assert told(tmp_path)["epochs"] == 1
    assert len(fit.progress) == 1
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["epoch-00001"]


def test_half_precision_learns_too(tmp_path):
    Lightning(**QUICK, precision="bf16-mixed").fit(fitting(tmp_path))
    assert curves(tmp_path)["validation/accuracy"][-1] > 0.85


def test_a_fit_is_quiet_and_leaves_the_process_as_it_was(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(), torch.get_rng_state().tolist(), signal.getsignal(signal.SIGINT))
    Lightning(**QUICK).fit(fitting(tmp_path / "fit"))
    after = (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(), torch.get_rng_state().tolist(), signal.getsignal(signal.SIGINT))
    assert after == before
    assert capfd.readouterr() == ("", "")
    assert [path.name for path in tmp_path.iterdir()] == ["fit"]


def test_an_interrupt_stays_an_interrupt(tmp_path):
    fit = fitting(tmp_path)
    handler = signal.getsignal(signal.SIGINT)

    def progress(done: float, total: float, note: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Lightning(**QUICK).fit(type(fit)(**{**vars(fit), "progress": progress}))
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_model_that_does_not_fit_into_memory_is_a_run_that_failed(tmp_path):
    with pytest.raises(RunFailed, match=r"(?s)out of memory with 16 rows at a time: .*Try trainer\.accumulate=4") as caught:
        Lightning(**QUICK).fit(fitting(tmp_path, model=Mlp(hidden=(10**11,))))
    assert caught.value.exit_code == 6


@pytest.mark.skipif(torch.cuda.is_available() or torch.backends.mps.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_a_missing_requirement(tmp_path):
    with pytest.raises(MissingRequirement, match=r"trainer\.accelerator: gpu, and torch .* finds none"):
        Lightning(accelerator="gpu").fit(fitting(tmp_path))


@pytest.mark.gpu
def test_a_gpu_learns_what_a_cpu_learns(tmp_path):
    for name in ("cpu", "gpu"):
        Lightning(**(QUICK | {"accelerator": name})).fit(fitting(tmp_path / name, model=Mlp(hidden=(16,))))
    one, other = (curves(tmp_path / name)["validation/loss"][-1] for name in ("cpu", "gpu"))
    assert one == pytest.approx(other, rel=1e-3)


def test_the_network_is_the_model_components(tmp_path):
    fit = fitting(tmp_path, model=Mlp(hidden=(5,)))
    Lightning(**(QUICK | {"max_epochs": 1})).fit(fit)
    assert load_file(tmp_path / "out" / "weights.safetensors")["body.0.weight"].shape == (5, 3 + 8)
