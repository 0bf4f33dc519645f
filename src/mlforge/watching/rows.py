"""The rows of a request log that a retraining learns from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self

from mlforge.artifact import write_json
from mlforge.contract import Contract
from mlforge.service.layout import ID, LABEL, LANE, ROW, TIME
from mlforge.service.reading import Log
from mlforge.service.retrain import Training

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Gathered", "Rows"]

_SHADOW = "shadow"  # copies that nobody was told of: their originals are there too
_LABELLED = "label_time"


@dataclass(frozen=True)
class Rows:
    """The rows of one model's log. Times are in UTC; what comes at `until` or later does not count."""

    log: Log
    contract: Contract

    def asked(self, since: datetime, until: datetime) -> int:
        """Rows that were asked about."""
        return _count(self._answered(self.log.requests(since=since, until=until)))

    def labels(self, since: datetime, until: datetime) -> int:
        """Labels that came."""
        import polars as pl

        return _count(self.log.labels(since=since).filter(pl.col(TIME) < _naive(until)))

    def labelled(self, training: Training, until: datetime) -> int:
        """Labelled rows that a retraining would have."""
        return _count(self._window(training, until))

    def gather(self, training: Training, until: datetime, folder: Path) -> Gathered:
        """Write the rows into a folder, under their real names, the oldest first; what is there already stays, so that a retraining can be done again."""
        file = folder / "rows.parquet"
        if file.exists():
            return Gathered.read(folder)
        folder.mkdir(parents=True, exist_ok=True)
        whole = self._window(training, until).collect()
        first, rows = whole[TIME].min(), self._thinned(whole, training, until)
        made = Gathered(file, rows.height, _share(training, first if isinstance(first, datetime) else None, until))
        made.note(folder)
        draft = folder / f"rows.{os.getpid()}.draft"
        self._named(rows).write_parquet(draft, row_group_size=65_536)
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        draft.rename(file)
        return made

    def _window(self, training: Training, until: datetime) -> pl.LazyFrame:
        """The labelled rows, the oldest first."""
        import polars as pl

        since = until - timedelta(seconds=training.span) if training.window == "sliding" and training.span is not None else None
        rows = self._answered(self.log.labelled(since=since, until=until))
        if LABEL not in rows.collect_schema().names() or _LABELLED not in rows.collect_schema().names():
            return rows.filter(pl.lit(value=False))
        rows = rows.filter(pl.col(LABEL).is_not_null() & (pl.col(_LABELLED) < _naive(until))).sort(TIME, ID, ROW)
        return rows.tail(training.newest) if training.newest is not None else rows

    @staticmethod
    def _answered(rows: pl.LazyFrame) -> pl.LazyFrame:
        import polars as pl

        return rows.filter(pl.col(LANE) != _SHADOW) if LANE in rows.collect_schema().names() else rows

    @staticmethod
    def _thinned(rows: pl.DataFrame, training: Training, until: datetime) -> pl.DataFrame:
        """Of older rows a sample that halves with their age, drawn by what they are; the newest, which judge, are all there."""
        import polars as pl

        if training.half_life is None:
            return rows
        age = (pl.lit(_naive(until)) - pl.col(TIME)).dt.total_milliseconds() / 1000
        chance = pl.struct(ID, ROW).hash(0).cast(pl.Float64) / 2.0**64
        judging = pl.int_range(pl.len()) >= pl.len() * (1 - training.judged_by)
        return rows.filter(judging | (chance < (0.5 ** (age / training.half_life))))

    def _named(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Under the names that a source gives them: the label as the target, the time of the request where the contract has one."""
        import polars as pl

        contract = self.contract
        made: dict[str, pl.Expr] = {}
        for key, column in contract.columns.items():
            if column.role == "target":
                made[contract.real_name(key)] = pl.col(LABEL)
            elif key in rows.columns:
                made[contract.real_name(key)] = pl.col(key)
            elif column.role == "time":
                made[contract.real_name(key)] = pl.col(TIME)
            elif column.role != "ignore":
                made[contract.real_name(key)] = pl.lit(None, dtype=pl.String)
        return rows.select(expression.alias(name) for name, expression in made.items())


@dataclass(frozen=True)
class Gathered:
    """Rows that were written for one retraining."""

    file: Path
    count: int
    share: float  # of the recipe's source that is taken beside them; 0 leaves it out

    @classmethod
    def read(cls, folder: Path) -> Self:
        """What was written there before."""
        import json

        told: Mapping[str, float] = json.loads((folder / "rows.json").read_text(encoding="utf-8"))
        return cls(folder / "rows.parquet", int(told["count"]), float(told["share"]))

    def note(self, folder: Path) -> None:
        """Write down what there is besides the rows; before them, since they are what says that all is there."""
        write_json(folder / "rows.json", {"count": self.count, "share": self.share})


def _share(training: Training, first: datetime | None, until: datetime) -> float:
    """How much of the source is taken: as if it were as old as the first row of the log."""
    if training.window == "sliding":
        return 0.0
    if training.half_life is None or first is None:
        return 1.0
    age = (_naive(until) - first).total_seconds()
    return float(max(0.5 ** (age / training.half_life), 0.001))


def _count(rows: pl.LazyFrame) -> int:
    import polars as pl

    return int(rows.select(pl.len()).collect().item())


def _naive(moment: datetime) -> datetime:
    """As the log has it: UTC, and without a zone."""
    return moment.astimezone(UTC).replace(tzinfo=None)
