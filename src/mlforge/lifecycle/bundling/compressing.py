"""Which variant of the bundle ships under a recipe's compression contract: each is measured on the runtime that will serve it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from mlforge.artifact import Assignment, Table, frames, write_json
from mlforge.components import Job
from mlforge.compress import Compress, Measured
from mlforge.errors import DataError
from mlforge.finding import Finding
from mlforge.lifecycle.bundling.racing import Pace, race
from mlforge.report.figures import number

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from mlforge.runtime.predictor import Predictor
    from mlforge.task import Output

__all__ = ["DECISION", "DECLARED", "KEPT", "Decision", "decide"]

DECISION = "decision.json"
KEPT = "compress/kept"
DECLARED = (KEPT, "compress/drop", "compress/speedup", "compress/latency")
_MEASURES = {"classes": "accuracy", "value": "R²", "bytes": "bits per byte"}


@dataclass(frozen=True, slots=True)
class Decision:
    """Which variant ships, and whether it keeps the contract. It is recorded with the bundles and reused with them: a clock has a say in it only once."""

    ships: str
    kept: bool

    @classmethod
    def read(cls, folder: Path) -> Decision | None:
        """That of exported bundles; None when they were made without a contract."""
        path = folder / DECISION
        if not path.exists():
            return None
        told = json.loads(path.read_bytes())
        return cls(told["ships"], told["kept"])


def decide(job: Job, contract: Compress, folder: Path, broken: Mapping[str, str]) -> Decision:
    """Measure the exported variants in `folder` (the first is what the others are compared with), write down the decision and why.

    `broken` has the variants that are not the model at all, and why.
    """
    from mlforge.runtime.predictor import Predictor

    variants = list(broken)
    models = {variant: Predictor.open(folder / variant, threads=contract.threads) for variant in variants}
    drops = _drops(job, models)
    paces = race({variant: folder / variant for variant in variants}, _request(job, contract.rows), contract.threads, quick=job.smoke)
    measured = {variant: Measured(drops[variant].value, paces[variant].low, _size(folder / variant), broken[variant]) for variant in variants}
    clauses = {variant: contract.broken_by(one) for variant, one in measured.items()}
    keeping = [variant for variant in variants if not clauses[variant]]
    decision = Decision(min(keeping, key=lambda variant: contract.rank(measured[variant])) if keeping else variants[0], bool(keeping))
    output = models[variants[0]].bundle.output
    for finding in _told(contract, decision, drops, paces, clauses, output):
        job.find(finding)
    lasting = {name: {"broken": sorted(clauses[name]), "drop": one.drop if isfinite(one.drop) else None, "size": one.size} for name, one in measured.items()}
    asked = contract.model_dump(mode="json", exclude_none=True)
    write_json(folder / DECISION, {"ships": decision.ships, "kept": decision.kept, "contract": asked, "variants": lasting})
    return decision


@dataclass
class Drop:
    """How much worse a variant is than the first, over the rows seen so far."""

    output: Output
    weight: float = 0.0
    lost: float = 0.0  # weighted sum over rows of what the first has and this one has not
    squares: float = 0.0  # of the weighted losses, for the interval
    spread: float = 0.0  # what a sum is held against: of squares of a regression's target, of a language model's bytes
    rows: int = field(default=0)

    def add(self, first: np.ndarray, this: np.ndarray, weight: np.ndarray, spread: np.ndarray) -> None:
        """Goodness of each row, by the first and by this variant."""
        lost = weight * (first - this)
        self.rows += len(lost)
        self.weight += float(weight.sum())
        self.lost += float(lost.sum())
        self.squares += float((lost**2).sum())
        self.spread += float((weight * spread).sum())

    @property
    def value(self) -> float:
        """In accuracy, in share of explained variance, in bits per byte. NaN when a variant says something that is no number."""
        return self.lost / (self.spread or 1.0)

    @property
    def half(self) -> float:
        """Half of the interval around it: rows are drawn, the two variants are compared row by row."""
        return 1.96 * float(max(self.squares - self.lost**2 / max(self.rows, 1), 0.0) ** 0.5) / (self.spread or 1.0)


def _drops(job: Job, models: Mapping[str, Predictor]) -> dict[str, Drop]:
    first = next(iter(models.values()))
    output = first.bundle.output
    drops = {variant: Drop(output) for variant in models}
    weights = job.contract.having("weight")
    for rows in frames(job.input("table", Table), job.input("assignment", Assignment), "validation"):
        if rows.is_empty():
            continue
        weight, spread = _weight(rows, weights), _spread(rows, output)
        reference = _goodness(first.score(rows), rows, output)
        for variant, model in models.items():
            drops[variant].add(reference, reference if model is first else _goodness(model.score(rows), rows, output), weight, spread)
    if not drops[next(iter(drops))].rows:
        raise DataError("compress: there are no validation rows to compare the variants on", hint="Give the split a validation share.")
    return drops


def _goodness(said: pl.DataFrame, rows: pl.DataFrame, output: Output) -> np.ndarray:
    """Of each row, higher is better: is its class right, minus its squared error, minus its bits."""
    import numpy as np
    import polars as pl

    if output.kind == "bytes":
        return -said["bits"].to_numpy().astype(np.float64)
    if output.kind == "value":
        squares: np.ndarray = ((said["prediction"].to_numpy() - rows[output.target].cast(pl.Float64).to_numpy()) / output.scale) ** 2
        return -squares
    right = said["prediction"].cast(pl.String) == rows[output.target].cast(pl.String)
    return right.to_numpy().astype(np.float64)


def _spread(rows: pl.DataFrame, output: Output) -> np.ndarray:
    """What the sum of the rows' goodness is divided by."""
    import numpy as np
    import polars as pl

    if output.kind == "bytes":
        return rows[output.target].str.len_bytes().fill_null(0).clip(upper_bound=output.context).to_numpy().astype(np.float64)
    if output.kind == "value":
        return ((rows[output.target].cast(pl.Float64).to_numpy() - output.offset) / output.scale) ** 2
    return np.ones(len(rows))


