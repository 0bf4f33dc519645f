"""The house's part in the request log: it has a writer, and replaces it when it dies."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from mlforge.serving.aide import Aide
from mlforge.serving.journal.channel import Channel

if TYPE_CHECKING:
    from mlforge.serving.house import House

__all__ = ["Keeping"]


class Keeping:
    """`begin` before the house runs; `end` when all workers have ended."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._aide = Aide("mlforge-log", self._write, [channel.inlet.fileno()])

    def begin(self, house: House) -> None:
        """Start the writer."""
        self._aide.start()
        house.tickers.append(self.tick)

    def tick(self, _: House) -> None:
        """Replace a writer that is gone."""
        self._aide.heard()

    def _write(self, line: socket.socket) -> None:
        from mlforge.serving.journal.writer import Writer

        Writer(self._channel).serve(line)

    def end(self) -> None:
        """The writer goes when all that workers have sent is written."""
        self._aide.end()
        self._channel.close()
