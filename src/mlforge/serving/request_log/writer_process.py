"""The supervisor's part in the request log: it starts the writer, and restarts it when it dies."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from mlforge.serving.request_log.channel import Channel
from mlforge.serving.sidecar import Sidecar

if TYPE_CHECKING:
    from mlforge.serving.supervisor import Supervisor

__all__ = ["WriterProcess"]


class WriterProcess:
    """`begin` before the supervisor runs; `end` when all workers have ended."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._sidecar = Sidecar("mlforge-log", self._write, [channel.line.inlet.fileno()])

    def begin(self, supervisor: Supervisor) -> None:
        """Start the writer."""
        self._sidecar.start()
        supervisor.tickers.append(self.tick)

    def tick(self, _: Supervisor) -> None:
        """Replace a writer that is gone."""
        self._sidecar.heard()

    def _write(self, line: socket.socket) -> None:
        from mlforge.serving.request_log.writer import Writer

        Writer(self._channel).serve(line)

    def end(self) -> None:
        """The writer goes when all that workers have sent is written."""
        self._sidecar.end()
        self._channel.line.close()
