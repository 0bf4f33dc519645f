"""Rows from a source through a bundle to a file: streamed, judged by the contract, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlforge.components import Source
from mlforge.errors import RecipeError
from mlforge.plugins import Catalog
from mlforge.runtime.predictor import Predictor
from mlforge.runtime.sink import Sink

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Counts", "predict_file", "source_at"]

_ROWS = 65_536  # read, predicted and written at a time


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows were predicted, and how many broke the contract."""

    predicted: int
    rejected: int

    @property
    def rows(self) -> int:
        """All rows of the source."""
        return self.predicted + self.rejected


def source_at(path: Path, catalog: Catalog) -> Source:
    """The source that reads files with this ending. RecipeError when no installed source does."""
    known: dict[str, str] = {}
    for option in catalog.options("source"):
        kind = catalog.load("source", option)
        assert issubclass(kind, Source)
        known |= {suffix: option for suffix in kind.suffixes if suffix not in known}
    for suffix, option in known.items():
        if path.name.lower().endswith(suffix):
            source = catalog.load("source", option).model_validate({"path": str(path)})
            assert isinstance(source, Source)
            return source
    raise RecipeError(f"no source reads {path.name}; those that are installed read {', '.join(sorted(known))}")


def predict_file(
    predictor: Predictor, source: Source, sink: Path, rejected: Path, *, keep: tuple[str, ...] = (), tell: Callable[[int], None] = lambda rows: None
) -> Counts:
    """Predict every row of `source` into `sink`; rows that break the contract go to `rejected`, with the reason.

    Both files appear when everything is written, or not at all. The sink has `row` (position in the source, from 0), the columns of `keep`, `prediction`,
    and `probability_<class>` for a classification.
    """
    names = probability_names(predictor)
    predicted = refused = 0
    with ExitStack() as stack:
        out = stack.enter_context(Sink.open(sink))
        wrong: Sink | None = None
        for frame in source.batches(_ROWS):
            answer = predictor.answer(frame)
            start = predicted + refused
            out.write(_rows(frame, answer.accepted, start, keep).hstack(answer.predictions.rename(names)))
            if answer.rejected.height:
                wrong = wrong or stack.enter_context(Sink.open(rejected))
                wrong.write(_refused(frame.select(predictor.writable(frame.columns)), answer.rejected, start))
            predicted += answer.predictions.height
            refused += answer.rejected.height
            tell(predicted + refused)
        for each in filter(None, (wrong, out)):
            each.commit()
    return Counts(predicted, refused)


def probability_names(predictor: Predictor) -> Mapping[str, str]:
    """From a predictor's columns to those that people read: probability_0 → probability_<=50K."""
    return {column: f"probability_{name}" for column, name in predictor.probabilities.items()}


def _rows(frame: pl.DataFrame, positions: pl.Series, start: int, keep: tuple[str, ...]) -> pl.DataFrame:
    missing = [name for name in keep if name not in frame.columns]
    if missing:
        raise RecipeError(f"--keep names {', '.join(missing)}, and the source has {', '.join(frame.columns[:20])}")
    return frame[positions].select((positions + start).alias("row"), *keep)


def _refused(frame: pl.DataFrame, rejected: pl.DataFrame, start: int) -> pl.DataFrame:
    positions = rejected["position"]
    told = rejected.select(row=rejected["position"] + start, reason="reason")
    return told.hstack(frame[positions].rename({name: f"{name}_" for name in ("row", "reason") if name in frame.columns}))
