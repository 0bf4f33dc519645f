"""Kinds that bring, guard, part and turn rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from mlforge.components.component import Component, reads_of
from mlforge.contract import Column, Contract
from mlforge.errors import DataError
from mlforge.runtime.protections import Rule

if TYPE_CHECKING:
    import onnx
    import polars as pl

__all__ = ["Fragment", "Holds", "Parts", "Protection", "Schema", "Source", "Splitter", "Transform", "dealt", "rules_of"]


class Source(Component):
    """Where rows come from."""

    suffixes: ClassVar[tuple[str, ...]] = ()
    """File endings that it reads, with the dot, when it has a field `path`: how `mlforge predict --source FILE` finds it."""

    @abstractmethod
    def fingerprint(self) -> str:
        """A text that changes when the rows may have changed; cheap where the store gives an etag, a size and time, or a snapshot id."""

    def witnessed(self) -> str:
        """The fingerprint of what was read, asked when a stage has read it: another one than before fails the stage.

        The fingerprint as it is by then, unless a source knows better what it has read.
        """
        return self.fingerprint()

    def watched(self) -> tuple[Path, ...] | None:
        """The files and folders by which one can tell, without reading them, that the fingerprint is as it was.

        None when there is more to it: then an unchanged run asks for the fingerprint.
        """
        return None

    @abstractmethod
    def scan(self) -> pl.LazyFrame:
        """All rows in a fixed order, under their real names; untyped sources give strings (the contract says what they are).

        Raises DataError when the source is empty, missing, truncated or cannot be decoded; what only reading can tell comes from `batches`.
        """

    def batches(self, rows: int) -> Iterator[pl.DataFrame]:
        """All rows in frames of exactly `rows` rows (the last may be shorter), in bounded memory. Failures on the way are DataErrors: see `diagnose`."""
        import polars as pl

        try:
            yield from self.scan().collect_batches(chunk_size=rows, maintain_order=True)
        except (pl.exceptions.PolarsError, OSError, ValueError) as error:
            raise self.diagnose(error) from error

    def diagnose(self, error: Exception) -> DataError:
        """What to tell the user when the rows could not be read to the end: which line, and what to do. Override it where more can be said."""
        return DataError(f"source: the rows cannot be read: {(str(error).strip() or type(error).__name__).splitlines()[0][:300]}")


@dataclass(frozen=True)
class Holds:
    """Marks a value of a field that is a component itself, written as in a recipe's section: `{use: csv, path: …}`."""

    section: str

    def __get_pydantic_core_schema__(self, kind: Any, handler: Any) -> Any:
        """A component as it is; in a recipe's text, the name under which the recipe has made it (see mlforge.recipe.parts)."""
        from pydantic_core import core_schema

        def taken(value: Any, info: Any) -> Any:
            return (info.context or {}).get(value) if isinstance(value, str) else value

        return core_schema.with_info_plain_validator_function(taken, serialization=core_schema.plain_serializer_function_ser_schema(_told))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        """What an editor is told."""
        return {"type": "object", "properties": {"use": {"type": "string"}}, "required": ["use"], "description": f"a component of the section {self.section}"}


def _told(part: Component) -> dict[str, Any]:
    """What decides the result of a component within another."""
    return {"use": f"{type(part).__module__}:{type(part).__qualname__}", **part.model_dump(mode="json", exclude=set(reads_of(part)))}


Parts = Mapping[str, Annotated[Source, Holds("source")]]
"""Sources within a source, by name."""


class Protection(Component):
    """Keeps personal data from being written: not to tables, quarantine, findings or logs."""

    columns: tuple[str, ...] = Field(default=(), description="keys of the columns that it is for")
    pii: tuple[str, ...] = Field(default=(), description="classes of personal data; columns that the contract gives one of them are protected too")

    def chosen(self, contract: Contract) -> tuple[str, ...]:
        """Keys of the columns that it is for, in the contract's order."""
        return tuple(key for key, column in contract.columns.items() if key in self.columns or column.pii in self.pii)

    @abstractmethod
    def rule(self, key: str, column: Column) -> Rule:
        """What is done to this column: one of a fixed list of rules, which can travel in a bundle. Raises ValueError, in words, when that cannot be."""


