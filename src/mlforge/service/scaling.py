"""When a server that runs as replicas gets more of them, and when fewer."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from mlforge.units import Duration

__all__ = ["Scaling"]


class Scaling(BaseModel):
    """How the number of replicas follows the load, between `cluster.workers` and `cluster.most`. Without the latter it does not."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    target: float = Field(default=8.0, gt=0, le=100_000, description="requests that a replica shall have under way: more of them lead to more replicas")
    window: Duration = Field(default=10.0, ge=1, le=3600, description="the time over which requests under way are averaged")
    up: Duration = Field(default=5.0, le=3600, description="how long there must be more before replicas are added")
    down: Duration = Field(default=300.0, le=86_400, description="how long there must be fewer before replicas are taken away")
