"""What a fit has found so far: it decides on the best weights and on stopping, and is kept in checkpoints."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from mlforge.artifact import write_json
from mlforge.errors import RunFailed

__all__ = ["Record", "Rule"]


@dataclass(frozen=True)
class Rule:
    """By what the best epoch is chosen, and when to stop."""

    last: int  # so many epochs at most
    patience: int | None = None  # epochs without a better score after which to stop; None: never
    score: str = "validation/loss"
    higher: bool = False  # is a higher score better
    least: float = 0.0  # by how much a score must be better, for patience


@dataclass
class Record:
    """Epochs, curves and the best of them."""

    epochs: int = 0  # finished
    best_epoch: int = 0  # from 1; 0 before the first epoch has ended
    best_score: float | None = None
    patient_since: int = 0  # the last epoch that was better by enough
    patient_score: float | None = None  # and its score
    stopped: bool = False  # nothing more to do
    seconds: float = 0.0  # spent fitting, before this process
    portions: int = 0  # in how many portions a step is worked off; 0 before the first step
    world: int = 1  # processes that share a step
    curves: list[tuple[int, str, float]] = field(default_factory=list)

    def note(self, values: dict[str, float], rule: Rule, *, over: bool = False, counts: bool = True) -> bool:
        """Take down an epoch's values; True when its weights are the best so far. `over`: it was the last, whatever the rule says.

        One that does not count, since the network is still to change, is the best only when there will be no other.

        Raises RunFailed when the values have no such score.
        """
        if rule.score not in values:
            raise RunFailed(f"trainer.score: nothing is measured under {rule.score}", hint=f"There is {', '.join(sorted(values))}.")
        self.epochs += 1
        self.curves += [(self.epochs, name, value) for name, value in values.items()]
        score = values[rule.score]
        if not counts and not over and self.epochs < rule.last:
            self.patient_since = self.epochs
            return False
        better = _gain(score, self.best_score, rule) > 0
        if better:
            self.best_epoch, self.best_score = self.epochs, score
        if _gain(score, self.patient_score, rule) > rule.least:
            self.patient_since, self.patient_score = self.epochs, score
        self.settle(rule, over=over)
        return better

    def settle(self, rule: Rule, *, over: bool) -> None:
        """Is there nothing more to do. Asked again of a fit that goes on from another, which may have had less to do."""
        out_of_patience = rule.patience is not None and self.epochs - self.patient_since >= rule.patience
        self.stopped = over or self.epochs >= rule.last or out_of_patience

    def progress(self, rule: Rule) -> str:
        """ "epoch 15/60  validation/loss 0.4412, best 0.4398": which epoch it is, and the score of the last one beside the best."""
        told = f"epoch {self.epochs + 1}/{rule.last}"
        latest = next((value for _, name, value in reversed(self.curves) if name == rule.score), None)
        if latest is None or self.best_score is None:
            return told
        return f"{told}  {rule.score} {latest:.4g}" + (f", best {self.best_score:.4g}" if latest != self.best_score else "")

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    @classmethod
    def of(cls, plain: dict[str, Any]) -> Self:
        """From JSON."""
        return cls(**{**plain, "curves": [(epoch, name, value) for epoch, name, value in plain["curves"]]})

    def write(self, folder: Path, score: str = "validation/loss") -> None:
        """Write `trained.json` and `curves.parquet`."""
        import polars as pl

        write_json(folder / "trained.json", {"epochs": self.epochs, "best_epoch": self.best_epoch, "best_score": self.best_score, "score": score})
        table = pl.DataFrame(self.curves, schema={"epoch": pl.Int64, "name": pl.String, "value": pl.Float64}, orient="row")
        table.write_parquet(folder / "curves.parquet", row_group_size=65_536)


def _gain(score: float, before: float | None, rule: Rule) -> float:
    if before is None:
        return float("inf")
    return score - before if rule.higher else before - score
