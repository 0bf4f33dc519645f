"""The roster of a replica: its own state, and how many others are ready."""

from __future__ import annotations

from collections.abc import Iterator

from mlforge.serving.roster import Roster, State

__all__ = ["ReplicaRoster"]

_SILENT = 5.0  # seconds after which a loop that gives no sign of life is not counted as ready


class ReplicaRoster(Roster):
    """`workers` is the least number of replicas with which the server is ready."""

    def __init__(self, wanted: int) -> None:
        super().__init__(1)
        self.workers = wanted
        self.others = 0  # that are ready

    def states(self) -> Iterator[State]:
        """This one's: of others it is only known how many there are."""
        return iter((self.state(0),))

    @property
    def here(self) -> bool:
        """Is this one ready, and not stuck."""
        return self.state(0) is State.READY and self.silence(0) < _SILENT

    @property
    def live(self) -> int:
        """How many are ready, and not stuck."""
        return self.here + self.others

    @property
    def ready(self) -> bool:
        """Are there as many as there are to be, or more."""
        return self.live >= self.workers
