"""A sink's file is there whole, or as it was before."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from mlforge.errors import MlforgeError, RecipeError, RunFailed
from mlforge.runtime.sink import Sink

SCHEMA = {"a": pl.Int64, "b": pl.String}
FRAMES = [pl.DataFrame(columns, schema=SCHEMA) for columns in ({"a": [1, 2], "b": ["x", 'y,"z"\n']}, {"a": [], "b": []}, {"a": [3], "b": [None]})]
READ = {".csv": pl.read_csv, ".parquet": pl.read_parquet, ".jsonl": pl.read_ndjson}


@pytest.mark.parametrize("suffix", list(READ))
@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2)])
def test_frames_are_appended(tmp_path: Path, suffix: str, order: tuple[int, ...]) -> None:
    target = tmp_path / f"out{suffix}"
    with Sink.open(target) as sink:
        for index in order:
            sink.write(FRAMES[index])
        assert not target.exists()
        sink.commit()
    assert READ[suffix](target).rows() == [(1, "x"), (2, 'y,"z"\n'), (3, None)]
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("suffix", list(READ))
def test_without_a_commit_the_target_is_what_it_was(tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"out{suffix}"
    target.write_text("before")

    def half_way() -> None:
        with Sink.open(target) as sink:
            sink.write(FRAMES[0])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_way()
    with Sink.open(target) as sink:
        sink.write(FRAMES[0])
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_an_unknown_ending_is_refused_with_those_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"Did you mean \.parquet"):
        Sink.open(tmp_path / "out.parqet")
    with pytest.raises(RecipeError, match=r"\.csv, \.parquet, \.jsonl"):
        Sink.open(tmp_path / "out.xlsx")


@pytest.mark.parametrize("path", ["missing/out.csv", "file/out.csv", "folder.csv"])
def test_a_place_that_cannot_be_written_is_said_at_once(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(RunFailed, match=path) as refused:
        Sink.open(tmp_path / path)
    assert refused.value.exit_code == 6


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("suffix", list(READ))
def test_a_full_disk_is_an_error_that_says_what_to_do(tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"out{suffix}"
    sink = Sink.open(target)
    sink._file.close()
    sink._file = Path("/dev/full").open("wb")  # noqa: SIM115 - the sink closes it

    def fill() -> None:
        with sink:
            sink.write(pl.DataFrame({"a": range(100_000)}))
            sink.commit()

    with pytest.raises(MlforgeError, match="Make room"):
        fill()
    assert not list(tmp_path.iterdir())
