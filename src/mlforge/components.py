"""The kinds of component: the page that a plugin author reads.

A component is a frozen pydantic model. Its fields are its YAML keys, with types, bounds, units and descriptions; from that one declaration come the
defaults, the errors, the JSON Schema and the reference docs. Heavy imports (torch, polars, sklearn) stay inside methods, so that checking a recipe is fast.

    class Sine(Source):
        '''A sine wave with noise.'''

        rows: int = Field(default=1000, gt=0, description="how many rows")

        def fingerprint(self) -> str:
            return f"sine {self.rows}"

        def scan(self) -> pl.LazyFrame:
            ...
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Protocol, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field

from mlforge.artifact import Artifact, Block, Encoding, Trained
from mlforge.contract import Column, Contract
from mlforge.errors import DataError
from mlforge.finding import Finding, Subject
from mlforge.runtime.protections import Rule
from mlforge.task import Output, Task
from mlforge.units import Duration
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import numpy as np
    import onnx
    import polars as pl
    import torch

__all__ = [
    "Champion", "Component", "Estimator", "Evidence", "Exporter", "Fitting", "Fragment", "Gate", "InputPath", "Job", "Model", "Objection", "Parts",
    "Probe", "Protection", "Reads", "Ruling", "Schema", "Shipment", "Source", "Splitter", "Stage", "Tensors", "Trainer", "Transform", "Variable",
]  # fmt: skip

A = TypeVar("A", bound=Artifact)
C = TypeVar("C", bound="Component")


@dataclass(frozen=True)
class Reads:
    """Marks a field that names a file or folder to be read: it is resolved against the project, checked against its roots, and no part of a stage's key."""


InputPath = Annotated[str, Reads()]
"""A path, glob or URL that a component reads. When the component is made, it is absolute and lies within the project's roots."""


@dataclass(frozen=True)
class Names:
    """Marks a field that names an environment variable: the project must allow it."""


Variable = Annotated[str, Names()]
"""The name of an environment variable that a component reads when it runs. What it holds is no part of a recipe, a key or a record."""


@dataclass(frozen=True)
class Objection:
    """Why a component does not suit a contract: a problem of the recipe, told before anything runs."""

    field: str  # the component's field that is wrong, or "" for the component as a whole
    found: str
    expected: str = ""
    hint: str = ""


class Component(BaseModel, ABC):
    """What a recipe's section can name. The first line of the docstring is what `mlforge ls` prints."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), hide_input_in_errors=True, allow_inf_nan=False)

    requires: ClassVar[tuple[str, ...]] = ()
    """Distributions beyond mlforge's base install, as pip names them: `("torch", "pytorch-lightning")`. Missing ones are reported before anything runs."""

    libraries: ClassVar[tuple[str, ...]] = ()
    """Distributions whose version decides the result: a new version re-runs the stages that use the component."""

    def objections(self, contract: Contract) -> Iterable[Objection]:
        """What speaks against it under this contract, such as a column that is not there; looked at by `check`, without data."""
        return ()


# ── data ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Source(Component):
    """Where rows come from."""

    suffixes: ClassVar[tuple[str, ...]] = ()
    """File endings that it reads, with the dot, when it has a field `path`: how `mlforge predict --source FILE` finds it."""

    @abstractmethod
    def fingerprint(self) -> str:
        """A text that changes when the rows may have changed; cheap where the store gives an etag, a size and time, or a snapshot id."""

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


# ── model ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Model(Component):
    """Builds what is to be fitted."""

    family: ClassVar[str] = "network"
    """What kind of thing it builds: "network", or "estimator" for things with a fit of their own. A trainer says which families it fits."""

    tasks: ClassVar[frozenset[str]] = frozenset({"classification", "regression"})

    @abstractmethod
    def build(self, blocks: tuple[Block, ...], output: Output) -> torch.nn.Module | Estimator:
        """A network whose `forward` takes one tensor per block, in this order, and returns raw scores [rows, output.width].

        Must be exportable by `torch.export`. A model of the family "estimator" builds an `Estimator` instead.
        """


class Estimator(Protocol):
    """What a model of the family "estimator" builds: it fits itself, and knows what it has learned as files and as a graph."""

    def fit(self, fitting: Fitting) -> Sequence[Mapping[str, float]]:
        """Fit to `fitting.train`, deterministic under `fitting.seed` and for any number of threads; one batch's worth of effort when `fitting.smoke`.

        Returns the curves, a row per round, each with "validation/loss" (mean cross-entropy; mean squared error of the standardised target): what is kept is
        the first round where it is lowest. Empty when it has no rounds.
        """

    def save(self, folder: Path) -> None:
        """Write what was learned into files that cannot carry code: a library's own text, npz, JSON; never pickle. Same fit, same bytes."""

    def load(self, folder: Path) -> None:
        """Read what `save` has written."""

    def scores(self, blocks: tuple[np.ndarray, ...]) -> np.ndarray:
        """Raw scores [rows, output.width] as the library itself computes them: what an exported graph is held against."""

    def graph(self, opset: int) -> onnx.ModelProto:
        """A graph from the blocks, each an input by its name, to `scores` (float32): what a bundle computes them by. `ai.onnx.ml` is at version 4."""


