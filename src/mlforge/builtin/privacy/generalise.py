"""The protection generalise."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from mlforge.components import Protection
from mlforge.contract import Column
from mlforge.runtime.protections import Band, Moment, Prefix, Rule

__all__ = ["Generalise"]


class Generalise(Protection):
    """Makes values coarse: numbers become bands, times the month or year, text a prefix. A column's dtype decides which."""

    band: float | None = Field(default=None, gt=0, description="width of a band of numbers: with 10, 37 becomes 30 (and -3 becomes -10)")
    keep: Literal["year", "quarter", "month", "week", "day", "hour"] | None = Field(default=None, description="what is kept of a date or time")
    prefix: int | None = Field(default=None, ge=1, description="how many characters are kept of a text")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.band is None and self.keep is None and self.prefix is None:
            raise ValueError("say how coarse: band for numbers, keep for times, prefix for text")
        return self

    def rule(self, key: str, column: Column) -> Rule:
        """By the column's dtype. Raises ValueError when nothing is said for it."""
        if column.dtype in ("int", "float") and self.band is not None:
            if column.dtype == "int" and self.band != int(self.band):
                raise ValueError(f"{key} is a column of whole numbers, and band is {self.band:g}")
            return Band(width=self.band)
        if column.dtype == "datetime" and self.keep is not None:
            return Moment(to=self.keep)
        if column.dtype in ("category", "string", "text") and self.prefix is not None:
            return Prefix(characters=self.prefix)
        wanted = {"int": "band", "float": "band", "datetime": "keep", "category": "prefix", "string": "prefix", "text": "prefix"}.get(column.dtype)
        raise ValueError(f"{key} is {column.dtype}, and " + (f"{wanted} is not set" if wanted else "that cannot be made coarse"))
