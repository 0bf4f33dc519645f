"""What a request may be: bounds that hold before anything of it is read."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from mlforge.units import Duration, Size

__all__ = ["Limits"]


class Limits(BaseModel):
    """How large, deep and slow a request may be. What is beyond is refused with a reason, and costs the server next to nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)

    body: Size = Field(default=8 * 1024**2, ge=1024, description="largest body; a larger one is answered 413 and not read")
    header: Size = Field(
        default=64 * 1024, ge=8192, le=1024**2, description="room for a request's line and headers, answered 431 beyond; a client may overrun it by one packet"
    )
    depth: int = Field(default=32, ge=4, le=200, description="how deeply lists and objects of a JSON body may lie in each other")
    rows: int = Field(default=10_000, ge=1, description="most rows in one request")
    text: int = Field(default=100_000, ge=1, description="most characters in one string of a row")
    header_seconds: Duration = Field(default=10.0, ge=1, le=600, description="a connection that sends no whole header for so long is closed, an idle one too")
    body_seconds: Duration = Field(default=10.0, ge=0.1, le=600, description="how long a body may take to arrive; answered 408 beyond")
    connections: int = Field(default=4096, ge=16, le=65_536, description="connections that one worker holds at once; others wait to be accepted")
