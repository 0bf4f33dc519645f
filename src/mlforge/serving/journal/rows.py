"""From what was noted to rows of the log: the graph's inputs as the contract types them, beside what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from zlib import crc32

from mlforge.service.layout import ID, LANE, LATENCY, ROW, TIME, VERSION
from mlforge.serving.journal.typed import typer
from mlforge.serving.slate import Page, Slate

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from mlforge.serving.engine import Engine

__all__ = ["Rows"]

_FIRST = (ID, ROW, TIME, VERSION, LANE, LATENCY)


class Rows:
    """The rows of one engine. What its graph took is what the protections left: raw values are nowhere to be had here.

    `slate` is what its batches are to be noted on.
    """

    def __init__(self, engine: Engine, columns: Sequence[str] | None = None, sample: float = 1.0) -> None:
        contract = engine.bundle.protected or engine.contract
        self.model, self.version = engine.name, engine.version
        kept = {place: key for place, key in enumerate(engine.inputs) if key in contract.columns and (columns is None or key in columns)}
        self._typed = [(key, typer(contract.columns[key])) for key in kept.values()]
        self._bound = round(sample * 2**32)
        self.slate = Slate(tuple(kept), self._sampled if sample < 1 else None)

    def frame(self, page: Page, wall: float) -> pl.DataFrame:
        """The rows of a page. `wall` is what to add to the clock of a batch for the time of day."""
        import numpy as np
        import polars as pl

        counts = np.frombuffer(page.counts, np.int64)
        owners = None if counts.size == counts.sum() and counts.max() == 1 else np.repeat(np.arange(len(counts)), counts)  # of each row, its request
        made = {name: column if owners is None else column.gather(owners) for name, column in self._asked(page, wall).items()}
        made[ROW] = pl.Series(_positions(page, counts), dtype=pl.Int32)
        made |= {key: typed(pile.cells) for (key, typed), pile in zip(self._typed, page.columns, strict=True)}
        made |= _outputs(page)
        rows = pl.DataFrame({name: made.pop(name) for name in _FIRST} | made)
        if not page.taken:
            return rows
        taken = pl.Series(page.taken, dtype=pl.Boolean)
        return rows.filter(taken if owners is None else taken.gather(owners))

    def _asked(self, page: Page, wall: float) -> dict[str, pl.Series]:
        """What is the same for all rows of a request, request by request."""
        import numpy as np
        import polars as pl

        arrived, waited = (np.frombuffer(one, np.float64) for one in (page.arrived, page.waited))
        return {
            ID: pl.Series(page.ids, dtype=pl.String),
            TIME: pl.Series(((arrived + wall) * 1e6).astype("datetime64[us]")),
            VERSION: pl.Series(np.full(len(arrived), self.version, np.int32)),
            LANE: pl.Series(page.roles, dtype=pl.String),
            LATENCY: pl.Series((waited * 1000).astype(np.float32)),
        }

    def _sampled(self, ident: str) -> bool:
        """All rows of a request, or none; the same wherever that id is seen."""
        return crc32(ident.encode("utf-8", "replace")) < self._bound


def _outputs(page: Page) -> dict[str, pl.Series]:
    import polars as pl

    made: dict[str, pl.Series] = {}
    for name, pile in page.outputs.items():
        if name == "probability":
            values = pile.array()
            made |= {f"probability_{place}": pl.Series(values[:, place]).cast(pl.Float64) for place in range(values.shape[1])}
        else:
            made[name] = pl.Series(pile.texts, dtype=pl.String) if pile.texts else pl.Series(pile.array().ravel())
    return made


def _positions(page: Page, counts: np.ndarray) -> np.ndarray:
    """Each row's place in its request."""
    import numpy as np

    ends = np.cumsum(counts)
    places: np.ndarray = np.arange(ends[-1]) - np.repeat(ends - counts, counts)
    for request, accepted in page.places.items():
        places[ends[request] - counts[request] : ends[request]] = accepted
    return places
