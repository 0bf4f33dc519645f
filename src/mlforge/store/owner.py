"""Which process something belongs to, so that what a dead one left behind can be told apart."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Owner"]


@dataclass(frozen=True, slots=True)
class Owner:
    """A process: number, time of its start (numbers are used again), machine."""

    pid: int
    started: str
    host: str

    @classmethod
    def current(cls) -> Owner:
        """The process that asks."""
        return cls(os.getpid(), _started(os.getpid()), platform.node())

    @classmethod
    def parse(cls, text: str) -> Owner | None:
        """The owner written as `text`, or None when that is no owner."""
        pid, _, rest = text.partition(".")
        started, dot, host = rest.partition(".")
        return cls(int(pid), started, host) if pid.isdigit() and dot else None

    def __str__(self) -> str:
        return f"{self.pid}.{self.started}.{self.host}"

    def alive(self) -> bool:
        """Does the process still run? One on another machine is taken to."""
        if self.host != platform.node():
            return True
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass  # it runs, as another user
        return _started(self.pid) == self.started


def _started(pid: int) -> str:
    """Clock ticks from the machine's start to the process's; empty where the system does not say."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]  # the 22nd field; the second, the name, may hold spaces
