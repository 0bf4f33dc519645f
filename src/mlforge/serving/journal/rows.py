"""From batches to rows of the log: the graph's inputs as the contract types them, beside what came of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from zlib import crc32

from mlforge.runtime.casts import STRINGS
from mlforge.service.layout import ID, LANE, LATENCY, ROW, TIME, VERSION

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from mlforge.contract import Column
    from mlforge.serving.batcher import Ask, Batch
    from mlforge.serving.lane import Lane

__all__ = ["Entry", "Rows"]

Entry = tuple[str, "Batch"]  # the lane's role, and what went through it
_FIRST = (ID, ROW, TIME, VERSION, LANE, LATENCY)
_SMALL = 8  # rows of a batch
_Typed = Callable[["np.ndarray"], "pl.Series"]


class Rows:
    """Makes the rows of one engine. What its graph took is what the protections left: raw values are nowhere to be had here."""

    def __init__(self, lane: Lane, columns: Sequence[str] | None, sample: float) -> None:
        engine = lane.engine
        contract = engine.bundle.protected or engine.contract
        self.model, self.version = engine.name, engine.version
        self._kept = [
            (place, key, _typer(contract.columns[key]))
            for place, key in enumerate(engine.inputs)
            if key in contract.columns and (columns is None or key in columns)
        ]
        self._arrays = lane.door.columns.of
        self._bound = round(sample * 2**32)
        self._whole = sample >= 1

    def frame(self, entries: Sequence[Entry], wall: float) -> pl.DataFrame | None:
        """The rows of these batches; None when there are none. `wall` is what to add to the clock of a batch for the time of day."""
        import numpy as np
        import polars as pl

        entries = [entry for entry in entries if entry[1].columns]
        if not entries:
            return None
        asks = [ask for _, batch in entries for ask in batch.asks]
        counts = np.fromiter((ask.load.good for ask in asks), np.int64, len(asks))
        single = len(asks) == counts.sum() and counts.max() == 1
        owners = None if single else np.repeat(np.arange(len(asks)), counts)  # for each row, which request it is of
        made = {name: column if owners is None else column.gather(owners) for name, column in self._asked(entries, asks, wall).items()}
        made[ROW] = pl.Series(_positions(asks, counts), dtype=pl.Int32)
        columns = self._columns(entries, asks, int(counts.sum()))
        made |= {key: typed(columns[place]) for place, key, typed in self._kept}
        made |= self._outputs([batch for _, batch in entries])
        rows = pl.DataFrame({name: made.pop(name) for name in _FIRST} | made)
        if self._whole:
            return rows
        sampled = pl.Series([self._sampled(ask.id) for ask in asks], dtype=pl.Boolean)
        return rows.filter(sampled if owners is None else sampled.gather(owners))

    def _columns(self, entries: Sequence[Entry], asks: Sequence[Ask], rows: int) -> Sequence[np.ndarray]:
        """The graph's inputs for all rows: made once more where batches are small, which is quicker than to join thousands of arrays of a cell each."""
        if rows < _SMALL * len(entries):
            return self._arrays([ask.load for ask in asks])
        return [_joined(parts) for parts in zip(*(batch.columns for _, batch in entries), strict=True)]

    def _asked(self, entries: Sequence[Entry], asks: Sequence[Ask], wall: float) -> dict[str, pl.Series]:
        """What is the same for all rows of a request, request by request."""
        import numpy as np
        import polars as pl

        sizes = [len(batch.asks) for _, batch in entries]
        arrived = np.fromiter((ask.arrived for ask in asks), np.float64, len(asks))
        finished = np.repeat(np.fromiter((batch.finished for _, batch in entries), np.float64, len(entries)), sizes)
        roles = [role for role, batch in entries for _ in batch.asks]
        return {
            ID: pl.Series([ask.id for ask in asks], dtype=pl.String),
            TIME: pl.Series(((arrived + wall) * 1e6).astype("datetime64[us]")),
            VERSION: pl.Series(np.full(len(asks), self.version, np.int32)),
            LANE: pl.Series(roles, dtype=pl.String),
            LATENCY: pl.Series(((finished - arrived) * 1000).astype(np.float32)),
        }

    def _sampled(self, ident: str) -> bool:
        """All rows of a request, or none; the same wherever that id is seen."""
        return crc32(ident.encode("utf-8", "replace")) < self._bound

    def _outputs(self, batches: Sequence[Batch]) -> dict[str, pl.Series]:
        import polars as pl

        made: dict[str, pl.Series] = {}
        for name in batches[0].outputs:
            values = _joined([batch.outputs[name] for batch in batches])
            if name == "probability":
                made |= {f"probability_{place}": pl.Series(values[:, place]).cast(pl.Float64) for place in range(values.shape[1])}
            elif values.dtype == object:
                made[name] = pl.Series(values.ravel().tolist(), dtype=pl.String)
            else:
                made[name] = pl.Series(values.ravel())
        return made


def _positions(asks: Sequence[Ask], counts: np.ndarray) -> np.ndarray:
    """Each row's place in its request."""
    import numpy as np

    ends = np.cumsum(counts)
    places: np.ndarray = np.arange(ends[-1]) - np.repeat(ends - counts, counts)
    for end, count, ask in zip(ends, counts, asks, strict=True):
        if ask.load.accepted is not None:
            places[end - count : end] = ask.load.accepted
    return places


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    import numpy as np

    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _typer(column: Column) -> _Typed:
    """How the numbers and texts that a graph takes become the contract's type again: the way back of `mlforge.runtime.feed`."""
    if column.dtype in STRINGS or column.dtype == "image":
        return _text
    if column.dtype.startswith("array"):
        return _array
    return {"int": _int, "bool": _bool, "datetime": _datetime}.get(column.dtype, _float)


def _missing(values: np.ndarray, typed: np.ndarray) -> pl.Series:
    """The typed values, null where the number was NaN."""
    import numpy as np
    import polars as pl

    absent = np.isnan(values)
    made = pl.Series(typed)
    return made.set(pl.Series(absent), None) if absent.any() else made


def _float(values: np.ndarray) -> pl.Series:
    flat = values.ravel().astype("float64", copy=False)
    return _missing(flat, flat)


def _int(values: np.ndarray) -> pl.Series:
    import numpy as np

    flat = values.ravel()
    return _missing(flat, np.nan_to_num(flat).astype(np.int64))


def _bool(values: np.ndarray) -> pl.Series:
    import numpy as np
    import polars as pl

    flat = values.ravel()
    return pl.Series(flat) if flat.dtype == bool else _missing(flat, np.nan_to_num(flat) != 0)


def _datetime(values: np.ndarray) -> pl.Series:
    import numpy as np

    flat = values.ravel()
    return _missing(flat, np.round(np.nan_to_num(flat) * 1e6).astype("datetime64[us]"))


def _text(values: np.ndarray) -> pl.Series:
    import polars as pl

    if values.dtype == object:
        texts = pl.Series(values.ravel().tolist(), dtype=pl.String)
    else:
        texts = pl.Series([bytes(row).rstrip(b"\0").decode("utf-8", "replace") for row in values], dtype=pl.String)
    missing = texts == ""
    return texts.set(missing, None) if missing.any() else texts


def _array(values: np.ndarray) -> pl.Series:
    import numpy as np
    import polars as pl

    whole = pl.Series(values.astype(np.float64, copy=False), dtype=pl.Array(pl.Float64, values.shape[1]))
    missing = np.isnan(values).all(axis=1)
    return pl.select(pl.when(~pl.Series(missing)).then(whole)).to_series() if missing.any() else whole
