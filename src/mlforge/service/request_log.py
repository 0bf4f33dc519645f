"""What a server writes down about what it was asked."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from mlforge.components import InputPath
from mlforge.units import Duration, Share, Size

__all__ = ["LogSettings"]


class LogSettings(BaseModel):
    """The request log and the labels that come later. Where and how much is the server's business: nothing here decides an answer."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)

    path: InputPath = Field(description="folder or URL (s3://, gs://, …) to write to; made when it is not there")
    sample: Share = Field(default=1.0, description="share of requests that are written, chosen by their id; labels are always written")
    flush_seconds: Duration = Field(default=5.0, ge=0.05, le=3600, description="rows are on disk after so long: the most that is lost when a worker is killed")
    max_size: Size = Field(default=10 * 1024**3, ge=1024**2, description="room for the whole log; the oldest files go when it is full")
    columns: tuple[str, ...] | None = Field(default=None, description="contract columns to write; null writes all of them, [] none")
    waiting: Size = Field(
        default=64 * 1024**2, ge=1024**2, description="memory that a worker gives to rows not yet written; what is beyond is dropped and counted"
    )
