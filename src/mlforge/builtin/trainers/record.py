"""What a fit has found so far: it decides on the best weights and on stopping, and is kept in checkpoints."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from mlforge.artifact import write_json

__all__ = ["Record"]


@dataclass
class Record:
    """Epochs, curves and the best of them."""

    epochs: int = 0  # finished
    best_epoch: int = 0  # from 1; 0 before the first epoch has ended
    best_loss: float | None = None  # on the validation rows
    stopped: bool = False  # nothing more to do
    curves: list[tuple[int, str, float]] = field(default_factory=list)

    def note(self, values: dict[str, float], *, patience: int | None, last: int) -> bool:
        """Take down an epoch's values; True when its weights are the best so far."""
        self.epochs += 1
        self.curves += [(self.epochs, name, value) for name, value in values.items()]
        better = self.best_loss is None or values["validation/loss"] < self.best_loss
        if better:
            self.best_epoch, self.best_loss = self.epochs, values["validation/loss"]
        out_of_patience = patience is not None and self.epochs - self.best_epoch >= patience
        self.stopped = self.epochs >= last or out_of_patience
        return better

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    @classmethod
    def of(cls, plain: dict[str, Any]) -> Self:
        """From JSON."""
        return cls(**{**plain, "curves": [(epoch, name, value) for epoch, name, value in plain["curves"]]})

    def write(self, folder: Path) -> None:
        """Write `trained.json` and `curves.parquet`."""
        import polars as pl

        plain = {"epochs": self.epochs, "best_epoch": self.best_epoch, "best_score": self.best_loss, "score": "validation/loss"}
        write_json(folder / "trained.json", plain)
        table = pl.DataFrame(self.curves, schema={"epoch": pl.Int64, "name": pl.String, "value": pl.Float64}, orient="row")
        table.write_parquet(folder / "curves.parquet", row_group_size=65_536)
