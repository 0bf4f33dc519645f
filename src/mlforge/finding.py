"""Every measurement is a `Finding`; gates, alerts, reports and cards only read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Finding", "Severity", "Subject"]

Severity = Literal["info", "warning", "critical"]
Subject = Literal["data", "candidate", "champion", "baseline"]


class Finding(BaseModel):
    """One measurement: what was measured, on whom, with which uncertainty.

    `name` is a path such as `test/roc_auc` or `test/sex/equal_opportunity_difference`; a gate refers to it. A value of `None` means that the
    measurement could not be made, and `text` says why: no gate passes on it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[^/\s]+(/[^/\s]+)*$", description="path of the measurement, unique within its subject and variant")
    value: float | None = Field(description="the measured value, in `unit`; None when it could not be measured")
    text: str = Field(default="", description="one sentence for a person")
    unit: str = Field(default="", description="s, bytes, rows …; empty for a plain number")
    low: float | None = Field(default=None, description="lower end of the interval")
    high: float | None = Field(default=None, description="upper end of the interval")
    interval: str = Field(default="", description="how the interval was made, such as '95 % bootstrap over rows, 1000 resamples'")
    better: Literal["higher", "lower"] | None = Field(default=None, description="which direction is better, where there is one")
    rows: int | None = Field(default=None, description="how many rows it was measured on")
    subject: Subject = "candidate"
    variant: str = Field(default="", description="the exporter's entry, where a finding is about one variant of the bundle")
    severity: Severity = "info"
    volatile: bool = Field(default=False, description="times, costs and latencies: kept outside compared digests")
    evidence: Mapping[str, Any] = Field(default_factory=dict, description="bounded JSON: the rows, bins or figures behind the value")
