from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import polars as pl
import pytest
from tests.builtin.trainers.fittings import files, fitting

from mlforge.builtin.callbacks.device_stats import DeviceStats
from mlforge.builtin.callbacks.gradient_norm import GradientNorm
from mlforge.builtin.callbacks.learning_rate import LearningRate
from mlforge.builtin.loggers.csv import Csv
from mlforge.builtin.loggers.tensorboard import Tensorboard
from mlforge.builtin.trainers.lightning import Lightning

QUICK = {"max_epochs": 3, "batch_size": 32, "lr": 0.01, "accelerator": "cpu", "threads": 1}


def curves(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "out" / "curves.parquet").pivot("name", index="epoch", values="value")


def test_what_callbacks_measure_becomes_curves_and_findings(tmp_path):
    found = []
    callbacks = {"norm": GradientNorm(), "rate": LearningRate(), "device": DeviceStats()}
    fit = dataclasses.replace(fitting(tmp_path), callbacks=callbacks, find=found.append)
    Lightning(**QUICK).fit(fit)
    seen = curves(tmp_path)
    assert (seen["train/gradient_norm"] <= seen["train/gradient_norm_max"]).all()
    assert seen["train/learning_rate"].to_list() == sorted(seen["train/learning_rate"].to_list(), reverse=True)
    named = {finding.name: finding for finding in found}
    assert named["train/gradient_norm"].value == pytest.approx(seen["train/gradient_norm_max"].max())
    assert named["train/device_memory"].value > 2**20
    assert named["train/device_memory"].volatile


def test_a_callback_sees_gradients_before_they_are_clipped(tmp_path):
    Lightning(**QUICK, clip=1e-3).fit(dataclasses.replace(fitting(tmp_path), callbacks={"norm": GradientNorm()}))
    assert curves(tmp_path)["train/gradient_norm"][0] > 0.01


def test_what_a_callback_keeps_over_steps_is_continued(tmp_path):
    class Stopped(BaseException):
        pass

    def stop(done: float, total: float, note: str) -> None:
        if done > 1.4:
            raise Stopped

    trainer = Lightning(**QUICK, checkpoint_every="1h", checkpoint_steps=5)
    with_norm = {"callbacks": {"norm": GradientNorm(), "rate": LearningRate()}}
    with pytest.raises(Stopped):
        trainer.fit(dataclasses.replace(fitting(tmp_path / "stopped"), **with_norm, progress=stop))
    assert any("step" in path.name for path in (tmp_path / "stopped" / "work").iterdir())
    for name in ("stopped", "undisturbed"):
        trainer.fit(dataclasses.replace(fitting(tmp_path / name), **with_norm))
    assert files(tmp_path / "stopped") == files(tmp_path / "undisturbed")


def test_loggers_write_beside_the_result_and_change_nothing_of_it(tmp_path):
    Lightning(**QUICK).fit(fitting(tmp_path / "plain"))
    logged = {"rows": Csv(), "board": Tensorboard()}
    Lightning(**QUICK, log_every=4).fit(dataclasses.replace(fitting(tmp_path / "logged"), loggers=logged, aside=tmp_path / "beside"))
    assert files(tmp_path / "logged") == files(tmp_path / "plain")
    with (tmp_path / "beside" / "rows" / "metrics.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [int(row["step"]) for row in rows if row["step/loss"]] == list(range(4, 49, 4))
    losses = [float(row["validation/loss"]) for row in rows if row["validation/loss"]]
    assert losses == pytest.approx(curves(tmp_path / "plain")["validation/loss"].to_list())
    assert list((tmp_path / "beside" / "board").glob("events.*"))


@pytest.mark.parametrize("profiler", ["simple", "advanced", "pytorch"])
def test_a_profile_is_a_file_of_the_run(tmp_path, profiler):
    Lightning(**(QUICK | {"max_epochs": 1}), profiler=profiler).fit(dataclasses.replace(fitting(tmp_path), aside=tmp_path / "beside"))
    assert any(path.stat().st_size > 100 for path in (tmp_path / "beside" / "profile").iterdir())
