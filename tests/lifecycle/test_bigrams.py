"""The language model that knows one byte: what every other has to beat."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from mlforge.errors import DataError
from mlforge.lifecycle.baselines.bigrams import Bigrams
from mlforge.task import Output

OUTPUT = Output("bytes", "text", context=6)


def frame(*texts: str | None) -> pl.DataFrame:
    return pl.DataFrame({"text": texts}, schema={"text": pl.String})


def test_chances_are_as_counted_by_hand_and_add_up_to_one():
    model = Bigrams.fit([frame("abab"), frame("b", None)], OUTPUT)
    chances = 2.0**model.log2
    assert chances.sum(1) == pytest.approx(np.ones(256))
    follows = {"a": 2, "b": 3}  # every byte of the texts, once more for each of the 255 that there are
    single = {letter: (n + 1) / (5 + 255) for letter, n in follows.items()}
    assert chances[ord("a"), ord("b")] == pytest.approx((2 + 4 * single["b"]) / (2 + 4))
    assert chances[0, ord("b")] == pytest.approx((1 + 4 * single["b"]) / (2 + 4))
    said = model.predict(frame("ab", ""))
    assert said["bits"][0] == pytest.approx(-math.log2(chances[0, ord("a")]) - math.log2(chances[ord("a"), ord("b")]))
    assert said["bytes"].to_list() == [2, 0]
    assert said["prediction"][0] == ord("a")


def test_a_text_is_read_as_a_model_reads_it_and_weights_count():
    model = Bigrams.fit([frame("xxxxab", "qqqqab").with_columns(w=pl.Series([1.0, 3.0]))], Output("bytes", "text", context=2), "w")
    chances = 2.0**model.log2
    assert chances[ord("x"), ord("x")] < 0.01
    assert model.predict(frame("xxxxxxab"))["bytes"].to_list() == [2]
    assert chances[0, ord("a")] == pytest.approx((4 + 4 * 5 / 263) / (4 + 4))


def test_no_text_is_no_model():
    with pytest.raises(DataError, match="no training rows"):
        Bigrams.fit([frame(None)], OUTPUT)
