"""The iceberg source."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, model_validator

from mlforge.builtin.sources.files import watched
from mlforge.builtin.sources.lake import Lake, s3_settings
from mlforge.components import InputPath, Source
from mlforge.errors import DataError, MissingRequirement
from mlforge.runtime.databases import connected, engine_at, told
from mlforge.secrets import mask

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

__all__ = ["Iceberg"]

_CATALOGUE = "SELECT catalog_name, metadata_location FROM iceberg_tables WHERE table_namespace = :namespace AND table_name = :name ORDER BY catalog_name"


class Iceberg(Source):
    """An Apache Iceberg table: its newest snapshot, or the one that is named.

    The table is found by its folder or metadata file, or by its name in a SQL catalogue (the layout of JDBC and PyIceberg). Every file that its metadata names
    must lie below `path`.
    """

    requires: ClassVar[tuple[str, ...]] = ("pyiceberg",)
    libraries: ClassVar[tuple[str, ...]] = ("polars", "pyiceberg")

    path: InputPath = Field(description="the table's folder or metadata file, or their URL; with a catalogue, the folder or URL below which its tables lie")
    catalog: InputPath | None = Field(default=None, description="SQLAlchemy URL of a SQL catalogue, such as sqlite:///warehouse/catalog.db")
    catalog_name: str | None = Field(default=None, min_length=1, description="name of the catalogue, where the database holds several")
    table: str | None = Field(default=None, pattern=r".\..", description="name of the table in the catalogue, with its namespace: shop.orders")
    snapshot: int | None = Field(default=None, ge=0, description="id of the snapshot; the newest when it is not given")

    @model_validator(mode="after")
    def _named_where_named(self) -> Self:
        if (self.catalog is None) != (self.table is None):
            raise ValueError("catalog and table go together")
        if self.catalog_name is not None and self.catalog is None:
            raise ValueError("catalog_name belongs to catalog")
        return self

    def fingerprint(self) -> str:
        """The table's id and snapshot, and the schema that it is read by: no row is read."""
        metadata = self._table().metadata
        snapshot = self._snapshot(metadata)
        schema = snapshot.schema_id if self.snapshot is not None else metadata.current_schema_id
        return f"iceberg {metadata.table_uuid} snapshot {snapshot.snapshot_id} schema {schema}"

    def watched(self) -> tuple[Path, ...] | None:
        """The metadata file, which is written once and names all others; None for what can point at another one."""
        return watched(self.path) if self.catalog is None and self.path.endswith(".metadata.json") else None

    def scan(self) -> pl.LazyFrame:
        """The rows, file after file in the order in which the snapshot lists them."""
        import polars as pl

        table = self._table()
        self._looked_over(table, self._snapshot(table.metadata))
        os.environ.setdefault("POLARS_ICEBERG_PLANNER", "pyiceberg")  # the other planner is a package of its own, and Polars warns of its absence
        return pl.scan_iceberg(table, snapshot_id=self.snapshot)

    def diagnose(self, error: Exception) -> DataError:
        """Which table could not be read to its end, and what Polars says of it."""
        first = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        return DataError(f"source.path: {self._named} cannot be read to its end: {first}", hint="Is a file of the table gone or damaged?")

    @property
    def _named(self) -> str:
        return f"the table {self.table} in {mask(self.path)}" if self.table else mask(self.path)

    def _table(self) -> Any:
        """The table as its metadata file has it. PyIceberg gives it no type that we could name."""
        try:
            from pyiceberg.table import StaticTable
        except ImportError:
            raise MissingRequirement("source/iceberg needs pyiceberg", hint="pip install 'mlforge[iceberg]'") from None
        lake = Lake(self.path)
        place = lake.within(self._registered()) if self.catalog is not None else lake.metadata()
        try:
            return StaticTable.from_metadata(place, {f"s3.{name}": value for name, value in s3_settings().items()})
        except Exception as error:  # whatever PyIceberg and the package for this store raise
            first = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
            raise DataError(f"source.path: {self._named} is no Iceberg table that can be read: {first}", hint="Name its folder or metadata file.") from None

    def _registered(self) -> str:
        """Where the catalogue says that the metadata lies."""
        from sqlalchemy import text
        from sqlalchemy.exc import SQLAlchemyError

        namespace, _, name = str(self.table).rpartition(".")
        engine = engine_at(str(self.catalog), "source.catalog")
        try:
            with connected(engine, "source.catalog") as connection:
                found = [tuple(row) for row in connection.execute(text(_CATALOGUE), {"namespace": namespace, "name": name})]
        except SQLAlchemyError as error:
            raise told(error, "source.catalog") from None
        finally:
            engine.dispose()
        found = [row for row in found if self.catalog_name in (None, row[0])]
        if len(found) > 1:
            names = ", ".join(str(row[0]) for row in found[:10])
            raise DataError(f"source.table: {self.table} is in several catalogues: {names}", hint="Say which: source.catalog_name.")
        if not found or not found[0][1]:
            raise DataError(f"source.table: the catalogue has no table {self.table}", hint="Write it with its namespace: shop.orders.")
        return str(found[0][1])

    def _snapshot(self, metadata: Any) -> Any:
        wanted = metadata.current_snapshot_id if self.snapshot is None else self.snapshot
        found = next((one for one in metadata.snapshots if one.snapshot_id == wanted), None)
        if found is None and self.snapshot is None:
            raise DataError(f"source.path: {self._named} has no rows", hint="Is it the right table?")
        if found is None:
            known = ", ".join(str(one.snapshot_id) for one in metadata.snapshots[-5:]) or "none"
            raise DataError(f"source.snapshot: {self._named} has no snapshot {self.snapshot}; the latest are {known}", hint="Old ones expire.")
        return found

    def _looked_over(self, table: Any, snapshot: Any) -> None:
        """See that each file lies below `path`, before any is opened."""
        lake = Lake(self.path)
        try:
            lake.within(snapshot.manifest_list)
            for manifest in snapshot.manifests(table.io):
                lake.within(manifest.manifest_path)
            for task in table.scan(snapshot_id=snapshot.snapshot_id).plan_files():
                for file in (task.file, *task.delete_files):
                    lake.within(file.file_path)
        except DataError:
            raise
        except Exception as error:  # whatever PyIceberg and the package for this store raise
            raise self.diagnose(error) from None
