"""A trial in a thread of its own, so that it can be held between two epochs: its fit calls us, and we are called by Ray."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from queue import Queue
from threading import Semaphore, Thread

from mlforge.lifecycle.sweep.bench import Bench
from mlforge.lifecycle.sweep.journal import Measured

__all__ = ["Epoch", "Failed", "Running"]

_LONGEST = 300  # characters of a reason


@dataclass(frozen=True)
class Epoch:
    """A fit has come to the end of an epoch, and waits."""

    number: int
    values: Mapping[str, float]


@dataclass(frozen=True)
class Failed:
    """A trial could not be finished."""

    reason: str


class _Halt(BaseException):
    """Ends a fit from within. No Exception: what a fit may catch to go on does not catch this."""


class Running:
    """One trial on its way."""

    def __init__(self, bench: Bench, number: int, overrides: Sequence[str], parent: int | None, *, held: bool) -> None:
        """Begin it, where its parent has ended. `held`: it waits after each epoch until it is asked for the next."""
        self._told: Queue[Epoch | Measured | Failed] = Queue()
        self._go, self._halted, self._held, self._waits = Semaphore(0), False, held, False
        self._thread = Thread(target=self._run, args=(bench, number, overrides, parent), name=f"trial {number}", daemon=True)
        self._thread.start()

    def next(self) -> Epoch | Measured | Failed:
        """The end of its next epoch, or what it came to. Waits for it."""
        if self._waits:
            self._waits = False
            self._go.release()
        told = self._told.get()
        self._waits = isinstance(told, Epoch)
        return told

    def stop(self) -> None:
        """Give it up, and wait until it has gone."""
        self._halted = True
        self._go.release()
        self._thread.join()

    def _run(self, bench: Bench, number: int, overrides: Sequence[str], parent: int | None) -> None:
        try:
            self._told.put(bench.run(number, overrides, self._hear, parent))
        except _Halt:
            return
        except Exception as error:  # whatever it is, the trial has failed and the search goes on
            self._told.put(Failed(_reason(error)))

    def _hear(self, epoch: int, values: Mapping[str, float]) -> None:
        if self._held and not self._halted:
            self._told.put(Epoch(epoch, dict(values)))
            self._go.acquire()
        if self._halted:
            raise _Halt


def _reason(error: Exception) -> str:
    from mlforge.errors import MlforgeError
    from mlforge.secrets import mask

    text = " ".join(str(error).split())
    return mask(text if isinstance(error, MlforgeError) else f"{type(error).__name__}: {text}")[:_LONGEST]
