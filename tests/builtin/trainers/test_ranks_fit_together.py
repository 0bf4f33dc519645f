"""Two processes of a fit do what one does."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from safetensors.torch import load_file
from tests.builtin.trainers.fittings import files
from tests.builtin.trainers.ranks import Together, forking, one


@pytest.fixture(scope="module")
def together() -> Iterator[Together]:
    with forking() as call:
        yield call


def curves(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "out" / "curves.parquet")


def same(one: Path, other: Path, within: float = 1e-5) -> None:
    assert curves(one)["name"].to_list() == curves(other)["name"].to_list()
    assert curves(one)["value"].to_list() == pytest.approx(curves(other)["value"].to_list(), abs=within)
    first, second = (load_file(folder / "out" / "weights.safetensors") for folder in (one, other))
    assert first.keys() == second.keys()
    assert all((first[name] - second[name]).abs().max() < 10 * within for name in first)


@pytest.mark.parametrize(
    "settings", [{"accumulate": 2, "ema": 0.9, "clip": 0.5}, {"strategy": "fsdp", "clip": 0.5, "sharding": {"offload": True}}], ids=["ddp", "fsdp"]
)
def test_two_ranks_learn_what_one_process_learns_from_an_odd_number_of_rows(tmp_path, together, settings):
    one(tmp_path / "alone", **settings)
    said = together(tmp_path / "ranks", 2, **settings)
    assert [code for code, _ in said] == [0, 0], said
    same(tmp_path / "alone", tmp_path / "ranks")


@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_ranks_that_continue_end_with_the_same_bytes(tmp_path, together, strategy):
    """As many steps as make one epoch and a part of the next; then the rest, from a checkpoint within an epoch."""
    together(tmp_path / "undisturbed", 2, checkpoint_steps=4, strategy=strategy)
    whole = files(tmp_path / "undisturbed")
    work = tmp_path / "undisturbed" / "work"
    kept = sorted(path.name for path in work.iterdir())
    assert len(kept) == 2
    assert "step" in kept[0]
    shutil.rmtree(work / kept[1])
    shutil.rmtree(tmp_path / "undisturbed" / "out")
    said = together(tmp_path / "undisturbed", 2, checkpoint_steps=4, strategy=strategy)
    assert [code for code, _ in said] == [0, 0], said
    assert files(tmp_path / "undisturbed") == whole


@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_one_process_continues_what_two_have_begun(tmp_path, together, strategy):
    together(tmp_path / "ranks", 2, checkpoint_steps=4, strategy=strategy)
    work = tmp_path / "ranks" / "work"
    last = sorted(path.name for path in work.iterdir())[-1]
    shutil.rmtree(work / last)
    shutil.rmtree(tmp_path / "ranks" / "out")
    one(tmp_path / "ranks", checkpoint_steps=4, strategy=strategy)
    one(tmp_path / "alone", checkpoint_steps=4)
    same(tmp_path / "alone", tmp_path / "ranks")


@pytest.mark.slow
def test_two_ranks_take_the_same_neurons_out_as_one_process(tmp_path, together):
    settings = {"prune": {"share": 0.5}, "ema": 0.9}
    one(tmp_path / "alone", **settings)
    said = together(tmp_path / "ranks", 2, **settings)
    assert [code for code, _ in said] == [0, 0], said
    first, second = (load_file(tmp_path / name / "out" / "weights.safetensors")["body.0.weight"] for name in ("alone", "ranks"))
    assert int((first == 0).all(1).sum()) == 8
    assert ((first == 0).all(1) == (second == 0).all(1)).all()
