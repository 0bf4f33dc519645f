"""The writer of the request log: a sidecar process that makes rows of the chunks that workers send, and writes them as files.

Files are written, synced and named every `flush_seconds`, or before, when there is enough for one. When the writer dies, the supervisor starts another; what
workers have sent meanwhile waits in the socket between them.
"""

from __future__ import annotations

import logging
import select
import socket
import sys
import threading
import time
from importlib.abc import MetaPathFinder

import msgspec

from mlforge.secrets import mask
from mlforge.service.layout import FEEDBACK, REQUESTS, Part
from mlforge.serving.datagrams import Inbox
from mlforge.serving.request_log.channel import Channel, Message
from mlforge.serving.request_log.log_folder import LogFolder
from mlforge.serving.request_log.parquet_file import ParquetFile
from mlforge.serving.request_log.recorder import Recorded

__all__ = ["Writer", "WriterThread"]

log = logging.getLogger(__name__)

_TICKS = 3  # that a row may have waited in the worker
_FILE = 8 * 1024**2  # bytes that are written before it is time


class Writer:
    """Makes rows of messages, and files of rows, until its supervisor is gone."""

    def __init__(self, channel: Channel) -> None:
        settings = channel.settings
        self._path, self._meters, self._backlog = settings.path, channel.meters, channel.backlog
        self._folder = LogFolder(settings.path, settings.max_size)
        self._inbox, self._decoder = Inbox(channel.line), msgspec.msgpack.Decoder(Message)
        self._files: dict[tuple[Part, str, int | None], list[ParquetFile]] = {}  # the last one grows; those before it could not be written
        self._added: dict[int, float] = {}  # by worker: its `Message.added` up to which all is here
        self._size = 0  # bytes of the rows that wait
        self._since: float | None = None  # when the oldest of them came
        self._tick = channel.tick
        self._patience = max(self._tick, 0.8 * settings.flush_seconds - _TICKS * self._tick)  # the rest is for the writing
        self._enough = min(_FILE, settings.waiting / 4)
        self._backlog.reset_all()
        self._meters.failing.set(0.0)

    def serve(self, supervisor: socket.socket) -> None:
        """Run as a sidecar process."""
        sys.meta_path.insert(0, _NoPandas())
        self.work(supervisor)

    def work(self, supervisor: socket.socket) -> None:
        """Write until the other end of this socket is closed, and then what is left."""
        poll = select.poll()
        for one in (self._inbox.fileno(), supervisor.fileno()):
            poll.register(one, select.POLLIN)
        over = False
        with supervisor:
            while not over:
                poll.poll(self._tick * 1000)
                over = _closed(supervisor)
                for message in self._inbox.messages():
                    self._take(message)
                    if self._due():
                        self._write()
                if over or self._due():
                    self._write()

    def _due(self) -> bool:
        if self._since is None:
            return False
        enough = self._size >= self._enough and not self._meters.failing.here()
        return enough or time.monotonic() - self._since >= self._patience

    def _take(self, datagram: bytes) -> None:
        try:
            message = self._decoder.decode(datagram)
            content = message.content
            key = (REQUESTS, content.model, content.version) if isinstance(content, Recorded) else (FEEDBACK, content.model, None)
            files = self._files.setdefault(key, [])
            if not files or files[-1].closed:
                files.append(ParquetFile())
            files[-1].add(content.table())
        except Exception:  # a plugin's types, or a fault of ours: one chunk is no reason to lose the next
            log.exception("the request log lost rows by an error of its own")
            return
        self._added[message.worker] = message.added
        self._size += len(datagram)
        if self._since is None:
            self._since = time.monotonic()

    def _write(self) -> None:
        """Write all files. What cannot be written waits for the next time."""
        for key, files in list(self._files.items()):
            part, model, version = key
            while files:
                try:
                    if files[0].rows:
                        self._folder.write(part, model, version, files[0].content())
                except Exception as error:  # whatever the file system raises
                    self._failed(error)
                    self._since = time.monotonic()
                    return
                (self._meters.written if part == REQUESTS else self._meters.labels).add(files.pop(0).rows)
            del self._files[key]
        for worker, added in self._added.items():
            self._backlog.release(worker, added)
        self._added.clear()
        self._size, self._since = 0, None
        self._recovered()

    def _failed(self, error: Exception) -> None:
        """Logged once."""
        if not self._meters.failing.here():
            reason = (str(error) or type(error).__name__).splitlines()[0][:200]
            log.error(
                "the request log at %s cannot be written: %s. Answers go on; rows wait in memory, and are dropped when there is no more room",
                mask(self._path), mask(reason),
            )  # fmt: skip
        self._meters.failing.set(1.0)

    def _recovered(self) -> None:
        if self._meters.failing.here():
            self._meters.failing.set(0.0)
            log.warning("the request log at %s is written again; %d rows were dropped", mask(self._path), self._meters.dropped.total())


class WriterThread:
    """A writer in a thread of this process, for a worker without a supervisor."""

    def __init__(self, channel: Channel) -> None:
        self._line, theirs = socket.socketpair()
        self._thread = threading.Thread(target=Writer(channel).work, args=(theirs,), name="mlforge-log", daemon=True)
        self._thread.start()

    def end(self, seconds: float) -> bool:
        """Write what has come; was there time enough for all of it."""
        self._line.close()
        self._thread.join(seconds)
        return not self._thread.is_alive()


class _NoPandas(MetaPathFinder):
    """Arrow would load it, where it is installed, to see whether it is given any of its types: 30 MiB for nothing."""

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


def _closed(line: socket.socket) -> bool:
    try:
        return not line.recv(1 << 10, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
