from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from tests.builtin.probes.windows import findings_of

from mlforge.artifact import ROW
from mlforge.builtin.probes.language import Language
from mlforge.contract import Column, Contract
from mlforge.task import TASKS, Output
from mlforge.window import Window

QUICK = Language(resamples=200)


def window(bits, count, weight=None) -> Window:
    rows = pl.DataFrame({ROW: np.arange(len(bits)), "text": ["x"] * len(bits)})
    columns = {"text": Column(dtype="text")}
    if weight is not None:
        columns["weight"] = Column(dtype="float", role="weight")
        rows = rows.with_columns(weight=pl.Series(weight, dtype=pl.Float64))
    said = pl.DataFrame({"prediction": [0] * len(bits), "bits": np.asarray(bits, np.float32), "bytes": count})
    return Window("test", rows, Contract(columns=columns), TASKS["language_model"], Output("bytes", "text", context=8), said)


def test_bits_are_shared_out_over_all_bytes_and_perplexity_is_their_power() -> None:
    found = findings_of(QUICK, window([8.0, 4.0, 30.0], [4, 4, 12]))
    assert found["bits_per_byte"].value == pytest.approx(42 / 20)
    assert found["perplexity"].value == pytest.approx(2 ** (42 / 20))
    assert found["bits_per_byte"].low <= 2.1 <= found["bits_per_byte"].high  # type: ignore[operator]
    assert found["bits_per_byte"].better == "lower"
    weighted = findings_of(QUICK, window([8.0, 4.0, 30.0], [4, 4, 12], [1.0, 0.0, 2.0]))
    assert weighted["bits_per_byte"].value == pytest.approx(68 / 28)


def test_every_finding_is_declared_and_a_champion_is_compared_with() -> None:
    candidate, champion = window([8.0, 4.0] * 20, [4, 4] * 20), window([9.0, 6.0] * 20, [4, 4] * 20)
    found = findings_of(QUICK, candidate, champion)
    assert set(found) == set(QUICK.declares(candidate.contract, candidate.task))
    assert found["bits_per_byte/gain"].value == pytest.approx(1.5 / 4)
    assert found["bits_per_byte/gain"].low > 0  # type: ignore[operator]


def test_texts_without_bytes_have_no_measure() -> None:
    found = findings_of(QUICK, window([0.0], [0]))
    assert found["bits_per_byte"].value is None
    assert found["bits_per_byte"].text == "the texts have no bytes"