@dataclass(frozen=True)
class Tensors:
    """One part of the data as arrays, row by row: in memory or memory-mapped."""

    blocks: tuple[np.ndarray, ...]
    target: np.ndarray  # int64 [rows] of class ids, or float32 [rows, 1]
    weight: np.ndarray | None = None  # float32 [rows]

    def __len__(self) -> int:
        return len(self.target)


@dataclass(frozen=True)
class Fitting:
    """All that a trainer needs to fit one model, and where to leave it."""

    model: Model
    blocks: tuple[Block, ...]
    output: Output
    train: Tensors
    validation: Tensors
    seed: int
    folder: Path  # to be filled with the files of `Trained`
    work: Path  # for checkpoints; survives a kill, and belongs to this very fitting
    smoke: bool
    progress: Callable[[float, float, str], None]  # done, total, note
    find: Callable[[Finding], None]
    threads: int | None = None  # CPU threads for an estimator's fit; None: as many as there are


class Trainer(Component):
    """Fits a model."""

    fits: ClassVar[frozenset[str]]
    """Families of models that it can fit."""

    @abstractmethod
    def fit(self, fitting: Fitting) -> None:
        """Fit and fill `fitting.folder` with `weights.safetensors` (or an estimator's own files), `trained.json` and `curves.parquet`. Killed and called
        again, it continues from `work` to the same bytes.

        Raises RunFailed when the loss is not finite.
        """


@dataclass(frozen=True)
class Shipment:
    """All that an exporter needs to make one bundle, and where to leave it."""

    model: Model
    trained: Trained
    encoding: Encoding
    contract: Contract
    task: Task
    folder: Path  # to be filled with a bundle (see mlforge.runtime.bundle)
    smoke: bool

    def network(self) -> torch.nn.Module:
        """The fitted network, on the CPU and in evaluation mode; for models of the family "network"."""
        from safetensors.torch import load_file

        network = self.model.build(self.encoding.blocks, self.encoding.output)
        assert self.model.family == "network", f"{type(self.model).__name__} builds no network"
        fitted = cast("torch.nn.Module", network)
        fitted.load_state_dict(load_file(self.trained.folder / "weights.safetensors"))
        return fitted.eval()

    def estimator(self) -> Estimator:
        """The fitted estimator; for models of the family "estimator"."""
        assert self.model.family == "estimator", f"{type(self.model).__name__} builds no estimator"
        fitted = cast("Estimator", self.model.build(self.encoding.blocks, self.encoding.output))
        fitted.load(self.trained.folder)
        return fitted

    def scorer(self) -> Callable[[tuple[np.ndarray, ...]], np.ndarray]:
        """From blocks to raw scores [rows, output.width], as the trained model itself says them: what a bundle is held against."""
        if self.model.family == "estimator":
            return self.estimator().scores
        import torch

        network = self.network()

        def scores(blocks: tuple[np.ndarray, ...]) -> np.ndarray:
            with torch.inference_mode():
                said: np.ndarray = network(*(torch.from_numpy(block) for block in blocks)).numpy()
                return said

        return scores


class Exporter(Component):
    """Makes one variant of the bundle."""

    @abstractmethod
    def export(self, shipment: Shipment) -> None:
        """Fill `shipment.folder` with a bundle. Same inputs, same bytes."""


# ── judgement ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Probe(Component):
    """Measures: data (`checks`), predictions (`evaluators`), live windows (`monitors`)."""

    @abstractmethod
    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """Names of the findings that it can make, without the window's name: "roc_auc"; `*` stands for one part that only the data decides: "recall/*"."""

    @abstractmethod
    def summarise(self, window: Window) -> Profile:
        """What to keep of one partition."""

    @abstractmethod
    def merge(self, one: Profile, other: Profile) -> Profile:
        """Two profiles as one; associative, and the empty profile of an empty window changes nothing."""

    @abstractmethod
    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """The findings of a merged profile, names without the window's.

        With a reference (the champion's profile over the same rows; the training data's) also how the two differ.
        """


class Evidence(Protocol):
    """The findings before a gate."""

    def get(self, name: str, subject: Subject = "candidate") -> Finding | None:
        """The finding of that name about the variant that ships (candidate), the champion, the baseline or the data; None when it was not made."""

    @property
    def champion(self) -> str | None:
        """ "adult 3", or None when there is no champion."""


