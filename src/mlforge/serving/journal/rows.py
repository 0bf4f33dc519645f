"""From batches to rows of the log: the graph's inputs as the contract types them, beside what came of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from zlib import crc32

from mlforge.runtime.casts import STRINGS
from mlforge.service.layout import ID, LANE, LATENCY, ROW, TIME, VERSION

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from mlforge.contract import Column
    from mlforge.serving.batcher import Ask, Batch
    from mlforge.serving.engine import Engine

__all__ = ["Entry", "Rows"]

Entry = tuple[str, "Batch"]  # the lane's role, and what went through it
_Typed = Callable[["np.ndarray"], "pl.Series"]


class Rows:
    """Makes the rows of one engine. What its graph took is what the protections left: raw values are nowhere to be had here."""

    def __init__(self, engine: Engine, columns: Sequence[str] | None, sample: float) -> None:
        contract = engine.bundle.protected or engine.contract
        self.model, self.version = engine.name, engine.version
        self._kept = [
            (place, key, _typer(contract.columns[key]))
            for place, key in enumerate(engine.inputs)
            if key in contract.columns and (columns is None or key in columns)
        ]
        self._bound = round(sample * 2**32)
        self._whole = sample >= 1

    def frame(self, entries: Sequence[Entry], wall: float) -> pl.DataFrame | None:
        """The rows of these batches; None when there are none. `wall` is what to add to the clock of a batch for the time of day."""
        import numpy as np
        import polars as pl

        entries = [entry for entry in entries if entry[1].columns]
        if not entries:
            return None
        asks = [(role, batch.finished, ask) for role, batch in entries for ask in batch.asks]
        counts = np.fromiter((ask.load.good for _, _, ask in asks), np.int64, len(asks))
        arrived = np.fromiter((ask.arrived for _, _, ask in asks), np.float64, len(asks))
        finished = np.fromiter((end for _, end, _ in asks), np.float64, len(asks))

        def each(values: Any) -> Any:
            return values if len(counts) == counts.sum() and counts.max(initial=1) == 1 else np.repeat(values, counts)

        made = {
            ID: pl.Series(each(np.array([ask.id for _, _, ask in asks], object)).tolist(), dtype=pl.String),
            ROW: pl.Series(_positions([ask for _, _, ask in asks], int(counts.sum())), dtype=pl.Int32),
            TIME: pl.Series(each(((arrived + wall) * 1e6).astype(np.int64))).cast(pl.Datetime("us")),
            VERSION: pl.Series(np.full(int(counts.sum()), self.version, np.int32)),
            LANE: pl.Series(each(np.array([role for role, _, _ in asks], object)).tolist(), dtype=pl.String),
            LATENCY: pl.Series(each(((finished - arrived) * 1000).astype(np.float32))),
        }
        made |= {key: typed(_joined([batch.columns[place] for _, batch in entries])) for place, key, typed in self._kept}
        made |= self._outputs([batch for _, batch in entries])
        rows = pl.DataFrame(made)
        return rows if self._whole else rows.filter(pl.Series(each(np.array([self._sampled(ask.id) for _, _, ask in asks], bool))))

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


def _positions(asks: Sequence[Ask], rows: int) -> Any:
    import numpy as np

    if rows == len(asks) and all(ask.load.count == 1 for ask in asks):
        return np.zeros(rows, np.int32)
    return np.concatenate([np.asarray(ask.load.positions(), np.int32) for ask in asks])


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


def _float(values: np.ndarray) -> pl.Series:
    import numpy as np
    import polars as pl

    return pl.Series(values.ravel().astype(np.float64, copy=False)).fill_nan(None)


def _int(values: np.ndarray) -> pl.Series:
    import polars as pl

    return _float(values).cast(pl.Int64)


def _bool(values: np.ndarray) -> pl.Series:
    import polars as pl

    return pl.Series(values.ravel()) if values.dtype == bool else _float(values).cast(pl.Boolean)


def _datetime(values: np.ndarray) -> pl.Series:
    import polars as pl

    return (_float(values) * 1e6).round().cast(pl.Int64).cast(pl.Datetime("us"))


def _text(values: np.ndarray) -> pl.Series:
    import polars as pl

    if values.dtype == object:
        return pl.Series([text or None for text in values.ravel().tolist()], dtype=pl.String)
    texts = [bytes(row).rstrip(b"\0").decode("utf-8", "replace") for row in values]
    return pl.Series([text or None for text in texts], dtype=pl.String)


def _array(values: np.ndarray) -> pl.Series:
    import numpy as np
    import polars as pl

    whole = pl.Series(values.astype(np.float64, copy=False), dtype=pl.Array(pl.Float64, values.shape[1]))
    missing = np.isnan(values).all(axis=1)
    return pl.select(pl.when(~pl.Series(missing)).then(whole)).to_series() if missing.any() else whole
