"""What a model's card says: who it is, what it was judged by, and what it is made of. No values of rows, and no text that could quote one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from math import isfinite

from mlforge.finding import Finding
from mlforge.notes import Notes
from mlforge.report.figures import number

__all__ = ["CardRule", "CardSigner", "CardView", "Figure", "Input", "figures", "named_safely"]

_DIFFERENCES = ("_difference", "_ratio")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement of the bundle that ships."""

    name: str  # "roc_auc", "sex/equal_opportunity_difference"
    value: float
    low: float | None = None
    high: float | None = None
    unit: str = ""
    rows: int | None = None

    @property
    def text(self) -> str:
        """ "0.874 [0.869, 0.879]"."""
        ends = "" if self.low is None or self.high is None else f" [{number(self.low)}, {number(self.high)}]"
        return f"{number(self.value, self.unit)}{ends}"


@dataclass(frozen=True, slots=True)
class Input:
    """A column that the model takes."""

    name: str
    dtype: str
    unit: str = ""
    description: str = ""
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class CardRule:
    """A rule of the gates, and what came of it."""

    rule: str
    asked: str
    found: str
    said: str  # "yes", or who signed


@dataclass(frozen=True, slots=True)
class CardSigner:
    """Somebody who signed."""

    role: str
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class CardView:
    """One version, as far as a stranger wants to read of it."""

    model: str
    bundle: str  # digest
    verdict: str  # digest
    task: str  # "classification"
    algorithm: str  # "tabular_resnet"
    target: str
    maker: str  # "mlforge 0.1.0"
    description: str = ""
    notes: Notes | None = None  # what people say of it
    license: str = ""
    pipeline: str = ""  # what Hugging Face calls the task: "tabular-classification"
    classes: tuple[str, ...] = ()
    inputs: tuple[Input, ...] = ()
    audited: tuple[str, ...] = ()  # protected columns, which are no features
    guarded: Mapping[str, str] = field(default_factory=dict)  # columns with personal data, and how they are protected
    figures: tuple[Figure, ...] = ()
    fairness: tuple[Figure, ...] = ()
    behaviour: tuple[Figure, ...] = ()
    rules: tuple[CardRule, ...] = ()
    signers: tuple[CardSigner, ...] = ()
    compared_with: str = ""  # digest of the champion's bundles
    source: str = ""  # "csv"
    data: str = ""  # digest of the rows
    rows: int | None = None
    files: Mapping[str, str] = field(default_factory=dict)  # sha256 of the bundle's files
    libraries: Mapping[str, str] = field(default_factory=dict)  # versions that made it


def named_safely(name: str, columns: Collection[str]) -> bool:
    """Is nothing in a finding's name that only the data decides: a class, a group, a slice. Names that recipes write (behaviour tests, columns) are safe."""
    match name.split("/"):
        case [_, _]:
            return True
        case [_, _, "gain"]:
            return True
        case [_, "behaviour" | "latency", _]:
            return True
        case [_, "slices", "worst", _]:
            return True
        case [_, column, measure]:
            return all(part in columns for part in column.split("*")) and measure.endswith(_DIFFERENCES)
    return False


def figures(findings: Collection[Finding], ships: str, columns: Collection[str]) -> dict[str, tuple[Figure, ...]]:
    """What may stand on a card, by topic: "figures", "fairness" and "behaviour". Nothing volatile: the same model has the same card."""
    told: dict[str, list[Figure]] = {"figures": [], "fairness": [], "behaviour": []}
    for finding in findings:
        if finding.subject != "candidate" or finding.volatile or finding.variant not in ("", ships) or finding.value is None or not isfinite(finding.value):
            continue
        window, _, name = finding.name.partition("/")
        if window not in ("test", "bundle") or name.endswith("/gain") or not named_safely(finding.name, columns):
            continue
        topic = "behaviour" if name.startswith("behaviour/") else "fairness" if name.endswith(_DIFFERENCES) else "figures"
        shown = name if window == "test" else finding.name
        told[topic].append(Figure(shown, finding.value, finding.low, finding.high, finding.unit, finding.rows))
    return {topic: tuple(found) for topic, found in told.items()}
