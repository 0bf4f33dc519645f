"""Time limits on a stage, and what the machine's own limits mean for a run."""

from __future__ import annotations

import errno
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from mlforge.errors import Interrupted, MlforgeError, RunFailed, TimedOut

__all__ = ["interruptible", "machine_limits", "time_limit"]


@contextmanager
def time_limit(stage: str, seconds: float | None) -> Iterator[None]:
    """Raise TimedOut in the main thread when the block takes longer; elsewhere there is no limit, for Python has no way to end a thread."""
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def expired(signum: int, frame: FrameType | None) -> None:
        raise TimedOut(f"stage {stage} took longer than its limit of {seconds:g} s", hint=f"Raise stages.{stage}.timeout, or ask less of the stage.")

    before = signal.signal(signal.SIGALRM, expired)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def machine_limits(stage: str) -> Iterator[None]:
    """A full disk and exhausted memory end the run with a sentence, not a traceback."""
    try:
        yield
    except MemoryError:
        raise RunFailed(f"stage {stage} ran out of memory", hint="Free memory, or make batches or columns smaller; the same command continues.") from None
    except MlforgeError:
        raise
    except Exception as error:
        if _disk_is_full(error):
            raise RunFailed(f"stage {stage}: no space left on the disk", hint="Free some space; the same command continues.") from None
        if isinstance(error, OSError) and error.errno in (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST):
            raise RunFailed(
                f"stage {stage} cannot write {error.filename or 'to the store'}: {error.strerror}", hint="Check the rights of the folder."
            ) from None
        raise


def _disk_is_full(error: Exception) -> bool:
    """Also when a library in another language, such as Polars, says so in words only."""
    number = error.errno if isinstance(error, OSError) else None
    return number in (errno.ENOSPC, errno.EDQUOT) or any(f"(os error {code})" in str(error) for code in (errno.ENOSPC, errno.EDQUOT))


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM, and SIGUSR1 by which SLURM tells of pre-emption, end a run as Ctrl-C does: what is done stays done, and the same command continues."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(signum: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGUSR1)}
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted("stopped", hint="The same command continues from there.") from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
