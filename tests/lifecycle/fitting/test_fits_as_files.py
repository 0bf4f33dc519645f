"""A fit that is written into a folder and read by another process."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.builtin.clusters.fits import fitting, rows, trainer

from mlforge.components import Place, Tensors
from mlforge.errors import DataError, MissingRequirement, RunFailed
from mlforge.finding import Finding
from mlforge.lifecycle.fitting.parcel import pack, project_of, unpack
from mlforge.lifecycle.fitting.told import Listener, Teller, confess, failure
from mlforge.plugins import catalog
from mlforge.project import Project


def nothing(*given: object) -> None:
    pass


def test_a_fit_is_the_same_after_its_way_through_files(tmp_path: Path) -> None:
    written = rows(7, 3)
    np.save(tmp_path / "block.npy", written.blocks[0])
    mapped = np.load(tmp_path / "block.npy", mmap_mode="c")
    first = fitting(tmp_path, train=Tensors((mapped,), written.target, np.ones(7, np.float32), np.arange(14, dtype=np.float32).reshape(7, 2)))
    pack(first, trainer(lr=0.5), tmp_path / "errand")
    assert project_of(tmp_path / "errand") == Path.cwd()
    again, second = unpack(tmp_path / "errand", catalog(Project.find(tmp_path)), Place(1, 2), nothing, nothing, nothing)
    assert again == trainer(lr=0.5)
    assert (second.model, second.blocks, second.output, second.seed, second.folder, second.work, second.smoke, second.place) == (
        first.model, first.blocks, first.output, 7, first.folder, first.work, False, Place(1, 2)
    )  # fmt: skip
    for one, other in ((first.train, second.train), (first.validation, second.validation)):
        assert all(np.array_equal(a, b) for a, b in zip((*one.blocks, one.target), (*other.blocks, other.target), strict=True))
    assert second.train.weight is not None
    assert second.train.taught is not None
    assert second.train.taught[6].tolist() == [12, 13]
    assert second.validation.taught is None
    assert second.validation.weight is None
    told = json.loads((tmp_path / "errand" / "fitting.json").read_text())["fitting"]["train"]
    assert told["blocks"] == [str(tmp_path / "block.npy")], "what is mapped from a file is not copied"


def test_only_what_a_plugin_has_registered_is_made_from_a_file(tmp_path: Path) -> None:
    pack(fitting(tmp_path), trainer(), tmp_path / "errand")
    file = tmp_path / "errand" / "fitting.json"
    file.write_text(file.read_text().replace("mlforge.builtin.models.mlp:Mlp", "subprocess:Popen"))
    with pytest.raises(MissingRequirement, match="no plugin on this machine provides subprocess:Popen"):
        unpack(tmp_path / "errand", catalog(Project.find(tmp_path)), Place(), nothing, nothing, nothing)


def test_what_rank_0_tells_arrives_once_and_a_try_that_was_lost_leaves_no_findings(tmp_path: Path) -> None:
    seen: list[object] = []
    listener = Listener(tmp_path, lambda *told: seen.append(told), lambda epoch, values: seen.append((epoch, values)))
    listener.listen()
    rank, other = Teller(tmp_path), Teller(tmp_path, silent=True)
    rank.begin()
    rank.progress(1.0, 3.0, "epoch 2")
    rank.find(Finding(name="train/seconds", value=1.0))
    rank.report(1, {"validation/loss": 0.5})
    other.progress(2.0, 3.0, "epoch 3")
    with (tmp_path / "told.jsonl").open("a") as stream:
        stream.write('{"epoch": 2, "val')  # being written
    listener.listen()
    listener.listen()
    assert seen == [(1.0, 3.0, "epoch 2"), (1, {"validation/loss": 0.5})]
    assert [finding.name for finding in listener.findings] == ["train/seconds"]
    with (tmp_path / "told.jsonl").open("a") as stream:
        stream.write('ues": {"validation/loss": 0.25}}\n')
    rank.begin()
    rank.report(2, {"validation/loss": 0.25})
    listener.listen()
    assert seen[2:] == [(2, {"validation/loss": 0.25})], "an epoch that is gone through again is told once"
    assert listener.findings == []


def test_the_error_that_a_user_can_mend_is_told_before_those_that_followed_from_it(tmp_path: Path) -> None:
    assert failure(tmp_path) is None
    confess(tmp_path, 0, RuntimeError("connection closed by peer"))
    assert isinstance(failure(tmp_path), RunFailed)
    confess(tmp_path, 3, DataError("the loss is NaN", hint="Try a smaller lr."))
    told = failure(tmp_path)
    assert isinstance(told, DataError)
    assert str(told) == "rank 3: the loss is NaN\nTry a smaller lr."
    assert "RuntimeError: connection closed by peer" in (tmp_path / "failed-0.txt").read_text()
