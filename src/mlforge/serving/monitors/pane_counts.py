"""A partial aggregate: what a worker has counted of one pane in a few seconds."""

from __future__ import annotations

from typing import Self

import msgspec

from mlforge.monitoring.panes import Pane, Panes, Seen
from mlforge.reference import pack, unpack

__all__ = ["PaneCounts"]

_ENCODER = msgspec.msgpack.Encoder()


class PaneCounts(msgspec.Struct, array_like=True, frozen=True):
    """Counts to be merged with those of other workers for the same pane."""

    model: str
    version: int
    reference: str  # the folder of what it was held against
    windows: str  # as the recipe says them
    group: str
    number: int  # of the pane
    rows: int
    labels: int
    rejected: int
    profiles: dict[str, bytes]  # by entry of the monitors

    @classmethod
    def of(cls, model: str, version: int, reference: str, panes: Panes, at: Pane) -> Self:
        """One pane of a worker."""
        seen = panes.seen[at]
        profiles = {entry: pack(profile) for entry, profile in seen.profiles.items() if profile.tables}
        return cls(model, version, reference, panes.watched[0].monitor.windows, at.group, at.number, seen.rows, seen.labels, seen.rejected, profiles)

    @property
    def pane(self) -> Pane:
        """Where it is."""
        return Pane(self.group, self.number)

    def seen(self) -> Seen:
        """What was seen. Raises DataError for what is no profile."""
        return Seen(self.rows, self.labels, self.rejected, {entry: unpack(raw) for entry, raw in self.profiles.items()})

    def write(self) -> bytes:
        """Encode."""
        return _ENCODER.encode(self)

    @classmethod
    def read(cls, message: bytes) -> Self:
        """Decode. msgspec.DecodeError for what is none."""
        return msgspec.msgpack.decode(message, type=cls)
