"""Apache Iceberg tables, real ones: by folder, by metadata file, by name in a SQL catalogue; here and in S3."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from pydantic import ValidationError

from mlforge import secrets
from mlforge.builtin.sources.iceberg import Iceberg
from mlforge.errors import DataError, MissingRequirement
from mlforge.testing.project import TestProject

pytest.importorskip("pyiceberg", reason="needs mlforge[iceberg]")


class Warehouse:
    """A catalogue in a database, and a table shop.orders of two snapshots."""

    def __init__(self, folder: Path, place: str, url: str = "", **properties: str) -> None:
        from pyiceberg.catalog.sql import SqlCatalog

        self.url, self.place = url or f"sqlite:///{folder / 'catalog.db'}", place
        self.catalogue = SqlCatalog("main", uri=self.url, warehouse=place, **properties)
        self.catalogue.create_namespace("shop")
        self.table = self.catalogue.create_table("shop.orders", schema=pa.schema([("x", pa.int64()), ("s", pa.string())]))
        self.table.append(pa.table({"x": [1, 2], "s": ["a", None]}))
        self.first = self.table.current_snapshot().snapshot_id  # type: ignore[union-attr]  # it has one
        self.table.append(pa.table({"x": [3], "s": ["c"]}))

    def close(self) -> None:
        self.catalogue.engine.dispose()


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    made = Warehouse(tmp_path, f"file://{tmp_path}/warehouse")
    yield made
    made.close()


def rows(source: Iceberg) -> list[tuple[Any, ...]]:
    return pl.concat(source.batches(1000)).rows()


def by_name(warehouse: Warehouse, **fields: Any) -> Iceberg:
    return Iceberg(path=warehouse.place.removeprefix("file://"), catalog=warehouse.url, table="shop.orders", **fields)


def test_a_table_is_found_by_folder_metadata_file_and_name(warehouse: Warehouse) -> None:
    expected = [(3, "c"), (1, "a"), (2, None)]
    folder = warehouse.table.location().removeprefix("file://")
    found = [Iceberg(path=folder), Iceberg(path=warehouse.table.metadata_location.removeprefix("file://")), by_name(warehouse)]
    assert [rows(source) for source in found] == [expected] * 3
    assert len({source.fingerprint() for source in found}) == 1
    assert rows(by_name(warehouse, snapshot=warehouse.first)) == [(1, "a"), (2, None)]
    assert found[0].scan().filter(pl.col("x") > 2).select("s").collect().rows() == [("c",)]


def test_a_table_is_known_by_its_snapshot_and_schema(warehouse: Warehouse) -> None:
    newest, first = by_name(warehouse), by_name(warehouse, snapshot=warehouse.first)
    seen = [newest.fingerprint()]
    fixed = first.fingerprint()
    warehouse.table.append(pa.table({"x": [4], "s": ["d"]}))
    seen.append(newest.fingerprint())
    with warehouse.table.update_schema() as change:
        change.rename_column("s", "letter")
    seen.append(newest.fingerprint())
    assert len(set(seen)) == 3
    assert first.fingerprint() == fixed
    assert newest.scan().collect_schema().names() == ["x", "letter"]
    assert first.scan().collect_schema().names() == ["x", "s"]


def test_a_metadata_file_is_watched_and_what_points_at_one_is_asked(warehouse: Warehouse) -> None:
    file = warehouse.table.metadata_location.removeprefix("file://")
    assert Iceberg(path=file).watched() == (Path(file),)
    assert by_name(warehouse).watched() is None
    assert Iceberg(path=str(Path(file).parent.parent)).watched() is None


def test_rows_that_were_deleted_do_not_come(warehouse: Warehouse) -> None:
    warehouse.table.delete("x = 1")
    assert sorted(rows(by_name(warehouse))) == [(2, None), (3, "c")]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"table": "shop.order"}, "the catalogue has no table shop.order"),
        ({"table": "shop.orders", "catalog_name": "other"}, "the catalogue has no table shop.orders"),
        ({"table": "shop.orders", "snapshot": 5}, "has no snapshot 5; the latest are "),
    ],
)
def test_what_the_catalogue_or_table_lacks_is_told(warehouse: Warehouse, fields: dict[str, Any], told: str) -> None:
    with pytest.raises(DataError, match=told):
        Iceberg(path=warehouse.place.removeprefix("file://"), catalog=warehouse.url, **fields).fingerprint()


def test_several_catalogues_in_one_database_are_told_apart(warehouse: Warehouse) -> None:
    with sqlite3.connect(warehouse.url.removeprefix("sqlite:///")) as connection:
        connection.execute("INSERT INTO iceberg_tables SELECT 'other', table_namespace, table_name, metadata_location, NULL, NULL FROM iceberg_tables")
    connection.close()
    with pytest.raises(DataError, match="in several catalogues: main, other"):
        by_name(warehouse).fingerprint()
    assert len(rows(by_name(warehouse, catalog_name="main"))) == 3


def test_an_empty_table_and_a_folder_that_is_none_are_told(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.catalogue.create_table("shop.empty", schema=pa.schema([("x", pa.int64())]))
    for path, told in [
        (f"{tmp_path}/warehouse/shop/empty", "has no rows"),
        (str(tmp_path), "is no Iceberg table: it has no metadata"),
        (f"{tmp_path}/nowhere", "is no Iceberg table: it has no metadata"),
        (f"{tmp_path}/nowhere/metadata/v1.metadata.json", "is no Iceberg table that can be read"),
    ]:
        with pytest.raises(DataError, match=told):
            Iceberg(path=path).scan()


def test_metadata_that_is_damaged_or_ambiguous_is_told(warehouse: Warehouse) -> None:
    file = Path(warehouse.table.metadata_location.removeprefix("file://"))
    twin = file.with_name("00002-twin.metadata.json")
    twin.write_bytes(file.read_bytes())
    with pytest.raises(DataError, match="two metadata files of one number"):
        Iceberg(path=str(file.parent.parent)).fingerprint()
    twin.write_bytes(file.read_bytes()[:200])
    with pytest.raises(DataError, match="is no Iceberg table that can be read"):
        Iceberg(path=str(twin)).fingerprint()


def test_a_file_of_the_table_that_is_gone_is_told(warehouse: Warehouse) -> None:
    source = by_name(warehouse)
    next(Path(warehouse.place.removeprefix("file://")).rglob("*.parquet")).unlink()
    with pytest.raises(DataError, match=r"the table shop.orders in .* cannot be read to its end"):
        rows(source)


def test_a_table_cannot_point_at_files_elsewhere(warehouse: Warehouse, tmp_path: Path) -> None:
    """By a link, and by what the catalogue says."""
    folder = Path(warehouse.table.location().removeprefix("file://"))
    file = next(folder.rglob("*.parquet"))
    file.rename(tmp_path / "elsewhere.parquet")
    file.symlink_to(tmp_path / "elsewhere.parquet")
    with pytest.raises(DataError, match="of which a file lies elsewhere"):
        Iceberg(path=str(folder)).scan()
    with pytest.raises(DataError, match="of which a file lies elsewhere"):
        Iceberg(path=str(tmp_path / "warehouse" / "other"), catalog=warehouse.url, table="shop.orders").fingerprint()


def test_a_catalogue_in_postgresql_and_one_that_does_not_let_us_in(postgres_url: str, tmp_path: Path) -> None:
    made = Warehouse(tmp_path, f"file://{tmp_path}/warehouse", url=postgres_url)
    made.close()
    assert len(rows(by_name(made))) == 3
    try:
        for url in (postgres_url.replace("postgres@/", "nobody_here:hunter2secret@/"), "postgresql+psycopg://someone:hunter2secret@127.0.0.1:9/db"):
            with pytest.raises(MissingRequirement, match=r"source.catalog: cannot connect to postgresql") as caught:
                Iceberg(path=str(tmp_path), catalog=url, table="shop.orders").fingerprint()
            assert "hunter2" not in str(caught.value)
    finally:
        secrets.forget()


def test_a_catalogue_and_a_table_go_together() -> None:
    with pytest.raises(ValidationError, match="catalog and table go together"):
        Iceberg(path="x", table="shop.orders")
    with pytest.raises(ValidationError, match="catalog_name belongs to catalog"):
        Iceberg(path="x", catalog_name="main")


def test_a_table_in_s3(bucket: Any, s3_server: str, tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path, f"{bucket.url}/warehouse", **{"s3.endpoint": s3_server, "s3.region": "us-east-1"})
    assert rows(by_name(warehouse)) == [(3, "c"), (1, "a"), (2, None)]
    assert rows(Iceberg(path=warehouse.table.location())) == rows(by_name(warehouse))
    warehouse.close()
    with pytest.raises(DataError, match="it has no metadata"):
        Iceberg(path=f"{bucket.url}/nowhere").fingerprint()


RECIPE = """
    mlforge: 1
    defaults: [lifecycle, {source: iceberg}, _self_]
    name: orders
    source: {path: warehouse, catalog: "sqlite:///catalog.db", table: shop.orders}
    contract:
      columns:
        x: {dtype: int}
        s: {dtype: string, nullable: true}
"""


def test_a_recipe_reads_a_table_by_its_name_and_again_when_it_has_a_new_snapshot(project: TestProject) -> None:
    warehouse = Warehouse(project.root, f"file://{project.root}/warehouse")
    project.write(orders=RECIPE, elsewhere=RECIPE.replace("///catalog.db", f"///{project.root.parent}/catalog.db"), none=RECIPE.replace(".orders", ".none"))
    try:
        states = []
        for _ in range(2):
            for _ in range(2):
                outcome = project.run("run", "orders", "--json")
                assert outcome.code == 0, outcome.text
                states.append(outcome.json["stages"][0]["state"])
            warehouse.table.append(pa.table({"x": [4], "s": ["d"]}))
        assert states == ["run", "reuse"] * 2
        outcome = project.run("check", "elsewhere")
        assert (outcome.code, "source.catalog" in outcome.text, "lies outside the project's roots" in outcome.text) == (2, True, True), outcome.text
        outcome = project.run("run", "none")
        assert (outcome.code, "the catalogue has no table shop.none" in outcome.text) == (3, True), outcome.text
    finally:
        warehouse.close()
