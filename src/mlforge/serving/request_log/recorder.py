"""From buffered rows to rows of the log: the graph's inputs as the contract types them, beside the answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from zlib import crc32

import msgspec

from mlforge.service.layout import ID, LANE, LATENCY, ROW, TIME, VERSION
from mlforge.serving.request_log.cells import Cells, encoded, plain, typed
from mlforge.serving.row_buffer import Chunk, RowBuffer

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    import pyarrow as pa

    from mlforge.serving.engine import Engine

__all__ = ["Recorded", "RowRecorder"]


class RowRecorder:
    """Records the rows of one engine: batches go into `buffer`, and chunks of it become `Recorded`.

    The graph's inputs are what protections left of a row, so there are no raw values here.
    """

    def __init__(self, engine: Engine, columns: Sequence[str] | None = None, sample: float = 1.0, full: Callable[[], None] | None = None) -> None:
        """`full` is called when a chunk of the buffer is."""
        contract = engine.bundle.protected or engine.contract
        self.model, self.version = engine.name, engine.version
        kept = {place: key for place, key in enumerate(engine.inputs) if key in contract.columns and (columns is None or key in columns)}
        self._columns = [(key, contract.columns[key].dtype) for key in kept.values()]
        self._bound = round(sample * 2**32)
        self.buffer = RowBuffer(tuple(kept), self._sampled if sample < 1 else None, full)

    def _sampled(self, ident: str) -> bool:
        """All rows of a request, or none; the same wherever that id is seen."""
        return crc32(ident.encode("utf-8", "replace")) < self._bound

    def recorded(self, chunk: Chunk, wall: float) -> Recorded:
        """The rows of a chunk. `wall` is what to add to `time.perf_counter` for the time of day."""
        return Recorded(
            self.model, self.version, self._columns, wall, chunk.ids, chunk.roles, bytes(chunk.arrived), bytes(chunk.waited), bytes(chunk.counts),
            {place: list(kept) for place, kept in chunk.places.items()}, chunk.sampled_in, [Cells.of(one) for one in chunk.columns],
            {name: Cells.of(one) for name, one in chunk.outputs.items()},
        )  # fmt: skip


class Recorded(msgspec.Struct, array_like=True, tag=True, frozen=True):
    """Rows of one engine as they are sent to the log's writer. Lists about requests have one entry a request; `columns` and `outputs` have its rows."""

    model: str
    version: int
    contract: list[tuple[str, str]]  # key and dtype of the columns
    wall: float
    ids: list[str]
    roles: list[str]
    arrived: bytes
    waited: bytes
    counts: bytes
    places: dict[int, list[int]]
    sampled_in: list[bool]
    columns: list[Cells]
    outputs: dict[str, Cells]

    def table(self) -> pa.Table:
        """As rows of the log; texts are dictionary arrays."""
        import numpy as np
        import pyarrow as pa

        counts = np.frombuffer(self.counts, np.int64)
        owners = None if counts.size == counts.sum() and counts.max() == 1 else np.repeat(np.arange(len(counts), dtype=np.int32), counts)
        made = self._asked(owners)
        made[ROW] = pa.array(self._positions(counts))
        made |= {key: typed(dtype, cells) for (key, dtype), cells in zip(self.contract, self.columns, strict=True)}
        made |= self._answered()
        rows = pa.table({name: made.pop(name) for name in (ID, ROW, TIME, VERSION, LANE, LATENCY)} | made)
        if not self.sampled_in:
            return rows
        taken = np.array(self.sampled_in)
        return rows.filter(pa.array(taken if owners is None else taken[owners]))

    def frame(self) -> pl.DataFrame:
        """The same as a frame, with plain texts."""
        import polars as pl
        import pyarrow as pa

        rows = self.table()
        return pl.DataFrame(pa.table({name: plain(rows[name]) for name in rows.column_names}))

    def _asked(self, owners: np.ndarray | None) -> dict[str, pa.Array]:
        """What is the same for all rows of a request; `owners` says whose each row is, where some request has several."""
        import numpy as np
        import pyarrow as pa

        arrived, waited = (np.frombuffer(one, np.float64) for one in (self.arrived, self.waited))
        came, latency = ((arrived + self.wall) * 1e6).astype("datetime64[us]"), (waited * 1000).astype(np.float32)
        whose = np.arange(len(came), dtype=np.int32) if owners is None else owners
        roles = encoded(self.roles)
        role = roles.array()
        return {
            ID: pa.DictionaryArray.from_arrays(pa.array(whose), pa.array(self.ids, pa.string())),
            TIME: pa.array(came if owners is None else came[owners]),
            VERSION: pa.array(np.full(len(whose), self.version, np.int32)),
            LANE: pa.DictionaryArray.from_arrays(pa.array(role if owners is None else role[owners]), pa.array(roles.words, pa.string())),
            LATENCY: pa.array(latency if owners is None else latency[owners]),
        }

    def _positions(self, counts: np.ndarray) -> np.ndarray:
        """Each row's place in its request."""
        import numpy as np

        ends = np.cumsum(counts)
        places: np.ndarray = np.arange(ends[-1], dtype=np.int32) - np.repeat((ends - counts).astype(np.int32), counts)
        for request, accepted in self.places.items():
            places[ends[request] - counts[request] : ends[request]] = accepted
        return places

    def _answered(self) -> dict[str, pa.Array]:
        import pyarrow as pa

        made: dict[str, pa.Array] = {}
        for name, cells in self.outputs.items():
            if name == "probability":
                values = cells.array()
                made |= {f"probability_{place}": pa.array(values[:, place]) for place in range(values.shape[1])}
            else:
                made[name] = typed("category", cells) if cells.words is not None else pa.array(cells.array().ravel())
        return made
