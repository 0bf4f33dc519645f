"""Tables that are larger than they look."""

from __future__ import annotations

import io
import os
import struct
import time

import polars as pl
import pyarrow as pa
import pytest

from mlforge.service.limits import Limits
from mlforge.serving.access.arrow_shape import arrow_within
from mlforge.serving.access.csv_shape import csv_within
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


def test_shared_texts_are_counted_without_being_made() -> None:
    """Ten thousand rows of one long text were 900 MB for as long as it took to count them."""
    frame = pl.concat([pl.DataFrame({"rows": pl.Series(["x" * 90_000, None], dtype=pl.Categorical)})] * 5000)
    begun = time.process_time()
    with pytest.raises(Refused, match=r"the rows have 450,000,000 bytes"):
        frame_within(frame, Limits())
    assert time.process_time() - begun < 0.2


def _sent(table: pa.Table, *, file: bool = False) -> bytes:
    out = io.BytesIO()
    with (pa.ipc.new_file if file else pa.ipc.new_stream)(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


@pytest.mark.parametrize("file", [False, True])
@pytest.mark.parametrize(
    ("column", "says"),
    [
        (pa.RunEndEncodedArray.from_arrays(pa.array([2], pa.int32()), pa.array([39])), "run-end encoded"),
        (pa.array([[1], [2]], pa.list_view(pa.int64())), "a list view"),
        (pa.array([[[1]], []], pa.list_(pa.large_list_view(pa.int64()))), "a list view"),
        (pa.array([1, 2], pa.decimal256(50, 0)), "256 bits"),
        (pa.UnionArray.from_sparse(pa.array([0, 0], pa.int8()), [pa.array([1, 2])]), "a union"),
        (pa.array([pa.MonthDayNano([1, 1, 1])] * 2), "an interval"),
    ],
)
def test_a_column_over_which_polars_would_panic_is_told_by_name_and_type(column: pa.Array, says: str, file: bool) -> None:
    with pytest.raises(Refused, match=f"(item|age).*{says}"):
        arrow_within(_sent(pa.table({"age": column}), file=file), 10)


@pytest.mark.parametrize("file", [False, True])
def test_a_category_may_have_more_levels_than_a_request_may_have_rows(file: bool) -> None:
    column = pa.DictionaryArray.from_arrays(pa.array([0, 4999], pa.int32()), pa.array([f"level {number}" for number in range(5000)]))
    assert arrow_within(_sent(pa.table({"kind": column}), file=file), 2) == file


def test_levels_that_take_no_room_are_not_there() -> None:
    column = pa.DictionaryArray.from_arrays(pa.array([0], pa.int32()), pa.nulls(100_000))
    with pytest.raises(Refused, match="100,000 entries"):
        arrow_within(_sent(pa.table({"kind": column})), 2)


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(Refused, match="two columns 'age'"):
        arrow_within(_sent(pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["age", "age"])), 10)
    with pytest.raises(Refused, match="two columns 'age'"):
        csv_within(b'age,"age"\n1,2')


@pytest.mark.parametrize("head", [b'"a\nb",', b'a"b\n",', b"a,"])
def test_the_columns_of_a_csv_are_counted_as_its_reader_counts_them(head: bytes) -> None:
    """A line's end within quotes ends no head: 500,000 columns took a minute, and the worker was ended for it."""
    with pytest.raises(Refused, match="more than 10,000 columns"):
        csv_within(head + b",".join(b"c%d" % number for number in range(20_000)))


def test_blank_lines_around_a_csv_are_no_rows() -> None:
    assert csv_within(b"\xef\xbb\xbf\r\na,b,,\r\n1,2,,\r\n\r\n") == b"a,b,,\r\n1,2,,\n"
    assert csv_within(b"a\n1\n\n") == b"a\n1\n\n"
