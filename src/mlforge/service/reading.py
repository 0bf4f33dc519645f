"""A server's log, read: the rows of a time with their answers, and the labels that came later.

log = Log("served", "adult")
log.requests(version=4, since=monday).collect()
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mlforge.errors import DataError
from mlforge.runtime.file_systems import file_system
from mlforge.secrets import mask
from mlforge.service.layout import FEEDBACK, ID, LABEL, REQUESTS, ROW, SUFFIX, TIME, VERSION, Part, written_at

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Log"]

_LATE = timedelta(hours=2)  # longest that a row waits to be written: `flush_seconds` at its largest, and as much again


@dataclass(frozen=True, slots=True)
class Log:
    """The log of one model."""

    path: str  # folder or URL, as `serve.log.path` has it
    model: str

    def requests(self, *, version: int | None = None, since: datetime | None = None, until: datetime | None = None) -> pl.LazyFrame:
        """Rows and answers, in the order in which they were asked; of one version, or of all, with null where a version has no such column.

        `since` is within, `until` is not; a time without a zone is UTC. Without any row, a frame of the log's own columns.
        """
        return self._read(REQUESTS, version, since, until).sort(TIME, ID, ROW)

    def labels(self, *, since: datetime | None = None) -> pl.LazyFrame:
        """What was true, for each request and row that a label came for: the last that came. `since`: of those that came then or later."""
        return self._read(FEEDBACK, None, since, None).sort(TIME).unique(subset=[ID, ROW], keep="last", maintain_order=True)

    def labelled(self, *, version: int | None = None, since: datetime | None = None, until: datetime | None = None) -> pl.LazyFrame:
        """`requests`, with `label` beside each row, null where none has come, and when it came as `label_time`."""
        earliest = since - _LATE if since is not None else None  # a label comes after its row, by whichever worker's clock
        labels = self.labels(since=earliest).rename({TIME: "label_time"})
        return self.requests(version=version, since=since, until=until).join(labels, on=[ID, ROW], how="left", maintain_order="left")

    def unmatched(self) -> pl.LazyFrame:
        """Labels for rows that the log does not have: not sampled, gone with the oldest files, or never asked."""
        return self.labels().join(self._read(REQUESTS, None, None, None).select(ID, ROW), on=[ID, ROW], how="anti", maintain_order="left")

    def versions(self) -> tuple[int, ...]:
        """The versions of which there are rows."""
        system, path = self._place(REQUESTS)
        names = (str(found).rstrip("/").rpartition("/")[2] for found in _listed(system, path))
        return tuple(sorted(int(name) for name in names if name.isdigit()))

    def files(self, part: Part, version: int | None = None, since: datetime | None = None, until: datetime | None = None) -> list[str]:
        """Paths of the files that may hold rows of that time, the oldest first."""
        system, path = self._place(part)
        below = f"{path}/{version}" if version is not None else path
        dated = [(name, at) for name in _found(system, below) if (at := written_at(name)) is not None]
        first, last = _zoned(since), _zoned(until)
        kept = [(at, name) for name, at in dated if (first is None or at >= first) and (last is None or at < last + _LATE)]
        return [name for _, name in sorted(kept)]

    def _read(self, part: Part, version: int | None, since: datetime | None, until: datetime | None) -> pl.LazyFrame:
        import polars as pl

        system, _ = self._place(part)
        files = self.files(part, version, since, until)
        if not files:
            return _nothing(part)
        local = "file" in _protocols(system)
        try:
            parts = [pl.scan_parquet(name, glob=False, hive_partitioning=False) if local else pl.read_parquet(system.cat_file(name)).lazy() for name in files]
            rows = pl.concat(parts, how="diagonal_relaxed")
            return rows.filter(_between(since, until))
        except (OSError, pl.exceptions.PolarsError) as error:
            raise DataError(f"{mask(self.path)}: the log cannot be read: {str(error)[:200]}", hint="Is it a log that mlforge serve has written?") from None

    def _place(self, part: Part) -> tuple[Any, str]:
        system, path = file_system(self.path)
        return system, f"{path.rstrip('/')}/{part}/{self.model}"


def _between(since: datetime | None, until: datetime | None) -> pl.Expr:
    import polars as pl

    inside = pl.lit(value=True)
    if (first := _zoned(since)) is not None:
        inside = inside & (pl.col(TIME) >= first.replace(tzinfo=None))
    if (last := _zoned(until)) is not None:
        inside = inside & (pl.col(TIME) < last.replace(tzinfo=None))
    return inside


def _zoned(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _protocols(system: Any) -> tuple[str, ...]:
    return (system.protocol,) if isinstance(system.protocol, str) else tuple(system.protocol)


def _listed(system: Any, path: str) -> list[str]:
    try:
        system.invalidate_cache()
        return [str(name) for name in system.ls(path, detail=False)]
    except FileNotFoundError:
        return []


def _found(system: Any, path: str) -> Iterator[str]:
    try:
        system.invalidate_cache()
        yield from (str(name) for name in system.find(path) if str(name).endswith(SUFFIX))
    except FileNotFoundError:
        return


def _nothing(part: Part) -> pl.LazyFrame:
    import polars as pl

    own = {ID: pl.String(), ROW: pl.Int32(), TIME: pl.Datetime("us")}
    return pl.LazyFrame(schema=own | ({LABEL: pl.String()} if part == FEEDBACK else {VERSION: pl.Int32()}))
