"""What a sweep tries for one key: the values, and how likely each is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator, model_validator

__all__ = ["LAWS", "Dimension", "Value"]

Value: TypeAlias = JsonValue
LAWS = ("choice", "uniform", "loguniform", "quniform", "randint", "lograndint")


class Dimension(BaseModel):
    """One entry of a space: a key of the recipe, and one law by which its values are drawn."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)

    key: str = Field(description="the key that it sets, such as trainer.lr; or a section, such as model, to choose its option")
    choice: Annotated[tuple[Value, ...], Field(min_length=1)] | None = Field(default=None, description="one of these values")
    uniform: tuple[float, float] | None = Field(default=None, description="a number between two, each as likely")
    loguniform: tuple[float, float] | None = Field(default=None, description="a number between two above 0, each order of magnitude as likely")
    quniform: tuple[float, float, float] | None = Field(default=None, description="lowest, highest and step: a number on that ladder")
    randint: tuple[int, int] | None = Field(default=None, description="an integer from the first to the second, both included")
    lograndint: tuple[int, int] | None = Field(default=None, description="an integer between two above 0, each order of magnitude as likely")

    @field_validator("uniform", "loguniform", "quniform", "randint", "lograndint")
    @classmethod
    def _rises(cls, value: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if value is not None and not value[0] < value[1]:
            raise ValueError(f"the lower end {value[0]:g} is not below the upper end {value[1]:g}")
        return value

    @field_validator("loguniform", "lograndint")
    @classmethod
    def _has_logarithm(cls, value: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if value is not None and not value[0] > 0:
            raise ValueError(f"the lower end {value[0]:g} has no logarithm; it must be above 0")
        return value

    @field_validator("quniform")
    @classmethod
    def _steps(cls, value: tuple[float, float, float] | None) -> tuple[float, float, float] | None:
        if value is not None and not 0 < value[2] <= value[1] - value[0]:
            raise ValueError(f"the step {value[2]:g} is not above 0 and at most {value[1] - value[0]:g}, from end to end")
        return value

    @model_validator(mode="after")
    def _one_law(self) -> Self:
        given = [law for law in LAWS if getattr(self, law) is not None]
        if len(given) != 1:
            found = f"{' and '.join(given)} at once" if given else "no law"
            raise ValueError(f"{found}; give exactly one of {', '.join(LAWS)}")
        return self

    @property
    def law(self) -> str:
        """The name of its law."""
        return next(law for law in LAWS if getattr(self, law) is not None)

    @property
    def ends(self) -> Any:
        """What the law is given: its two ends (and step), or the values to choose from."""
        return getattr(self, self.law)

    def at(self, share: float) -> Value:
        """The value below which a share (from 0, below 1) of all draws lies: a uniform share gives a draw."""
        if self.choice is not None:
            return self.choice[int(share * len(self.choice))]
        low, high = float(self.ends[0]), float(self.ends[1])
        if self.quniform is not None:
            return round(low + int(share * self._rungs) * self.quniform[2], 12)
        if self.randint is not None:
            return int(low) + int(share * (high - low + 1))
        if self.lograndint is not None:
            return min(int(low * ((high + 1) / low) ** share), int(high))
        return min(low * (high / low) ** share if self.loguniform is not None else low + share * (high - low), high)

    def values(self) -> tuple[Value, ...] | None:
        """Every value that it can take, when they can be counted."""
        if self.choice is not None:
            return self.choice
        if self.quniform is not None:
            return tuple(self.at((rung + 0.5) / self._rungs) for rung in range(self._rungs))
        integers = self.randint or self.lograndint
        return tuple(range(integers[0], integers[1] + 1)) if integers else None

    def corners(self) -> Iterator[tuple[int | None, Value]]:
        """Values by which one can tell whether all fit a key: with the place of each among what the law is given."""
        if self.choice is not None:
            yield from enumerate(self.choice)
            return
        low, high = self.ends[:2]
        yield 0, low
        yield 1, high
        if self.uniform or self.loguniform or self.quniform:  # what lies between two whole numbers is no integer
            middle = self.at(1 / math.e)
            yield None, middle

    @property
    def _rungs(self) -> int:
        assert self.quniform is not None
        low, high, step = self.quniform
        return int((high - low) / step + 1e-9) + 1
