"""The delta source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from mlforge.builtin.sources.lake import Lake, s3_settings
from mlforge.components import InputPath, Source
from mlforge.errors import DataError, MissingRequirement

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Delta"]


class Delta(Source):
    """A Delta Lake table: its newest version, or the one that is named."""

    requires: ClassVar[tuple[str, ...]] = ("deltalake",)
    libraries: ClassVar[tuple[str, ...]] = ("polars", "deltalake")

    path: InputPath = Field(description="folder of the table, or its URL")
    version: int | None = Field(default=None, ge=0, description="version of the table; the newest when it is not given")

    def fingerprint(self) -> str:
        """The table's id and version: no row is read."""
        table = self._table()
        return f"delta {table.metadata().id} version {table.version()}"

    def scan(self) -> pl.LazyFrame:
        """The rows, file after file in the order in which the table lists them."""
        import polars as pl

        table = self._table()
        lake = Lake(self.path)
        for uri in table.file_uris():
            lake.within(uri)
        try:
            return pl.scan_delta(table, storage_options=self._options())
        except (pl.exceptions.PolarsError, OSError, ValueError) as error:
            raise self.diagnose(error) from None

    def _table(self) -> Any:
        """The table, which has no types that we could name."""
        try:
            from deltalake import DeltaTable
            from deltalake.exceptions import DeltaError
        except ImportError:
            raise MissingRequirement("source/delta needs deltalake", hint="pip install 'mlforge[delta]'") from None
        try:
            return DeltaTable(self.path, version=self.version, storage_options=self._options())
        except (DeltaError, OSError, ValueError) as error:
            told = str(error).strip().splitlines()[0][:200]
            raise DataError(f"source.path: {self.path} is no Delta table, or has no such version: {told}", hint="Name the folder with _delta_log.") from None

    def _options(self) -> dict[str, str] | None:
        endpoint = s3_settings().get("endpoint", "") if self.path.startswith("s3") else ""
        return {"endpoint_url": endpoint, "allow_http": str(endpoint.startswith("http://")).lower()} if endpoint else None
