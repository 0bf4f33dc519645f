"""The processes of one fit on this machine: started together, watched, and ended together.

torch's own launcher is not used here: it waits half a minute for the processes that are left when one has failed, and lets nobody listen meanwhile.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from mlforge.errors import Interrupted, MlforgeError, RunFailed

__all__ = ["Processes", "started"]

_LOOK = 0.1  # seconds between two looks at the processes
_SHORT = 5.0  # seconds that the others get when one has failed: they wait for it in vain
_TAIL = 300  # characters of what a process wrote last


@dataclass(frozen=True)
class Processes:
    """The processes, by rank."""

    running: tuple[subprocess.Popen[bytes], ...]
    logs: tuple[Path, ...]

    def join(self, listen: Callable[[], None], failure: Callable[[], MlforgeError | None]) -> None:
        """Wait until all are done. Raises RunFailed, or what a process has told, as soon as one has failed: the others are ended then."""
        while True:
            listen()
            codes = [process.poll() for process in self.running]
            if any(codes):
                raise self._failed(failure)
            if all(code == 0 for code in codes):
                return
            time.sleep(_LOOK)

    def end(self, grace: float) -> None:
        """Ask those that are left to stop, and after the grace make them."""
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + grace
        for process in self.running:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
        self._signal(signal.SIGKILL)
        for process in self.running:
            process.wait()

    def _signal(self, number: signal.Signals) -> None:
        for process in self.running:
            if process.poll() is None:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, number)

    def _failed(self, failure: Callable[[], MlforgeError | None]) -> MlforgeError:
        """Why: a process that was killed says nothing, and its neighbours only that they lost it."""
        codes = {rank: code for rank, process in enumerate(self.running) if (code := process.poll())}
        killed = next((rank for rank, code in codes.items() if code < 0), None)
        self.end(_SHORT)
        if killed is not None:
            name = _name(-codes[killed])
            hint = "The machine may have run out of memory. " if name == "SIGKILL" else ""
            return RunFailed(f"rank {killed} of {len(self.running)} was ended by {name}", hint=f"{hint}The same command continues from the last checkpoint.")
        if (told := failure()) is not None:
            return told
        rank, code = next(iter(codes.items()))
        if code == Interrupted.exit_code:
            return Interrupted(f"rank {rank} was stopped", hint="The same command continues from there.")
        log = self.logs[rank]
        last = log.read_text(encoding="utf-8", errors="replace").strip().rpartition("\n")[2][-_TAIL:]
        return RunFailed(f"rank {rank} of {len(self.running)} ended with exit code {code}" + (f": {last}" if last else ""), evidence=str(log))


@contextmanager
def started(command: Sequence[str], surroundings: Sequence[Mapping[str, str]], folder: Path, grace: float) -> Iterator[Processes]:
    """Run the command once for each of these surroundings, in a session of its own, what it prints in `folder`. None is left when the block is over."""
    running: list[subprocess.Popen[bytes]] = []
    logs = tuple(folder / f"rank-{rank}.log" for rank in range(len(surroundings)))
    try:
        for log, variables in zip(logs, surroundings, strict=True):
            with log.open("wb") as stream:
                environment = {**os.environ, **variables}
                running.append(
                    subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True)
                )
        yield Processes(tuple(running), logs)
    finally:
        with _deaf():
            Processes(tuple(running), logs).end(grace)


@contextmanager
def _deaf() -> Iterator[None]:
    """A second Ctrl-C does not leave processes behind."""
    import threading

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