class Ruling(BaseModel):
    """What one rule of a gate said."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: str = Field(description="gate entry and rule, such as thresholds.auc")
    passed: bool
    finding: str = Field(description="name of the finding that was judged")
    value: float | None = None
    low: float | None = None
    high: float | None = None
    bound: str = Field(default="", description="what was asked, such as '≥ 0.9'")
    margin: float | None = Field(default=None, description="how far on the right side; negative when on the wrong one")
    text: str = Field(description="one sentence for a person")


class Gate(Component):
    """Turns findings into a verdict."""

    @abstractmethod
    def needs(self, task: Task) -> Mapping[str, str]:
        """The findings that it will ask for, by the key that names them, relative to the gate; checked before anything runs.

        For example {"rules.auc.finding": "test/roc_auc"}.
        """

    @abstractmethod
    def judge(self, entry: str, evidence: Evidence, task: Task) -> Iterable[Ruling]:
        """One ruling per rule. A finding that is missing or None never passes."""


# ── lifecycle ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Champion:
    """The model version that serves, as a candidate is compared with it."""

    model: str
    version: int
    bundle: Artifact


class Job(Protocol):
    """All that a stage may touch while it runs. Reading a section that the stage does not declare is an error: keys could not be trusted otherwise."""

    @property
    def name(self) -> str:
        """The recipe's name, which is the model's."""

    @property
    def seed(self) -> int:
        """The recipe's seed."""

    @property
    def task(self) -> Task:
        """The recipe's task."""

    @property
    def contract(self) -> Contract:
        """The recipe's contract."""

    @property
    def smoke(self) -> bool:
        """A trial of the whole chain with a few rows and one batch."""

    @property
    def work(self) -> Path:
        """A folder of the stage's own that survives a kill; empty at the first try."""

    @property
    def champion(self) -> Champion | None:
        """The version to compare with; declare "champion" among `reads`."""

    def component(self, section: str, kind: type[C]) -> C:
        """The component of a section in the singular."""

    def entries(self, section: str, kind: type[C]) -> Mapping[str, C]:
        """The components of a section in the plural, by entry; empty when the recipe has none."""

    def input(self, port: str, kind: type[A]) -> A:
        """The artifact at an input port."""

    def draft(self, port: str) -> Path:
        """The folder to be filled for an output port. It becomes visible when the stage has returned, whole or not at all."""

    def find(self, finding: Finding) -> None:
        """Record a finding."""

    def evidence(self) -> list[Finding]:
        """Every finding of the earlier stages, volatile ones included; for a stage that `gathers`."""

    def progress(self, done: float, total: float, note: str = "") -> None:
        """Tell how far the work is; cheap, call it often."""


class Stage(Component):
    """One step of the lifecycle: a pure function from its inputs, sections and seed to its outputs.

    The engine derives the graph from the ports, keys each stage by what it reads, and reuses what is there. A stage belongs to a run when the recipe has all
    the sections that it `needs`.
    """

    needs: ClassVar[tuple[str, ...]] = ()
    """Sections without which the recipe has no such stage."""
    reads: ClassVar[tuple[str, ...]] = ()
    """Further sections (or "seed", "task", "champion") that it reads where they are given."""
    inputs: ClassVar[Mapping[str, type[Artifact]]] = {}
    outputs: ClassVar[Mapping[str, type[Artifact]]] = {}
    gathers: ClassVar[bool] = False
    """Takes the findings of every earlier stage as well."""
    effect: ClassVar[bool] = False
    """Changes the world instead of making artifacts: done once, never re-done by a re-run, and not run by `--smoke`."""

    declares: ClassVar[tuple[str, ...]] = ()
    """Names of the findings that it makes, for gates; `*` stands for one part that only the data decides."""

    retries: int = Field(default=0, ge=0, le=10, description="how often to try again after a failure that is not the recipe's or the data's")
    timeout: Duration | None = Field(default=None, description="longest time that the stage may take")

    def external(self, job: Job) -> Mapping[str, str]:
        """What else decides the outputs, such as the source's fingerprint: by name, for the key and for `plan`'s reasons."""
        return {}

    def headline(self, findings: Sequence[Finding]) -> str:
        """One line for the terminal on what came of it; the texts of its findings, when a stage does not know better."""
        return " · ".join(finding.text for finding in findings[:3] if finding.text)

    @abstractmethod
    def run(self, job: Job) -> None:
        """Do the work: fill `job.draft(port)` of every output port."""


def summary(component: type[Component]) -> str:
    """One line on a component: the first of its docstring."""
    return (component.__doc__ or "").strip().partition("\n")[0]


def reads_of(component: Component) -> dict[str, Any]:
    """The fields that name what is read, with their values."""
    return {name: getattr(component, name) for name, info in type(component).model_fields.items() if any(isinstance(mark, Reads) for mark in info.metadata)}


def parts_of(component: Component) -> dict[str, Component]:
    """The components within a component, by their place in it: "sources.orders"."""
    fields = {name: getattr(component, name) for name in type(component).model_fields}
    held = {name: value for name, value in fields.items() if isinstance(value, Mapping)}
    return {f"{name}.{entry}": part for name, value in held.items() for entry, part in value.items() if isinstance(part, Component)}
