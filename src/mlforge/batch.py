"""Rows from a source through a bundle to a file or table: streamed, judged by the contract, whole or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from mlforge.components import Source
from mlforge.errors import RecipeError
from mlforge.plugins import Catalog
from mlforge.runtime.predictor import Predictor
from mlforge.runtime.sending import send
from mlforge.runtime.sink import Sink

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Counts", "FileOutlet", "Outlet", "predict_rows", "source_at"]

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


class Outlet(Protocol):
    """Where predictions go. What it holds becomes visible by `commit`, whole or not at all."""

    rows: int
    """Rows of the source that are written already: by an earlier try, where the outlet can go on."""
    predicted: int
    rejected: int

    def write(self, predicted: pl.DataFrame, rejected: pl.DataFrame | None, rows: int) -> None:
        """Write predictions, and rows that break the contract; with them, `rows` rows of the source are done."""

    def commit(self) -> None:
        """All is written: make it visible."""


class FileOutlet:
    """A file for the predictions, and one beside it for what was rejected; at a URL, both are sent when they are whole."""

    def __init__(self, sink: str, stack: ExitStack) -> None:
        self._stack, self._url = stack, sink if "://" in sink else None
        self.target = Path(sink)
        if self._url is not None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mlforge-")))
            self.target = folder / PurePosixPath(urlsplit(sink).path).name
        self.aside = self.target.with_name(f"{self.target.stem}.rejected{self.target.suffix}")
        self._out = stack.enter_context(Sink.open(self.target))
        self._wrong: Sink | None = None
        self.rows = self.predicted = self.rejected = 0

    def write(self, predicted: pl.DataFrame, rejected: pl.DataFrame | None, rows: int) -> None:
        """Append to the files."""
        self._out.write(predicted)
        if rejected is not None:
            self._wrong = self._wrong or self._stack.enter_context(Sink.open(self.aside))
            self._wrong.write(rejected)
            self.rejected += rejected.height
        self.predicted += predicted.height
        self.rows = rows

    def commit(self) -> None:
        """The rejected rows first: who sees the predictions finds them too."""
        if self._wrong is None and self._url is None:
            self.aside.unlink(missing_ok=True)  # of an earlier prediction into the same file
        for sink in filter(None, (self._wrong, self._out)):
            sink.commit()
            if self._url is not None:
                send(sink.target, self._url.rpartition("/")[0] + f"/{sink.target.name}")

    @property
    def evidence(self) -> str:
        """Where the rejected rows are."""
        return str(self.aside) if self._url is None else f"{self._url.rpartition('/')[0]}/{self.aside.name}"


def source_at(path: Path | str, catalog: Catalog) -> Source:
    """The source that reads files with this ending, here or at a URL. RecipeError when no installed source does."""
    known: dict[str, str] = {}
    for option in catalog.options("source"):
        kind = catalog.load("source", option)
        assert issubclass(kind, Source)
        known |= {suffix: option for suffix in kind.suffixes if suffix not in known}
    text = str(path)
    name = PurePosixPath(urlsplit(text).path if "://" in text else text).name
    for suffix, option in known.items():
        if name.lower().endswith(suffix):
            source = catalog.load("source", option).model_validate({"path": text})
            assert isinstance(source, Source)
            return source
    raise RecipeError(f"no source reads {name or text}; those that are installed read {', '.join(sorted(known))}")


def predict_rows(
    predictor: Predictor, source: Source, outlet: Outlet, *, keep: tuple[str, ...] = (), tell: Callable[[int], None] = lambda rows: None
) -> Counts:
    """Predict every row of `source` into an outlet, from where it is; rows that break the contract go beside it, with the reason.

    Predictions have `row` (position in the source, from 0), the columns of `keep`, `prediction`, and `probability_<class>` for a classification.
    """
    names = probability_names(predictor)
    start = 0
    for frame in source.batches(_ROWS):
        rest = frame.slice(max(0, outlet.rows - start))
        at, start = start + frame.height - rest.height, start + frame.height
        if not rest.height:
            continue
        answer = predictor.answer(rest)
        good = _rows(rest, answer.accepted, at, keep).hstack(answer.predictions.rename(names))
        outlet.write(good, _refused(rest.select(predictor.writable(rest.columns)), answer.rejected, at) if answer.rejected.height else None, start)
        tell(start)
    outlet.commit()
    return Counts(outlet.predicted, outlet.rejected)


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
