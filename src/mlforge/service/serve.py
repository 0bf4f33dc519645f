"""The recipe's key `serve`: how its model is served."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from mlforge.service.access import Access
from mlforge.service.limits import Limits
from mlforge.service.monitoring import MonitorSettings
from mlforge.service.request_log import LogSettings
from mlforge.service.scaling import Scaling
from mlforge.units import Duration

__all__ = ["Objective", "Serve"]


class Objective(BaseModel):
    """How fast answers shall be."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    p99_ms: float = Field(default=100.0, gt=0, description="of a hundred answers, at most one may take longer, in milliseconds; more load than that is refused")


class Serve(BaseModel):
    """How a model is served. The command line may say otherwise; none of it decides what a model answers."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    host: str = Field(default="127.0.0.1", min_length=1, description="address to listen at; other machines reach only one that is not loopback")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(default=8080, description="port to listen at; 0 takes a free one")
    grpc_port: Annotated[int, Field(ge=0, le=65535)] | None = Field(
        default=None, description="port of the v2 protocol over gRPC; 0 takes a free one, null has none"
    )
    workers: int | None = Field(default=None, ge=1, le=256, description="processes that answer; null is one a core")
    threads: int | None = Field(default=None, ge=1, le=256, description="threads of one prediction; null shares the cores among the workers")
    slo: Objective = Field(default_factory=Objective, description="the objective by which batches are sized and load is refused")
    deadline: Duration = Field(default=10.0, description="longest that a request may wait for its answer, in seconds; then 504")
    drain: Duration = Field(default=10.0, description="longest that requests under way are waited for when the server is stopped")
    stuck: Duration = Field(default=30.0, ge=1, description="a worker that does nothing for so long, not even look at the clock, is ended and replaced")
    partial: bool = Field(default=False, description="answer the rows that keep the contract although others do not; a request may say otherwise")
    explain: bool = Field(default=True, description="offer /explain, which costs many predictions a row")
    limits: Limits = Field(default_factory=Limits, description="how large, deep and slow a request may be")
    access: Access = Field(default_factory=Access, description="keys, TLS, and what is open to everybody")
    monitor: MonitorSettings | None = Field(
        default_factory=MonitorSettings, description="watch live rows with the recipe's monitors, if it has any; null leaves that to mlforge monitor"
    )
    log: LogSettings | None = Field(default=None, description="write down requests and answers, and the labels that come later; null writes nothing")
    scaling: Scaling = Field(default_factory=Scaling, description="on a Ray cluster: how the number of replicas follows the load")