def rules_of(contract: Contract, entries: Mapping[str, Protection]) -> dict[str, Rule]:
    """The rule for each protected column. The recipe's check has seen that each column has one."""
    return {key: protection.rule(key, contract.columns[key]) for protection in entries.values() for key in protection.chosen(contract)}


class Schema(Component):
    """A Pandera model or schema that rows must keep besides the contract. It is code: looked at by ingest only, and no part of a bundle."""

    @abstractmethod
    def model(self) -> Any:
        """A `pandera.polars` DataFrameModel class or DataFrameSchema over the contract's keys and types.

        Checks that say of each row whether it holds send rows to the quarantine. One that answers with a plain bool stops the run; it sees a partition of the
        rows at a time, so what is to hold of a column as a whole belongs into `contract.expect`.
        """


class Splitter(Component):
    """Assigns rows to train, validation and test."""

    @abstractmethod
    def assign(self, rows: pl.LazyFrame, contract: Contract, seed: int) -> pl.LazyFrame:
        """`ROW` and `part` for each of `rows`, in any order. `rows` has the contract's keys and `ROW`.

        A part is "train", "validation" or "test", or "unused" for a row that is in none. An integer column `fold` may come along.

        Deterministic under the seed, and stable: rows added later do not move the others, as far as the method allows (its docstring says how far).
        Raises DataError when a part would be empty or lack a class.
        """


@dataclass(frozen=True)
class Fragment:
    """A fitted transform: ONNX nodes from raw columns to one part of a block.

    Each raw column is a graph input named by its contract key, of shape [rows, 1]: double for int, float and datetime (seconds since 1970), bool for bool
    (double where it may be missing), string for the others; an array is a double of shape [rows, size]. A missing number is NaN, a missing string is "".
    Nodes and initialisers carry names with the transform's entry as prefix.
    """

    columns: tuple[str, ...]  # contract keys that it reads
    nodes: tuple[onnx.NodeProto, ...]
    initialisers: tuple[onnx.TensorProto, ...]
    output: str  # name of the tensor [rows, width] that the nodes make
    block: str  # block to which it is joined: "numbers" (float32) or "categories" (int64)
    width: int
    cardinalities: tuple[int, ...] = ()  # for "categories": number of ids of each column
    vocabularies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # categories seen, by column


class Transform(Component):
    """Turns raw columns into what a network can read; becomes part of the bundle."""

    @abstractmethod
    def takes(self, contract: Contract) -> tuple[str, ...]:
        """Keys of the feature columns that it wants: the first entry of `features` that wants a column gets it.

        Give it a field `columns`, so that recipes can say which: an entry that names a column there goes before those that do not.
        """

    @abstractmethod
    def fit(self, entry: str, columns: tuple[str, ...], rows: pl.LazyFrame, contract: Contract) -> Fragment | None:
        """Fit to the training rows (contract keys, typed); None when there is nothing to add. Deterministic."""


def dealt(transforms: Mapping[str, Transform], contract: Contract) -> dict[str, tuple[str, ...]]:
    """The columns that each entry of `features` gets: those that it names and no earlier one does, then what it wants of the rest."""
    features = contract.having("feature")
    wanted = {entry: tuple(key for key in transform.takes(contract) if key in features) for entry, transform in transforms.items()}
    takers: dict[str, str] = {}
    for entry, keys in wanted.items():
        takers = dict.fromkeys((key for key in keys if key in getattr(transforms[entry], "columns", ())), entry) | takers
    for entry, keys in wanted.items():
        takers = dict.fromkeys(keys, entry) | takers
    return {entry: tuple(key for key in keys if takers[key] == entry) for entry, keys in wanted.items()}
