"""What a smaller or faster variant of a model may cost, and what it must bring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mlforge.units import Share, Size

__all__ = ["Compress", "Measured"]


@dataclass(frozen=True, slots=True)
class Measured:
    """What one variant of the bundle came to, beside the first listed."""

    drop: float  # how much worse on the validation rows: accuracy, share of explained variance, bits per byte
    speedup: float  # how many times as fast; the low end of what was measured
    size: int  # bytes of the bundle's files
    broken: str = ""  # why it is not the model at all


class Compress(BaseModel):
    """The compression contract: of the variants that keep it, the best ships; when none does, the gates say no."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)

    max_drop: Share | None = Field(
        default=None,
        description="how much worse than the first listed exporter's on the validation rows: accuracy; of a regression R²; of a language model bits per byte",
    )
    min_speedup: float | None = Field(default=None, gt=0, le=1000, description="how many times as fast as the first listed exporter's")
    max_size: Size | None = Field(default=None, description="size of the bundle's files, such as 4 MB")
    runtime: Literal["onnxruntime-cpu"] = Field(default="onnxruntime-cpu", description="what speed is measured on, which is what serves")
    rows: int = Field(default=1, ge=1, le=10_000, description="rows of a request whose speed is measured")
    threads: int = Field(default=1, ge=1, le=256, description="CPU threads of a request")
    prefer: Literal["size", "speed", "quality"] = Field(
        default="size", description="which of the variants that keep it ships: the smallest, the fastest, or the one with the least drop"
    )

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if self.max_drop is None and self.min_speedup is None and self.max_size is None:
            raise ValueError("nothing is asked: write max_drop, min_speedup or max_size")
        return self

    def broken_by(self, variant: Measured) -> dict[str, str]:
        """The clauses that a variant breaks, each with the figure and the bound."""
        found = {"parity": variant.broken} if variant.broken else {}
        if self.max_drop is not None and not variant.drop <= self.max_drop:
            found["max_drop"] = f"drops by {variant.drop:.4g}, and {self.max_drop:g} is allowed"
        if self.min_speedup is not None and not variant.speedup >= self.min_speedup:
            slower = "slower: " if variant.speedup < 1 else ""
            found["min_speedup"] = f"{slower}{variant.speedup:.2f} times as fast, and {self.min_speedup:g} is asked"
        if self.max_size is not None and not variant.size <= self.max_size:
            found["max_size"] = f"{variant.size:,} bytes, and {self.max_size:,} are allowed"
        return found

    def rank(self, variant: Measured) -> tuple[float, ...]:
        """The lowest is the best."""
        return {"size": (variant.size, variant.drop), "speed": (-variant.speedup, variant.drop), "quality": (variant.drop, variant.size)}[self.prefer]
