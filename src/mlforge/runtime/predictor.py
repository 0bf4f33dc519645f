"""Predictions of a bundle, from raw rows. Never imports torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import polars as pl

from mlforge.errors import DataError
from mlforge.runtime.bundle import MODEL, Bundle, read_bundle
from mlforge.runtime.conform import Conformer, Separated
from mlforge.runtime.protections import Protector
from mlforge.runtime.session import Graph

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Answer", "Predictor"]

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """What a bundle says about raw rows."""

    predictions: pl.DataFrame  # one row per accepted row
    accepted: pl.Series  # positions of those rows in the frame that was asked about, from 0
    rejected: pl.DataFrame  # `position` and `reason` of the rows that break the contract


class Predictor:
    """An opened bundle.

    predictor = Predictor.open(Path("bundle"))
    predictor.predict(frame)      # `prediction`, and `probability_0` … for a classification
    """

    def __init__(self, bundle: Bundle, graph: Graph) -> None:
        self.bundle = bundle
        self._graph = graph
        self._conformer = Conformer(bundle.contract)
        self._afterwards = Conformer(bundle.protected) if bundle.protected is not None else None

    @classmethod
    def open(cls, folder: Path, *, threads: int | None = None) -> Self:
        """Open a bundle, its digests verified; `threads` for one call (None: as many as there are cores).

        Raises DataError when the bundle is missing, damaged, or made for something else.
        """
        bundle = read_bundle(folder)
        graph = Graph(folder / MODEL, threads=threads)
        if set(graph.inputs) != set(bundle.columns):
            raise DataError(
                f"{folder}: the graph takes {', '.join(graph.inputs)}, and bundle.json says {', '.join(bundle.columns)}", hint="Make the bundle again."
            )
        return cls(bundle, graph)

    @property
    def probabilities(self) -> dict[str, str | int | bool]:
        """Class that each column of probabilities speaks of: {"probability_0": "<=50K", …}; empty for a regression."""
        return {f"probability_{i}": name for i, name in enumerate(self.bundle.output.classes)}

    @property
    def text_rules(self) -> Mapping[str, Callable[[str], str]] | None:
        """What the protections leave of a text, by column; None when one of them is for something else than texts. Raises MissingRequirement without a key."""
        if not self.bundle.protections:
            return {}
        rules = self._protector.by_text
        return rules if rules.keys() == self._protector.rules.keys() else None

    def writable(self, columns: Sequence[str]) -> list[str]:
        """The columns of a raw row that may be written beside a reason: where the model has protections, those that it declares and does not protect."""
        contract, rules = self.bundle.contract, self.bundle.protections
        known = {name for key in contract.columns if key not in rules for name in (key, contract.real_name(key))}
        return [name for name in columns if not rules or name in known]

    def score(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Predictions for rows of a `Table`: typed, protected, and taken as they are; what training has not seen counts as unknown.

        Rows of other types than the model's are raw to it; when it has protections, a DataError: to protect them twice would be silently wrong.
        """
        if self._typed(rows.schema):
            return self._run(rows)
        if self.bundle.protections:
            raise DataError("these rows have other columns or types than the model's, and were protected before", hint="Ask about raw rows.")
        return self.predict(rows)

    def predict(self, frame: pl.DataFrame) -> pl.DataFrame:
        """`prediction` (the class, or the value in the target's unit) and `probability_0` …, row by row.

        Of texts: the likeliest next byte, `bits` that the text takes, `bytes` of it that were read, and the next byte's `probability_0` … `probability_255`.

        Rows that have the contract's keys and types are taken as they are: what training has not seen counts as unknown. Other frames, and all when the
        model has protections, are raw: their rows must keep the contract. Raises DataError when one does not; `answer` parts them instead, and
        MissingRequirement when a pseudonymisation key is missing.
        """
        if not self.bundle.protections and self._typed(frame.schema):
            return self._run(frame)
        answer = self.answer(frame)
        if len(answer.rejected):
            shown = "; ".join(f"row {position}: {reason}" for position, reason in answer.rejected.head(_SHOWN).select("position", "reason").iter_rows())
            raise DataError(f"{len(answer.rejected)} of {len(frame)} rows break the model's contract: {shown[:500]}", hint="Mend or leave out these rows.")
        return answer.predictions

    def answer(self, frame: pl.DataFrame, *, cells: bool = True) -> Answer:
        """Predictions for the raw rows that keep the contract, and a reason for each that does not. Raises DataError for a missing column.

        Without `cells`, reasons have nothing of the rows.
        """
        parted = self.typed(frame, cells=cells)
        return Answer(self._run(parted.rows), parted.accepted, parted.rejected)

    def typed(self, frame: pl.DataFrame, *, cells: bool = True) -> Separated:
        """The raw rows that keep the contract as the graph takes them: typed and protected; and a reason for each that does not."""
        parted = self._conformer.separate(frame, cells=cells)
        return parted if self._afterwards is None else self._after(parted, self._afterwards, cells)

    def _after(self, parted: Separated, conformer: Conformer, cells: bool) -> Separated:
        """The accepted rows, protected; those of them that hold what training has not seen, and should have, are rejected too."""
        kept = conformer.separate(self._protector.apply(parted.rows), cells=cells)
        if not kept.rejected.height:
            return Separated(kept.rows, parted.accepted, parted.rejected)
        late = kept.rejected.with_columns(parted.accepted[kept.rejected["position"]].alias("position"))
        return Separated(kept.rows, parted.accepted[kept.accepted], pl.concat([parted.rejected, late]).sort("position"))

    @cached_property
    def _protector(self) -> Protector:
        return Protector(self.bundle.protections)

    def _typed(self, schema: pl.Schema) -> bool:
        kinds = {"tensor(double)": _number, "tensor(bool)": _bool, "tensor(string)": _string, "tensor(uint8)": _string}
        return all(key in schema and kinds[kind](schema[key]) for key, kind in self._graph.inputs.items())

    def _run(self, frame: pl.DataFrame) -> pl.DataFrame:
        parts = [self._named(self._graph.run(some)) for some in _slices(frame, self.bundle.output.rows_at_once)]
        return parts[0] if len(parts) == 1 else pl.concat(parts)

    def _named(self, outputs: tuple[np.ndarray, ...]) -> pl.DataFrame:
        by_name = dict(zip(self._graph.outputs, outputs, strict=True))
        prediction = by_name["prediction"]
        columns = [pl.Series("prediction", prediction.tolist(), dtype=pl.String) if prediction.dtype == object else pl.Series("prediction", prediction)]
        columns += [pl.Series(name, by_name[name]) for name in ("bits", "bytes") if name in by_name]
        if "probability" in by_name:
            columns += [pl.Series(f"probability_{i}", column) for i, column in enumerate(by_name["probability"].T)]
        return pl.DataFrame(columns)


def _slices(frame: pl.DataFrame, rows: int) -> Iterator[pl.DataFrame]:
    return frame.iter_slices(rows) if len(frame) > rows else iter((frame,))


def _number(dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or dtype.is_temporal() or dtype == pl.Boolean or isinstance(dtype, pl.Array)


def _bool(dtype: pl.DataType) -> bool:
    return dtype == pl.Boolean


def _string(dtype: pl.DataType) -> bool:
    return dtype in (pl.String, pl.Categorical, pl.Enum)
