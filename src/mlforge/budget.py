"""What a run may use, and what it has used."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mlforge.units import Size

__all__ = ["Budget", "Spent"]

_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Spent:
    """What was used: of several runs and processes together."""

    seconds: float = 0.0  # by the clock
    cpu_seconds: float = 0.0  # of all processes
    gpu_seconds: float = 0.0  # by the clock, for each GPU that was held
    energy_kwh: float = 0.0
    peak_memory: int = 0  # bytes, of all processes together

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.seconds + other.seconds,
            self.cpu_seconds + other.cpu_seconds,
            self.gpu_seconds + other.gpu_seconds,
            self.energy_kwh + other.energy_kwh,
            max(self.peak_memory, other.peak_memory),
        )

    def since(self, earlier: Spent) -> Spent:
        """What came on top of an earlier reading; the peak is this one's."""
        return Spent(
            self.seconds - earlier.seconds,
            self.cpu_seconds - earlier.cpu_seconds,
            self.gpu_seconds - earlier.gpu_seconds,
            self.energy_kwh - earlier.energy_kwh,
            self.peak_memory,
        )

    def plain(self) -> dict[str, float]:
        """As JSON has it."""
        return asdict(self)


class Budget(BaseModel):
    """What training may use. It decides when a run stops, never what comes of it: it is no part of a stage's key."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)

    hours: float | None = Field(default=None, gt=0, description="longest time by the clock, over all runs until one is done")
    cost: float | None = Field(default=None, gt=0, description="highest cost, in `currency`")
    currency: str = Field(default="EUR", pattern=r"^[A-Z]{3}$", description="what costs and rates are in, as ISO 4217 writes it")
    rate_per_gpu_hour: float = Field(default=0.0, ge=0, description="price of a GPU for an hour by the clock, while it is held")
    rate_per_cpu_hour: float = Field(default=0.0, ge=0, description="price of an hour of CPU time: two busy cores use two in an hour")
    energy_kwh: float | None = Field(default=None, gt=0, description="most energy, where the machine or codecarbon can tell it")
    memory: Size | None = Field(default=None, description="most memory of all processes together, such as 16 GB")

    @model_validator(mode="after")
    def _has_prices(self) -> Self:
        if self.cost is not None and not self.rate_per_gpu_hour and not self.rate_per_cpu_hour:
            raise ValueError("a limit on cost needs prices: rate_per_gpu_hour, rate_per_cpu_hour or both")
        return self

    @property
    def priced(self) -> bool:
        """Can a cost be told."""
        return bool(self.rate_per_gpu_hour or self.rate_per_cpu_hour)

    def cost_of(self, spent: Spent) -> float:
        """In `currency`."""
        return spent.gpu_seconds / _HOUR * self.rate_per_gpu_hour + spent.cpu_seconds / _HOUR * self.rate_per_cpu_hour

    def exceeded(self, spent: Spent) -> tuple[str, str] | None:
        """The first limit that was reached, as its key and one sentence with the figure and the limit; None while all is well."""
        figures = {
            "hours": (spent.seconds / _HOUR, self.hours, "h"),
            "cost": (self.cost_of(spent), self.cost, self.currency),
            "energy_kwh": (spent.energy_kwh, self.energy_kwh, "kWh"),
            "memory": (spent.peak_memory / 1e9, None if self.memory is None else self.memory / 1e9, "GB"),
        }
        for key, (figure, limit, unit) in figures.items():
            if limit is not None and figure >= limit:
                return key, f"{figure:.4g} {unit} used, and {limit:.4g} {unit} allowed"
        return None
