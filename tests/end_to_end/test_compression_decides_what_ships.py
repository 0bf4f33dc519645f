"""A recipe under a compression contract, from the command line: what ships, who says no, and that it is decided once."""

from __future__ import annotations

import pytest
from tests.end_to_end.buyers import RECIPE, buyers, digests, store_of, verdict_of

from mlforge.testing.project import TestProject

SMALL = RECIPE.replace("model: linear", "model: mlp").replace("exporters: [onnx]", "exporters: [onnx, onnx_fp16]")


@pytest.fixture
def shrunk(project: TestProject) -> TestProject:
    buyers(project)
    project.write(buyers=SMALL + "    model: {hidden: [64]}\n    compress: {max_size: 12 KB, max_drop: 5%}\n")
    return project


def test_what_ships_is_told_decided_once_and_predicts(shrunk: TestProject) -> None:
    first = shrunk.run("run", "buyers")
    assert first.code == 0, first.text
    assert "onnx_fp16 ships: drop 0" in first.out
    with store_of(shrunk) as store:
        before = digests(store, "buyers")
        assert verdict_of(store, "buyers")["compress"] is True
    planned = shrunk.run("plan", "buyers")
    assert [line.split()[-2:] for line in planned.out.splitlines() if line.startswith("export")] == [["onnx_fp16", "ships"]]
    again = shrunk.run("run", "buyers", "gates.thresholds.rules.auc.min=0.6")
    assert again.code == 0, again.text
    with store_of(shrunk) as store:
        now = digests(store, "buyers")
        assert now["export.bundles"] == before["export.bundles"], "another gate decides nothing about what ships"
    assert shrunk.run("predict", "buyers", "--source", "buyers.csv", "--sink", "out.csv", "--max-rejected", "1").code == 0


def test_the_gates_say_no_when_no_variant_keeps_it_and_say_so_again_without_a_clock(shrunk: TestProject) -> None:
    command = ("run", "buyers", "compress.min_speedup=30")
    first = shrunk.run(*command)
    assert first.code == 4, first.text
    assert "no variant keeps the contract: onnx" in first.out
    assert "times as fast, and 30 is asked" in first.out
    assert "a gate said no" in first.err
    with store_of(shrunk) as store:
        assert store.registry.models() == []
        before = digests(store, "buyers")
    again = shrunk.run(*command)
    assert again.code == 4
    assert "times as fast" not in again.out.split("gate")[0], "nothing was measured again"
    with store_of(shrunk) as store:
        assert digests(store, "buyers") == before


def test_a_smoke_run_goes_through_the_contract(shrunk: TestProject) -> None:
    outcome = shrunk.run("run", "buyers", "--smoke")
    assert outcome.code == 0, outcome.text
