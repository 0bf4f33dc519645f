from __future__ import annotations

import re
from collections import Counter

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError
from tests.builtin.features.front_of import fitted, said

from mlforge.builtin.features.terms import frequent
from mlforge.builtin.features.text import Text
from mlforge.contract import Contract
from mlforge.lifecycle.bundling.front import front
from mlforge.runtime.session import Graph

TEXT = {"dtype": "text", "nullable": True}
FILMS = ("A good film", "a bad film, a BAD one", "good good", "Das ärgert, wie der Ärger", "größe ärger")


def rows(*values: str | None) -> pl.DataFrame:
    return pl.DataFrame({"t": values}, schema={"t": pl.String})


def sentences(count: int) -> pl.DataFrame:
    rng = np.random.default_rng(3)
    words = ["the", "film", "isn't", "good", "bad", "Straße", "é", "very", "2", "x_y", "日本", "ÄRGER"]
    return rows(*(", ".join(rng.choice(words, rng.integers(0, 12))) for _ in range(count)))


@pytest.mark.parametrize(("unit", "longest"), [("words", 1), ("words", 3), ("characters", 4)])
def test_terms_are_the_most_frequent_by_rows_as_counted_by_hand(unit, longest):
    frame = sentences(5000)  # more than are counted at a time
    counts: Counter[tuple[str, ...]] = Counter()
    for text in frame["t"]:
        tokens = re.findall(r"\w+(?:'[^\W\d_]+)*", text.lower()) if unit == "words" else list(text.lower())
        counts.update({tuple(tokens[i : i + n]) for n in range(1, longest + 1) for i in range(len(tokens) - n + 1)})
    best = sorted(((term, n) for term, n in counts.items() if n >= 20), key=lambda one: (-one[1], len(one[0]), one[0]))[:90]
    found = frequent(frame.lazy(), "t", unit, longest, most=90, least=20, lower=True, sample=5000)
    assert dict(zip(found.terms, found.counts, strict=True)) == dict(best)
    assert found.rows == 5000


def test_a_weight_is_the_terms_share_by_rarity_and_rows_have_one_length(tmp_path):
    fitting = fitted(Text(words=1, min_count=1), rows("a b", "a", "a a c"), t=TEXT)
    got = said(tmp_path, fitting, rows("a a c"))[0]
    idf = np.log(4 / (1 + np.array([3, 1, 1]))) + 1
    weights = np.log1p([2, 0, 1]) * idf
    assert got == pytest.approx(weights / np.linalg.norm(weights) * np.sqrt(3), abs=1e-5)


def test_capital_letters_are_small_ones_in_every_alphabet_known_to_training(tmp_path):
    fitting = fitted(Text(min_count=1), rows(*FILMS), t=TEXT)
    lower, upper = said(tmp_path, fitting, rows("a bad film das ärger größe", "A BAD FILM das Ärger GRÖßE"))
    assert lower.any()
    assert (lower == upper).all()
    exact = fitted(Text(min_count=1, words=1, lowercase=False), rows("Film film"), t=TEXT)
    assert (said(tmp_path, exact, rows("Film", "film")) > 0).tolist() == [[True, False], [False, True]]


@pytest.mark.parametrize("text", [Text(min_count=1), Text(words=0, characters=3, min_count=1), Text(words=2, characters=2, min_count=1)])
def test_odd_texts_have_finite_weights_and_do_not_change_their_neighbours(tmp_path, text):
    fitting = fitted(text, rows(*FILMS), t=TEXT)
    odd = ["", None, "😀", "!!! ", "good " * 50_000, "good", "\x00", "e\u0301", "unknown words"]
    got = said(tmp_path, fitting, rows(*odd))
    assert np.isfinite(got).all()
    assert not got[:2].any()
    for i, value in enumerate(odd):
        assert (said(tmp_path, fitting, rows(value))[0] == got[i]).all()


def test_one_long_text_does_not_make_its_neighbours_long(tmp_path):
    fitting = fitted(Text(words=1, min_count=1), rows(*FILMS), t=TEXT)
    many = rows("good " * 1_000_000, *["good"] * 15_000)  # as one table of tokens, this would be 480 GB
    got = said(tmp_path, fitting, many)
    assert (got == got[0]).all()


def test_no_rows_are_no_rows(tmp_path):
    fitting = fitted(Text(min_count=1), rows(*FILMS), t=TEXT)
    assert said(tmp_path, fitting, rows(*FILMS).head(0)).shape == (0, fitting[0].width)


def test_the_width_is_bounded_and_a_column_without_terms_is_left_out():
    assert fitted(Text(max_terms=3, min_count=1), rows(*FILMS), t=TEXT)[0].width == 3
    contract = Contract.model_validate({"columns": {"t": TEXT}})
    assert Text().fit("entry", ("t",), rows("one", "two", None).lazy(), contract) is None


def test_terms_are_chosen_from_a_sample_that_is_spread_evenly():
    found = frequent(rows(*["early"] * 500, *["late"] * 500).lazy(), "t", "words", 1, most=9, least=1, lower=True, sample=100)
    assert (found.rows, dict(zip(found.terms, found.counts, strict=True))) == (100, {("early",): 50, ("late",): 50})


def test_the_same_rows_give_the_same_bytes():
    frame = sentences(3000)
    contract = Contract.model_validate({"columns": {"t": TEXT}})
    texts = [front([fitted(Text(words=2, characters=3), frame, t=TEXT)[0]], contract).SerializeToString(deterministic=True) for _ in range(2)]
    assert texts[0] == texts[1]


def test_strings_are_taken_where_they_are_named():
    contract = Contract.model_validate({"columns": {"a": {"dtype": "string"}, "b": {"dtype": "text"}}})
    assert Text().takes(contract) == ("b",)
    assert Text(columns=("a",)).takes(contract) == ("a",)


def test_terms_of_nothing_are_refused():
    with pytest.raises(ValidationError, match="there are no terms"):
        Text(words=0)


def test_a_graph_knows_how_wide_its_rows_become_so_that_few_wide_rows_are_encoded_at_a_time(tmp_path):
    fitting = fitted(Text(min_count=1, max_terms=7), rows(*FILMS), t=TEXT)
    said(tmp_path, fitting, rows("a"))
    assert Graph(tmp_path / "front.onnx").width == 7
