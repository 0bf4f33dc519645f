"""Settings that change while a network is fitted: what is learned follows from the settings alone, whatever fit it goes on from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.builtin.trainers.fittings import files, fitting

from mlforge.builtin.trainers.changes import Change
from mlforge.builtin.trainers.lightning import Lightning

WHOLE = Lightning(max_epochs=4, batch_size=50, patience=None, accelerator="cpu", threads=1, lr=0.01, schedule="one_cycle", ema=0.9)
CHANGES = {"first": Change(after=2, lr=0.003, weight_decay=0.3), "then": Change(after=3, lr=0.03, label_smoothing=0.1)}


def fit(settings: Lightning, folder: Path) -> dict[str, bytes]:
    settings.fit(fitting(folder))
    return files(folder)


def test_a_fit_that_goes_on_from_another_ends_as_one_from_the_start(tmp_path: Path):
    whole = fit(WHOLE.model_copy(update={"changes": CHANGES}), tmp_path / "whole")
    fit(WHOLE.model_copy(update={"stop_after": 2}), tmp_path / "begun")
    shutil.copytree(tmp_path / "begun" / "work", tmp_path / "on" / "work")
    first = {"first": CHANGES["first"]}
    fit(WHOLE.model_copy(update={"stop_after": 3, "changes": first}), tmp_path / "on")
    shutil.copytree(tmp_path / "on" / "work", tmp_path / "end" / "work")
    assert fit(WHOLE.model_copy(update={"changes": CHANGES}), tmp_path / "end") == whole
    assert fit(WHOLE, tmp_path / "plain") != whole


def test_a_fit_stops_where_it_is_told_with_the_schedule_of_the_whole(tmp_path: Path):
    whole, part = fit(WHOLE, tmp_path / "whole"), fit(WHOLE.model_copy(update={"stop_after": 2}), tmp_path / "part")
    assert json.loads(part["trained.json"])["epochs"] == 2
    import polars as pl

    curves = [pl.read_parquet(one["curves.parquet"]).filter(pl.col("epoch") <= 2) for one in (whole, part)]
    assert curves[0].equals(curves[1])


def test_what_holds_after_so_many_epochs():
    settings = WHOLE.model_copy(update={"changes": CHANGES})
    assert [settings.at(epochs).lr for epochs in range(5)] == [0.01, 0.01, 0.003, 0.03, 0.03]
    assert [settings.at(epochs).weight_decay for epochs in range(5)] == [0.01, 0.01, 0.3, 0.3, 0.3]
    assert settings.at(3).label_smoothing == 0.1


def test_a_change_changes_something():
    with pytest.raises(ValueError, match="it changes nothing: give lr, weight_decay or label_smoothing"):
        Change(after=1)
