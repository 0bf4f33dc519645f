"""Alerts in the log."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from mlforge.components import Alert, Notice

__all__ = ["Log"]

log = logging.getLogger("mlforge.alerts")


class Log(Alert):
    """Writes alerts to the log of the process that finds them, for whatever collects it."""

    def send(self, notice: Notice, private: Iterable[str]) -> None:
        """One entry: a warning, an error when it is critical, a note when it is over."""
        level = logging.INFO if notice.state == "over" else logging.ERROR if notice.severity == "critical" else logging.WARNING
        log.log(level, "alert %d %s · %s", notice.number, notice.headline, " · ".join(notice.lines()))
