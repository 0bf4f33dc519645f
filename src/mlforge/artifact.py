"""What stages hand to each other: typed folders, read-only once published.

Formats are code-free: parquet, JSON, ONNX, safetensors. Each class knows the files of its folder and nothing of where the folder lies.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mlforge.contract import Contract
from mlforge.finding import Finding
from mlforge.task import Output

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = [
    "PARTS", "ROW", "UNUSED", "Artifact", "Assignment", "Block", "Bundles", "Card", "ColumnProfiles", "Encoding", "Findings", "Made", "Part", "Quarantine",
    "Table", "Trained", "Tuned", "Verdict", "frames",
]  # fmt: skip

ROW = "__row__"  # a row's position in its source, from 0: what quarantine, predictions and evidence refer to
PARTS = ("train", "validation", "test")
UNUSED = "unused"  # a row of no part, such as those within the gap of a split by time
Part = str


@dataclass(frozen=True)
class Artifact:
    """A folder with content; `digest` is that of its manifest."""

    folder: Path
    digest: str = ""

    def json(self, name: str) -> Any:
        """A JSON file of the folder."""
        return json.loads((self.folder / name).read_bytes())


def write_json(path: Path, value: Any) -> None:
    """Write JSON that has the same bytes for the same value."""
    path.write_text(json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


class Table(Artifact):
    """Rows that keep their contract: `part-00000.parquet` …, columns under the contract's keys plus `ROW`, and `table.json` (contract, rows, rejected)."""

    @property
    def contract(self) -> Contract:
        """The contract that every row keeps."""
        return Contract.model_validate(self.json("table.json")["contract"])

    @property
    def privacy(self) -> dict[str, Any]:
        """How its rows were protected: `rules` by column, and the `contract` that the raw rows keep; empty when they were not."""
        return dict(self.json("table.json").get("privacy", {}))

    @property
    def rows(self) -> int:
        """How many rows were accepted."""
        return int(self.json("table.json")["rows"])

    def partitions(self) -> list[Path]:
        """The parquet files, in the order of the source."""
        return sorted(self.folder.glob("part-*.parquet"))


class ColumnProfiles(Artifact):
    """What the columns of a table look like: `profile.json`, by column nulls, range, 101 quantiles, frequent values and number of distinct ones."""


class Quarantine(Artifact):
    """Rows that broke the contract: `rejected.parquet` with `ROW`, `reason` and the row as text, and `summary.json` with counts by reason."""


class Assignment(Artifact):
    """Which part each row of a table belongs to: files named as the table's partitions, row by row, with `ROW` and `part`; `parts.json` has the counts.

    A row that is in no part is "unused". After a split into folds, `fold` is there too.
    """

    @property
    def counts(self) -> dict[Part, int]:
        """Rows in each part."""
        return dict(self.json("parts.json"))


def frames(table: Table, assignment: Assignment, *parts: Part, columns: list[str] | None = None) -> Iterator[pl.DataFrame]:
    """The rows of these parts, a partition at a time, in the order of the source; `columns` picks some (`ROW` always comes along)."""
    import polars as pl

    wanted = None if columns is None else [ROW, *columns]
    for path in table.partitions():
        part = pl.read_parquet(assignment.folder / path.name, columns=["part"])["part"]
        yield pl.read_parquet(path, columns=wanted).filter(part.is_in(list(parts)))


@dataclass(frozen=True, slots=True)
class Block:
    """One tensor that a network is fed.

    It is [rows, width] of float32; or of int64 ids, where `cardinalities` gives the number of ids of each column (0 = missing or unknown); or of uint8, the
    bytes of a text, with 0 behind its end.
    """

    name: str
    dtype: str  # "float32", "int64" or "uint8"
    width: int
    cardinalities: tuple[int, ...] = ()


class Encoding(Artifact):
    """From raw columns to tensors: `front.onnx` (raw columns in, blocks out) and `encoding.json` (blocks, columns, output, vocabularies).

    Training reads its tensors from this graph, and exporters put the same graph in front of the network: rows are treated alike by construction.
    """

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The tensors, in the order in which a network's `forward` takes them."""
        return tuple(Block(b["name"], b["dtype"], b["width"], tuple(b["cardinalities"])) for b in self.json("encoding.json")["blocks"])

    @property
    def columns(self) -> tuple[str, ...]:
        """Keys of the raw columns that the graph takes."""
        return tuple(self.json("encoding.json")["columns"])

    @property
    def vocabularies(self) -> dict[str, list[str]]:
        """The categories that training has seen, by column."""
        return dict(self.json("encoding.json")["vocabularies"])

    @property
    def output(self) -> Output:
        """What the model must put out."""
        raw = self.json("encoding.json")["output"]
        return Output(**{**raw, "classes": tuple(raw["classes"])})


