"""Tables that are larger than they look."""

from __future__ import annotations

import io
import os
import struct

import polars as pl
import pyarrow as pa
import pytest

from mlforge.service.limits import Limits
from mlforge.serving.access.arrow_shape import arrow_within
from mlforge.serving.access.frame_shape import frame_within
from mlforge.serving.http import Refused

FRAME = pl.DataFrame({"a": [1, 2, 3], "b": ["x", "y", None]})


def written(frame: pl.DataFrame, *, file: bool = False, compression: str = "uncompressed") -> bytes:
    out = io.BytesIO()
    if file:
        frame.write_ipc(out, compression=compression)  # type: ignore[arg-type]
    else:
        frame.write_ipc_stream(out, compression=compression)  # type: ignore[arg-type]
    return out.getvalue()


@pytest.mark.parametrize("file", [False, True])
def test_a_stream_and_a_file_with_as_many_rows_as_allowed_are_fine(file: bool) -> None:
    assert arrow_within(written(FRAME, file=file), 3) == file
    table, out = FRAME.to_arrow(), io.BytesIO()
    with (pa.ipc.new_file if file else pa.ipc.new_stream)(out, table.schema) as writer:
        writer.write_table(table)
    assert arrow_within(out.getvalue(), 3) == file


def test_a_file_whose_footer_names_the_same_rows_twice_is_none() -> None:
    schema = pa.schema([("a", pa.int64())])
    out = io.BytesIO()
    with pa.ipc.new_file(out, schema) as writer:
        for _ in range(2):
            writer.write_batch(pa.record_batch([pa.array([1, 2, 3])], schema))
    whole = out.getvalue()
    assert arrow_within(whole, 6)
    first, second = (struct.pack("<q", whole.index(b"\xff\xff\xff\xff", start)) for start in _batches(whole))
    assert whole.count(second) == 1
    with pytest.raises(Refused, match="no Arrow stream or file"):
        arrow_within(whole.replace(second, first), 100)


def _batches(whole: bytes) -> list[int]:
    """Where the two batches of a file begin: behind its schema."""
    marks = [place for place in range(8, len(whole)) if whole[place : place + 4] == b"\xff\xff\xff\xff"]
    return marks[1:3]


@pytest.mark.parametrize("file", [False, True])
def test_more_rows_than_allowed_are_refused_before_any_is_read(file: bool) -> None:
    with pytest.raises(Refused, match="3 rows; at most 2"):
        arrow_within(written(FRAME, file=file), 2)


def test_rows_that_take_no_room_count_too() -> None:
    schema = pa.schema([("nothing", pa.null())])
    out = io.BytesIO()
    with pa.ipc.new_stream(out, schema) as writer:
        for _ in range(3):
            writer.write_batch(pa.record_batch([pa.nulls(10**9)], schema))
    assert len(out.getvalue()) < 2000
    with pytest.raises(Refused, match="3,000,000,000 rows"):
        arrow_within(out.getvalue(), 10_000)


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_compressed_buffers_are_refused(compression: str) -> None:
    out = io.BytesIO()
    table = pa.table({"zeros": [0] * 1000})
    with pa.ipc.new_stream(out, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table)
    with pytest.raises(Refused, match="compressed") as refused:
        arrow_within(out.getvalue(), 10_000)
    assert refused.value.status == 415


def refused_with(body: bytes) -> int:
    """The status with which it is refused; 0 when it is not."""
    try:
        arrow_within(body, 10_000)
    except Refused as refused:
        return refused.status
    return 0


def test_whatever_is_spoilt_is_refused_or_left_to_the_reader() -> None:
    whole = bytearray(written(FRAME))
    assert refused_with(bytes(whole)) == 0
    seen = set()
    for position in range(len(whole)):
        spoilt = bytearray(whole)
        spoilt[position] ^= 0xFF
        seen |= {refused_with(bytes(spoilt)), refused_with(bytes(whole[:position]))}
    seen |= {refused_with(os.urandom(size)) for size in (0, 1, 7, 8, 9, 100, 5000)}
    assert seen <= {0, 400, 413, 415}
    assert {0, 400} <= seen


def test_texts_that_are_shared_until_they_are_read_are_counted_as_often_as_they_stand() -> None:
    frame = pl.DataFrame({"a": pl.Series(["x" * 90_000] * 200, dtype=pl.Categorical)})
    with pytest.raises(Refused, match=r"the rows have 18,000,000 bytes"):
        frame_within(frame, Limits())
    with pytest.raises(Refused, match=r"column 'a': a value of 90,000 bytes; at most 50,000"):
        frame_within(frame, Limits(text=50_000))
    with pytest.raises(Refused, match=r"200 rows; at most 100"):
        frame_within(frame, Limits(rows=100))
    assert frame_within(FRAME, Limits()) is FRAME
