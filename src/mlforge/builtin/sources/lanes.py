"""Several readers side by side, each on a thread of its own, and their frames in a fixed order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, Full, Queue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

__all__ = ["by_turns"]

_AHEAD = 2  # frames that a reader may be ahead
_LOOK = 0.1  # s; how soon a reader sees that nobody wants its frames any more

Reader = Callable[[], Iterator["pl.DataFrame"]]


def by_turns(readers: Sequence[Reader]) -> Iterator[pl.DataFrame]:
    """One frame of each reader in turn, until the last has none: whatever their speed, in the same order, and few of them in memory at once."""
    stop = threading.Event()
    lanes = [_Lane(reader, stop) for reader in readers]
    try:
        while lanes:
            for lane in tuple(lanes):
                frame = lane.next()
                if frame is None:
                    lanes.remove(lane)
                else:
                    yield frame
    finally:
        stop.set()
        for lane in lanes:
            lane.join()


class _Lane:
    def __init__(self, reader: Reader, stop: threading.Event) -> None:
        self._reader, self._stop = reader, stop
        self._frames: Queue[pl.DataFrame | Exception | None] = Queue(_AHEAD)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def next(self) -> pl.DataFrame | None:
        """The next frame; None when there is none. Raises what the reader raised."""
        found = self._frames.get()
        if isinstance(found, Exception):
            raise found
        return found

    def join(self) -> None:
        """Wait for the reader to see that it is over."""
        while self._thread.is_alive():
            try:
                self._frames.get_nowait()
            except Empty:
                self._thread.join(_LOOK)

    def _read(self) -> None:
        frames = self._reader()
        try:
            for frame in frames:
                if not self._put(frame):
                    return
            self._put(None)
        except Exception as error:  # told where the frames are wanted
            self._put(error)
        finally:
            frames.close() if hasattr(frames, "close") else None

    def _put(self, what: pl.DataFrame | Exception | None) -> bool:
        while not self._stop.is_set():
            try:
                self._frames.put(what, timeout=_LOOK)
            except Full:
                continue
            return True
        return False
