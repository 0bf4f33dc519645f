"""What the load process is told, and what it tells."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["CURVE", "Job", "Measured", "Round"]

CURVE = (0.0, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999)
"""Shares at which the curve of a round is told; a round of few answers ends earlier."""


class Round(BaseModel):
    """Load of one kind for some seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    loop: Literal["closed", "open"] = Field(description="closed: each connection asks again at once; open: requests arrive when they do, answers or not")
    rows: int = Field(ge=1, description="of one request")
    connections: int = Field(ge=1, description="open at once; in an open loop, what arrives when all are busy waits, and its wait counts")
    rate: float | None = Field(default=None, gt=0, description="arrivals a second of an open loop")
    seconds: float = Field(gt=0, description="that are measured; a fifth of it, at most one second, goes before")

    def __str__(self) -> str:
        """For a person, such as "closed, 16 connections, 1 row"."""
        how = f"{self.connections} connection{'s' * (self.connections > 1)}" if self.loop == "closed" else f"{self.rate:,.4g} requests/s"
        return f"{self.loop}, {how}, {self.rows} row{'s' * (self.rows > 1)}"

    @property
    def name(self) -> str:
        """Of its findings."""
        how = f"{self.connections}_connections" if self.loop == "closed" else "arrivals"
        return f"bench/{self.loop}/{how}/{self.rows}_rows"


class Job(BaseModel):
    """One round against one address. The key, if there is to be one, is in a variable of the environment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str
    port: int
    tls: bool = False
    path: str
    key_env: str = ""
    bodies: tuple[str, ...] = Field(min_length=1, description="asked in turn")
    round: Round
    seed: int = Field(default=0, description="of the arrivals")


class Measured(BaseModel):
    """How a round went. Times are in seconds, and of requests that were answered 200."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    round: Round
    answered: int
    throughput: float = Field(description="answers a second")
    curve: tuple[tuple[float, float], ...] = Field(description="(share, the time within which this share was answered)")
    p50: float | None
    p90: float | None
    p99: float | None
    p999: float | None
    longest: float | None
    errors: dict[str, int] = Field(default_factory=dict, description="by status; `broken`: the connection; `unanswered`: when the round was over")
    behind: float = Field(
        default=0.0, description="99 of 100 requests of an open loop that found a free connection were sent within so many seconds of their time"
    )

    @property
    def failed(self) -> int:
        """Requests that were not answered 200."""
        return sum(self.errors.values())
