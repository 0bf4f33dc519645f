"""Model and trainer, suited to the number of rows."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Fitting", "fitting"]


@dataclass(frozen=True)
class Fitting:
    """What fits, and why."""

    model: str
    reason: str
    max_epochs: int
    batch_size: int
    lr: float
    patience: int


def fitting(rows: int, task: str) -> Fitting:
    """Few rows want a simple model and many passes; many rows want large batches and few."""
    if rows < 1_500:
        epochs, lr = (200, 0.02) if task == "regression" else (100, 0.01)
        return Fitting("linear", f"for so few rows; mlp could learn what is not linear in {rows:,}, and overfits sooner", epochs, 32, lr, 20)
    if rows < 20_000:
        return Fitting("mlp", "linear would be simpler to explain", 60, 64, 0.001, 10)
    if rows < 200_000:
        return Fitting("mlp", "linear would be simpler to explain", 30, 512, 0.001, 5)
    return Fitting("mlp", "linear would be simpler to explain", 15, 4096, 0.002, 3)
