"""Writing the rows of each source, with tools of its own, where the tests of bad inputs expect them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow as pa

__all__ = ["written"]


def written(folder: Path, name: str, frame: pl.DataFrame) -> None:
    """Write or add to the rows of a source, with the tools of its own."""
    kind = name.partition(" ")[0]
    _WRITERS[kind](folder, frame)


def _arrow(folder: Path, frame: pl.DataFrame) -> None:
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    with pa.OSFile(str(folder / "rows.arrows"), "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table)


def _iceberg(folder: Path, frame: pl.DataFrame) -> None:
    from pyiceberg.catalog.sql import SqlCatalog

    catalogue = SqlCatalog("main", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}/iceberg")
    catalogue.create_namespace_if_not_exists("shop")
    rows = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    table = catalogue.create_table_if_not_exists("shop.rows", schema=rows.schema)
    if frame.height:
        table.append(rows)
    catalogue.engine.dispose()


def _database(folder: Path, frame: pl.DataFrame) -> None:
    with sqlite3.connect(folder / "rows.db") as connection:
        columns = ", ".join(frame.columns)
        connection.execute(f"CREATE TABLE IF NOT EXISTS rows ({columns})")
        connection.executemany(f"INSERT INTO rows ({columns}) VALUES ({', '.join('?' * frame.width)})", frame.rows())
    connection.close()


_WRITERS: dict[str, Callable[[Path, pl.DataFrame], object]] = {
    "csv": lambda folder, frame: frame.write_csv(folder / "rows.csv"),
    "json_lines": lambda folder, frame: frame.write_ndjson(folder / "rows.jsonl"),
    "parquet": lambda folder, frame: frame.write_parquet(folder / "rows.parquet"),
    "arrow": _arrow,
    "excel": lambda folder, frame: frame.write_excel(folder / "rows.xlsx"),
    "delta": lambda folder, frame: frame.write_delta(str(folder / "delta"), mode="append"),
    "iceberg": _iceberg,
    "sql": _database,
}
