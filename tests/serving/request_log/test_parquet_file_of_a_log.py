"""A file of the log as its readers see it."""

from __future__ import annotations

import io

import numpy as np
import polars as pl
import pyarrow as pa

from mlforge.serving.request_log.parquet_file import ParquetFile


def _rows(first: int, texts: list[str]) -> pa.Table:
    numbers = np.arange(2 * first, 2 * first + 2 * len(texts), dtype=np.float64)
    words = pa.array(sorted(set(texts)))
    codes = pa.array([sorted(set(texts)).index(text) for text in texts], pa.int32())
    return pa.table({"text": pa.DictionaryArray.from_arrays(codes, words), "array": pa.FixedSizeListArray.from_arrays(pa.array(numbers), 2)})


def test_texts_are_plain_and_arrays_keep_their_size_over_many_groups() -> None:
    file = ParquetFile()
    parts = [[f"{number}-{one % 7}" for one in range(9000)] for number in range(5)]
    for number, texts in enumerate(parts):
        file.add(_rows(9000 * number, texts))
    assert file.rows == 45_000
    assert not file.closed
    read = pl.read_parquet(io.BytesIO(file.content()))
    assert file.closed
    assert dict(read.schema) == {"text": pl.String, "array": pl.Array(pl.Float64, 2)}
    assert read["text"].to_list() == [text for texts in parts for text in texts]
    assert read["array"].explode().to_list() == list(np.arange(90_000.0))