def _weight(rows: pl.DataFrame, weights: tuple[str, ...]) -> np.ndarray:
    import numpy as np
    import polars as pl

    return rows[weights[0]].cast(pl.Float64).to_numpy() if weights else np.ones(len(rows))


def _request(job: Job, count: int) -> pl.DataFrame:
    """The first rows of the validation part, over again where there are too few."""
    import polars as pl

    for rows in frames(job.input("table", Table), job.input("assignment", Assignment), "validation"):
        if not rows.is_empty():
            return pl.concat([rows] * -(-count // len(rows))).head(count)
    raise DataError("compress: there are no validation rows to measure the variants by", hint="Give the split a validation share.")


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _told(
    contract: Compress, decision: Decision, drops: Mapping[str, Drop], paces: Mapping[str, Pace], clauses: Mapping[str, Mapping[str, str]], output: Output
) -> Iterator[Finding]:
    """What was measured of each variant, and what came of it."""
    first, measure = next(iter(drops)), _MEASURES[output.kind]
    for variant, drop in drops.items():
        pace, told = paces[variant], isfinite(drop.value) and isfinite(drop.half)
        ends = {"low": drop.value - drop.half, "high": drop.value + drop.half} if told else {}
        severity = "warning" if {"max_drop", "parity"} & set(clauses[variant]) else "info"
        yield Finding(
            name="compress/drop", value=drop.value if told else None, variant=variant, rows=drop.rows, better="lower", severity=severity,
            text=f"{measure} that {variant} loses against {first} on the validation rows",
            interval="95 % normal, paired over validation rows", **ends,
        )  # fmt: skip
        yield Finding(
            name="compress/latency", value=pace.seconds, unit="s", variant=variant, better="lower", volatile=True,
            text=f"median time of a request of {contract.rows} row{'s' * (contract.rows != 1)} on {contract.runtime}, {contract.threads} thread"
            f"{'s' * (contract.threads != 1)}, the graph alone",
        )  # fmt: skip
        yield Finding(
            name="compress/speedup", value=pace.speedup, low=pace.low, high=pace.high, interval="95 % of the median over paired rounds", variant=variant,
            better="higher", volatile=True, severity="warning" if "min_speedup" in clauses[variant] else "info",
            text=f"how many times as fast as {first}: by the low end it is judged",
        )  # fmt: skip
    yield Finding(
        name=KEPT, value=float(decision.kept), volatile=True, better="higher", severity="info" if decision.kept else "critical",
        text=_why(contract, decision, drops, paces, clauses), evidence={"broken": {name: dict(broken) for name, broken in clauses.items()}},
    )  # fmt: skip


def _why(contract: Compress, decision: Decision, drops: Mapping[str, Drop], paces: Mapping[str, Pace], clauses: Mapping[str, Mapping[str, str]]) -> str:
    """One sentence: what ships and why, or what each variant breaks."""
    if decision.kept:
        word = {"size": "smallest", "speed": "fastest", "quality": "best"}[contract.prefer]
        others = [name for name, broken in clauses.items() if not broken]
        refused = "; ".join(f"{name} does not: {', '.join(broken.values())}" for name, broken in clauses.items() if broken)
        chosen, pace = drops[decision.ships], paces[decision.ships]
        told = f"{decision.ships} ships: drop {number(chosen.value)}, {pace.speedup:.2f} times as fast"
        told += f", the {word} of {len(others)} that keep the contract" if len(others) > 1 else ", the only one that keeps the contract"
        return told + (f" ({refused})" if refused else "")
    return "no variant keeps the contract: " + "; ".join(f"{name} {', '.join(broken.values())}" for name, broken in clauses.items())
