"""Quantities as people write them in a recipe: `timeout: 2h`, `max_rejected: 0.5%`."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

__all__ = ["Duration", "Moment", "Share", "Size"]

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 1, **{f"{letter}{ending}": base**power for power, letter in enumerate("KMGT", 1) for ending, base in (("B", 1000), ("iB", 1024))}}
_WrittenSize = Annotated[int, Field(gt=0)] | Annotated[str, Field(pattern=r"^\s*\d+(\.\d+)?\s*(" + "|".join(_BYTES) + r")\s*$")]
_WrittenDuration = Annotated[float, Field(gt=0)] | Annotated[str, Field(pattern=r"^\s*\d+(\.\d+)?\s*(" + "|".join(_SECONDS) + r")\s*$")]
_WrittenMoment = Annotated[str, Field(pattern=r"^\s*\d{4}-\d\d-\d\d")]
_WrittenShare = Annotated[float, Field(ge=0, le=1)] | Annotated[str, Field(pattern=r"^\s*\d+(\.\d+)?\s*%\s*$")]


def _duration(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*", value)
    if not match or match[2] not in _SECONDS:
        raise ValueError(f"a duration is a number with a unit of {', '.join(_SECONDS)}, for example 90s or 2h")
    return float(match[1]) * _SECONDS[match[2]]


def _size(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*", value)
    if not match or match[2] not in _BYTES:
        raise ValueError("a size is a number of bytes, or a number with a unit, for example 512 MiB or 16 GB")
    return int(float(match[1]) * _BYTES[match[2]])


def _moment(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return datetime.fromisoformat(value.strip())
    except ValueError:
        raise ValueError("a time is written as 2024-06-01 or 2024-06-01T12:00") from None


def _share(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%\s*", value)
    if not match:
        raise ValueError("a share is a number from 0 to 1, or a percentage such as 0.5%")
    return float(match[1]) / 100


Duration = Annotated[float, BeforeValidator(_duration, json_schema_input_type=_WrittenDuration), Field(gt=0)]
"""Seconds, as a number or with a unit: 30, "90s", "5m", "2h", "1d"."""

Moment = Annotated[datetime, BeforeValidator(_moment, json_schema_input_type=_WrittenMoment)]
"""A date, or a date and time, in ISO 8601: 2024-06-01, "2024-06-01T12:00+02:00"."""

Share = Annotated[float, BeforeValidator(_share, json_schema_input_type=_WrittenShare), Field(ge=0, le=1)]
"""A part of a whole, from 0 to 1, or as a percentage: 0.01, "1%"."""

Size = Annotated[int, BeforeValidator(_size, json_schema_input_type=_WrittenSize), Field(gt=0)]
"""Bytes, as a number or with a unit: 1000000, "512 MiB", "16 GB"."""
