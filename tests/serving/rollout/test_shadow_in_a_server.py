"""A shadow is asked what the champion was asked, is compared, and touches no answer."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import numpy as np
import pytest
from tests.serving.bundles import ROW, probability
from tests.serving.rollout.load import asking
from tests.serving.running import Running, serving, until

from mlforge.serving.rollout.mirror import Array
from mlforge.serving.rollout.shadow import differences
from mlforge.store import Store

SHADOW = {"shadow": {}, "canary": {"requests": 1_000_000}}


def counted(server: Running, name: str) -> int:
    found = re.search(rf'mlforge_shadow_{name}_total{{model="people"}} (\d+)', server.ask("/metrics")[1].decode())
    assert found is not None
    return int(found[1])


def test_a_shadow_is_compared_and_touches_no_answer(store: Store, register, tmp_path: Path) -> None:
    register(bias=1.0, rollout=SHADOW)
    register(bias=-9.0)  # decides otherwise each time; it is the challenger
    rows = [{**ROW, "age": age} for age in range(20, 30)]
    with serving("people", cwd=tmp_path) as server:
        until(lambda: server.ask("/predict", {"rows": rows})[0] == 200 and counted(server, "rows") >= 30)
        status, told, _ = server.ask("/predict", {"rows": rows})
        assert (status, told["version"], [row["prediction"] for row in told["predictions"]]) == (200, 1, ["yes"] * 10)
        until(lambda: counted(server, "rows") == counted(server, "differences") > 0)
        assert counted(server, "failures") == 0
        assert server.stop() == 0
        assert re.search(r"people 2 beside people 1: (\d+) of \1 rows were decided otherwise \(1e\+02 %\)|\(100 %\)", server.log.read_text())


def test_a_shadow_that_fails_or_is_killed_harms_nobody(store: Store, register, tmp_path: Path) -> None:
    register(bias=1.0, rollout=SHADOW)
    register(bias=1.0, poison="income")
    with serving("people", cwd=tmp_path) as server:
        with asking(server, biases={1: 1.0}, row={**ROW, "income": -1.5}) as seen:
            until(lambda: counted(server, "failures") > 0)
            shadow = server.sidecar("mlforge-shadow")
            os.kill(shadow, signal.SIGKILL)
            until(lambda: server.sidecar("mlforge-shadow") not in (None, shadow))
            failures = counted(server, "failures")
            until(lambda: counted(server, "failures") > failures)
        assert (seen.wrong, seen.statuses(), seen.versions()) == ([], {200}, {1})


@pytest.mark.slow
def test_a_shadow_follows_the_challenger(store: Store, register, tmp_path: Path) -> None:
    register(bias=1.0, rollout=SHADOW)
    with serving("people", cwd=tmp_path) as server:
        assert server.ask("/predict", {"rows": [ROW]})[0] == 200
        register(bias=1.0)
        until(lambda: server.ask("/predict", {"rows": [ROW]})[0] == 200 and counted(server, "rows") > 10)
        assert counted(server, "differences") == 0
        assert server.ask("/predict", {"rows": [ROW]})[1]["predictions"][0]["probabilities"]["yes"] == pytest.approx(probability(ROW, 1.0), abs=1e-5)


@pytest.mark.parametrize(
    "array", [np.array([[1.5], [np.nan]]), np.array([[True], [False]]), np.array([["Bern"], [""]], object), np.zeros((2, 3), np.float32), np.array([1, 2])]
)
def test_an_array_comes_back_as_it_was_sent(array: np.ndarray) -> None:
    found = Array.of(array).read()
    np.testing.assert_array_equal(found, array)
    assert (found.dtype, found.shape) == (array.dtype, array.shape)


def test_other_decisions_are_other_classes_or_values_that_are_apart_by_a_tenth_of_a_standard_deviation() -> None:
    assert differences(np.array(["a", "b"], object), np.array(["a", "c"], object), 1.0) == 1
    assert differences(np.array([1, 2]), np.array(["1", "3"], object), 1.0) == 1
    assert differences(np.array([1.0, 2.0, 3.0]), np.array([1.9, 3.1, np.nan]), 10.0) == 2
