from __future__ import annotations

import numpy as np
import polars as pl
from tests.builtin.features.front_of import fitted, said

from mlforge.builtin.features.bytes import Bytes
from mlforge.contract import Contract

TEXT = {"dtype": "text", "nullable": True}


def test_a_text_becomes_its_last_bytes_whatever_its_alphabet_and_length(tmp_path):
    texts = ["abc", "grüße 日本 🙂", "a" * 300, "", None, "tail of a long one" * 20, "nul\0within"]
    got = said(tmp_path, fitted(Bytes(context=16), pl.DataFrame({"t": texts}), t=TEXT), pl.DataFrame({"t": texts}))
    assert got.dtype == np.uint8
    for text, row in zip(texts, got, strict=True):
        expected = (text or "").encode()[-16:].replace(b"\0", b"\1")
        assert bytes(row) == expected + bytes(16 - len(expected))


def test_there_must_be_one_text():
    two = Contract.model_validate({"columns": {"a": {"dtype": "text"}, "b": {"dtype": "text"}}})
    (objection,) = Bytes().objections(two)
    assert objection.found == "2 features are texts: a, b"
    assert not list(Bytes(columns=("b",)).objections(two))
    (objection,) = Bytes().objections(Contract.model_validate({"columns": {"a": {"dtype": "int"}}}))
    assert objection.found == "no feature is a text"


def test_a_string_is_read_where_it_is_named(tmp_path):
    strings = Contract.model_validate({"columns": {"s": {"dtype": "string"}}})
    assert Bytes().takes(strings) == ()
    assert Bytes(columns=("s",)).takes(strings) == ("s",)
