"""A full disk ends a stage with a sentence, whichever library meets it first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from mlforge.errors import RunFailed
from mlforge.lifecycle.costs.limits import machine_limits

FULL = Path("/dev/full")
FRAME = pl.DataFrame({"a": [str(number * 7919) for number in range(200_000)]})


def by_python() -> None:
    with FULL.open("wb") as file:
        file.write(b"x" * 100_000)


def by_polars() -> None:
    FRAME.write_parquet(FULL)


def by_arrow() -> None:
    with FULL.open("wb") as file:  # given the path, Arrow would remove it when it cannot write: /dev/full itself
        pq.write_table(FRAME.to_arrow(), file)


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
@pytest.mark.parametrize("write", [by_python, by_polars, by_arrow])
def test_a_full_disk_is_told_as_such(write: Callable[[], None]) -> None:
    with pytest.raises(RunFailed, match="stage ingest: no space left on the disk"), machine_limits("ingest"):
        write()


def test_other_errors_pass_unchanged() -> None:
    with pytest.raises(ZeroDivisionError), machine_limits("ingest"):
        1 / 0  # noqa: B018
