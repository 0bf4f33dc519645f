"""How a server watches the rows that it answers."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from mlforge.units import Duration, Share

__all__ = ["MonitorSettings"]


class MonitorSettings(BaseModel):
    """How the recipe's monitors look at live rows while they are answered. What they look for stands in the recipe's section `monitors`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    seconds: Duration = Field(
        default=10.0, ge=0.2, le=3600, description="rows are in the store's counts after so long: the most that is lost when a process is killed"
    )
    share: Share = Field(
        default=0.015,
        gt=0,
        description="share of a worker's time that monitors may take; where more rows come, batches are passed over by chance; 1 looks at all",
    )
