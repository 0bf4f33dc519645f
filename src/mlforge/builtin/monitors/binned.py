"""Profiles of binned columns: an outline of the reference, then counts; and what is read out of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlforge.builtin.monitors.distances import Yardstick
from mlforge.builtin.monitors.layout import Layout
from mlforge.builtin.probes.sampling import merged, sampled
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from mlforge.builtin.monitors.tails import Array

__all__ = ["counted", "joined", "means", "outlined", "outlines", "yardstick"]

OUTLINE, LAYOUT, BINS, MOMENTS = "sample", "layout", "bins", "moments"
_SAMPLED = 8192  # rows from which the bins are made
_ADDED = ("count", "sum", "squares")


def outlined(window: Window, values: pl.DataFrame) -> Profile:
    """A sample of the reference, to see where bins are to be cut."""
    import polars as pl

    from mlforge.artifact import ROW

    rows = values.with_columns(window.rows[ROW]) if ROW in window.rows.columns else values
    shown = Window(window.name, rows, window.contract, window.task)
    return Profile({OUTLINE: sampled(shown, [pl.col(name) for name in values.columns], _SAMPLED)})


def outlines(profile: Profile | None) -> bool:
    """Is it an outline."""
    return profile is not None and OUTLINE in profile.tables


def counted(values: pl.DataFrame, reference: Profile) -> Profile:
    """Counts in the bins of the reference; of its outline, the layout is kept beside them."""
    import polars as pl

    begun = outlines(reference)
    sample = reference.tables[OUTLINE].drop("__order__", "__part__") if begun else None
    layout = Layout.of(sample) if sample is not None else Layout.from_table(reference.tables[LAYOUT])
    centres = _centres(layout, sample) if sample is not None else dict(reference.tables[MOMENTS].select("column", "centre").iter_rows())
    tables = {BINS: pl.DataFrame({"count": layout.counts(values)}), MOMENTS: _moments(layout, values, centres)}
    return Profile(tables | ({LAYOUT: layout.table()} if begun else {}))


def joined(one: Profile, other: Profile) -> Profile:
    """Counts of both; or the sample of both outlines."""
    import polars as pl

    if not one.tables or not other.tables:
        return one if one.tables else other
    if outlines(one):
        sample = merged(one, other, _SAMPLED)
        assert sample is not None
        return Profile({OUTLINE: sample})
    mine, theirs = one.tables[MOMENTS], other.tables[MOMENTS]
    added = {name: mine[name] + theirs[name] for name in _ADDED}
    ends = pl.DataFrame({"least": mine["least"], "other_least": theirs["least"], "most": mine["most"], "other_most": theirs["most"]})
    extremes = ends.select(least=pl.min_horizontal("least", "other_least"), most=pl.max_horizontal("most", "other_most"))
    moments = mine.select("column", "centre").with_columns(**added, least=extremes["least"], most=extremes["most"])
    bins = pl.DataFrame({"count": one.tables[BINS]["count"] + other.tables[BINS]["count"]})
    return Profile(dict(other.tables) | dict(one.tables) | {BINS: bins, MOMENTS: moments})


def yardstick(reference: Profile) -> Yardstick:
    """The reference as windows are compared with it."""
    import numpy as np

    layout = Layout.from_table(reference.tables[LAYOUT])
    moments = _aligned(layout, reference)
    count = np.maximum(moments["count"], 1)
    offset = moments["sum"] / count
    deviations = np.sqrt(np.maximum(moments["squares"] / count - offset**2, 0.0))
    return Yardstick(layout, reference.tables[BINS]["count"].to_numpy(), deviations, moments["centre"] + offset)


def means(profile: Profile, layout: Layout) -> Array:
    """The mean of each column of numbers; NaN where no value is there."""
    import numpy as np

    moments = _aligned(layout, profile)
    count = moments["count"]
    return np.where(count > 0, moments["centre"] + moments["sum"] / np.maximum(count, 1), np.nan)


def _aligned(layout: Layout, profile: Profile) -> dict[str, Array]:
    """What is summed of each column of the layout; nothing of those that are no numbers."""
    import numpy as np
    import polars as pl

    table = profile.tables[MOMENTS]
    places = dict(zip(table["column"], range(table.height), strict=True))
    chosen = [places.get(one.column, table.height) for one in layout.columns]
    return {name: np.append(table[name].cast(pl.Float64).fill_null(0.0).to_numpy(), 0.0)[chosen] for name in ("centre", *_ADDED)}


def _centres(layout: Layout, sample: pl.DataFrame) -> dict[str, float]:
    """About the mean of each column: sums of distances from it keep their digits."""
    import numpy as np

    told = {}
    for one in layout.columns:
        if one.numeric:
            values = sample[one.column].to_numpy()
            values = values[np.isfinite(values)]
            told[one.column] = float(values.mean()) if len(values) else 0.0
    return told


def _moments(layout: Layout, values: pl.DataFrame, centres: dict[str, float]) -> pl.DataFrame:
    import numpy as np
    import polars as pl

    rows = []
    for one in layout.columns:
        if not one.numeric:
            continue
        numbers = values[one.column].to_numpy() if one.column in values.columns else np.empty(0)
        apart = numbers - centres[one.column]
        apart = apart if np.isfinite(apart.sum()) else apart[np.isfinite(apart)]
        ends = (float(apart.min()) + centres[one.column], float(apart.max()) + centres[one.column]) if len(apart) else (None, None)
        rows.append((one.column, centres[one.column], len(apart), float(apart.sum()), float(apart @ apart), *ends))
    schema = {"column": pl.String, "centre": pl.Float64, "count": pl.Int64, "sum": pl.Float64, "squares": pl.Float64, "least": pl.Float64, "most": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def histogram(layout: Layout, flat: np.ndarray, column: int) -> np.ndarray:
    """The counts of one column."""
    start = int(layout.starts[column])
    told: np.ndarray = flat[start : start + layout.columns[column].width]
    return told
