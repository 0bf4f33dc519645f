"""The kind of the message by which the supervisor sends its workers the metrics of monitors."""

from __future__ import annotations

__all__ = ["KIND"]

KIND = "monitors"