class Tuned(Artifact):
    """What a sweep has found: `tuned.json` (the chosen trial and its overrides) and `trials.json` (every trial: values, objectives, state, reason)."""

    @property
    def overrides(self) -> tuple[str, ...]:
        """What joins the recipe, as one would type it."""
        return tuple(self.json("tuned.json")["overrides"])


class Trained(Artifact):
    """What was learned: `weights.safetensors` (or an estimator's own files), `trained.json` (epochs, best epoch, best score) and `curves.parquet`.

    The curves are epoch, name and value.
    """


class Bundles(Artifact):
    """The exported variants: one folder each, and `bundles.json` (variants in listed order, and the one that ships)."""

    @property
    def variants(self) -> tuple[str, ...]:
        """Names of the variants, in the recipe's order."""
        return tuple(self.json("bundles.json")["variants"])

    @property
    def ships(self) -> str:
        """The variant that is registered and served."""
        return str(self.json("bundles.json")["ships"])

    def bundle(self, variant: str | None = None) -> Path:
        """The folder of a variant's bundle; of the one that ships when none is named."""
        return self.folder / (variant or self.ships)


class Findings(Artifact):
    """What a stage has measured: `findings.json`, without what is volatile."""

    def read(self) -> list[Finding]:
        """The findings, in the order in which they were made."""
        return [Finding.model_validate(raw) for raw in self.json("findings.json")]


class Verdict(Artifact):
    """What the gates said: `verdict.json` (passed, rulings)."""

    @property
    def passed(self) -> bool:
        """Did every gate say yes, and is nobody's signature waited for."""
        return bool(self.json("verdict.json")["passed"])

    @property
    def refused(self) -> bool:
        """Did a gate say no."""
        told = self.json("verdict.json")
        return not told["passed"] and (not told["rulings"] or any(not ruling["passed"] and not ruling.get("role") for ruling in told["rulings"]))

    @property
    def awaited(self) -> tuple[str, ...]:
        """The roles that must sign it."""
        return tuple(dict.fromkeys(ruling["role"] for ruling in self.json("verdict.json")["rulings"] if ruling.get("role")))


class Card(Artifact):
    """What goes with a version: `card.html` to be opened, `card.md` with the metadata that Hugging Face reads, `bom.json`, a CycloneDX bill of materials."""


A = TypeVar("A", bound=Artifact)


@dataclass(frozen=True)
class Made(Mapping[str, Artifact]):
    """The artifacts of a stage by port. An artifact that does not lie on this machine is fetched when it is asked for."""

    kinds: Mapping[str, type[Artifact]]
    digests: Mapping[str, str]
    locate: Callable[[str], Path]

    def __getitem__(self, port: str) -> Artifact:
        return self.kinds[port](self.locate(self.digests[port]), self.digests[port])

    def __iter__(self) -> Iterator[str]:
        return iter(self.kinds)

    def __len__(self) -> int:
        return len(self.kinds)

    def first(self, kind: type[A]) -> A | None:
        """The artifact of that kind; None when the stage makes none. No other is fetched."""
        port = next((port for port, made in self.kinds.items() if issubclass(made, kind)), None)
        return None if port is None else kind(self.locate(self.digests[port]), self.digests[port])


def target_array(frame: pl.DataFrame, output: Output) -> np.ndarray:
    """The target as a network is fed it: class ids (int64, [rows]), or standardised values (float32, [rows, 1]).

    Of labels, 1 where a row has one (uint8, [rows, labels]).
    Of a text, the number of its bytes that are read (int64, [rows, 1]): what is to be predicted is in the text.
    """
    import numpy as np
    import polars as pl

    if output.kind == "labels":
        return frame.select(pl.col(output.targets).cast(pl.UInt8)).to_numpy()
    column = frame[output.target]
    if output.kind == "bytes":
        return column.str.len_bytes().fill_null(0).clip(upper_bound=output.context).cast(pl.Int64).to_numpy().reshape(-1, 1)
    if output.kind == "value":
        return ((column.cast(pl.Float64).to_numpy() - output.offset) / output.scale).astype(np.float32).reshape(-1, 1)
    return column.replace_strict(list(output.classes), list(range(len(output.classes))), return_dtype=pl.Int64).to_numpy()
