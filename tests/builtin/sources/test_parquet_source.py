"""What the parquet source reads, and what it says of files that it cannot read."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from mlforge.builtin.sources.parquet import Parquet
from mlforge.errors import DataError


def test_files_come_with_their_types_in_order_of_their_names(tmp_path: Path) -> None:
    for name, value in [("b", 2), ("a", 1)]:
        pl.DataFrame({"x": [value], "y": ["z"]}).write_parquet(tmp_path / f"{name}.parquet")
    assert Parquet(path=str(tmp_path / "*.parquet")).scan().collect().rows() == [(1, "z"), (2, "z")]


def test_batches_have_the_same_rows_whatever_the_row_groups(tmp_path: Path) -> None:
    pl.DataFrame({"x": range(1000)}).write_parquet(tmp_path / "a.parquet", row_group_size=7)
    frames = list(Parquet(path=str(tmp_path / "a.parquet")).batches(300))
    assert [frame.height for frame in frames] == [300, 300, 300, 100]
    assert pl.concat(frames)["x"].to_list() == list(range(1000))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "x.parquet"
    pl.DataFrame({"x": [str(number * 7919 % 10007) for number in range(20_000)]}).write_parquet(path)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("cut", "told"),
    [
        (lambda whole: b"", "is empty"),
        (lambda whole: whole[: len(whole) // 2], "is truncated"),
        (lambda whole: whole[:-1], "is truncated"),
        (lambda whole: b"a,b\n1,2\n", "is no parquet file"),
        (lambda whole: whole[:200] + bytes(2000) + whole[2200:], "is damaged"),
        (lambda whole: whole[:-120] + bytes(112) + whole[-8:], "is damaged"),
    ],
    ids=["empty", "half", "one byte short", "text", "pages", "footer"],
)
def test_a_broken_file_is_a_data_error_that_names_it(tmp_path: Path, whole: bytes, cut: object, told: str) -> None:
    path = tmp_path / "data.parquet"
    path.write_bytes(cut(whole))  # type: ignore[operator]
    with pytest.raises(DataError, match=rf"data\.parquet {told}") as caught:
        list(Parquet(path=str(path)).batches(1000))
    assert caught.value.hint


def test_a_file_without_rows_is_a_data_error(tmp_path: Path) -> None:
    pl.DataFrame({"x": []}, schema={"x": pl.Int64}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match="has no rows"):
        Parquet(path=str(tmp_path / "a.parquet")).scan()


@pytest.mark.parametrize(
    ("other", "told"), [({"x": ["1"]}, "'x' is String in .*b.parquet and Int64"), ({"x": [1], "y": [1]}, "'y' is Int64"), ({}, "'x' is absent")]
)
def test_files_of_a_glob_must_have_the_same_columns(tmp_path: Path, other: dict[str, list[object]], told: str) -> None:
    pl.DataFrame({"x": [1]}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame(other).write_parquet(tmp_path / "b.parquet")
    with pytest.raises(DataError, match=told):
        Parquet(path=str(tmp_path / "*.parquet")).scan()
