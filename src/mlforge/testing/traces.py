"""What a component leaves behind: files, threads, processes, and changed surroundings."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

__all__ = ["Traces", "watched"]

T = TypeVar("T")
_PATIENCE = 3.0  # seconds that a thread or process may take to end


@dataclass
class Traces:
    """What was found to be left, a line each; empty when everything is as it was."""

    left: list[str] = field(default_factory=list)


@contextmanager
def watched(folder: Path) -> Iterator[Traces]:
    """Run something in an empty current folder, with an empty folder for temporary files, and note what is left when it is over."""
    here, temporary = folder / "here", folder / "temporary"
    here.mkdir(parents=True)
    temporary.mkdir()
    traces = Traces()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        patch.setenv("TMPDIR", str(temporary))
        patch.setattr(tempfile, "tempdir", None)
        environment, threads, processes = dict(os.environ), _threads(), set(_children())
        try:
            yield traces
        finally:
            traces.left += [f"the file {path.name} in the current folder" for path in sorted(here.iterdir())]
            traces.left += [f"the temporary file {path.name}" for path in sorted(temporary.iterdir())]
            traces.left += [f"the thread {thread.name}" for thread in _remaining(lambda: _threads() - threads)]
            traces.left += [f"the process {process}" for process in _remaining(lambda: set(_children()) - processes)]
            if Path.cwd() != here:
                traces.left.append(f"another current folder: {Path.cwd()}")
            changed = sorted(name for name in {*environment, *os.environ} if environment.get(name) != os.environ.get(name))
            traces.left += [f"the variable {name} of the environment, changed" for name in changed]
            for name in changed:
                patch.delenv(name, raising=False)
                if name in environment:
                    os.environ[name] = environment[name]


def _threads() -> set[threading.Thread]:
    """Threads of Python's; those that a native library keeps for itself are no concern of a component's."""
    return {thread for thread in threading.enumerate() if not isinstance(thread, threading._DummyThread)}


def _remaining(look: Callable[[], set[T]]) -> list[T]:
    """What is still there after a moment's patience."""
    end = time.monotonic() + _PATIENCE
    while (found := look()) and time.monotonic() < end:
        time.sleep(0.02)
    return sorted(found, key=str)


def _children() -> list[str]:
    """Processes that this one has begun, but for Python's own tracker of shared resources."""
    if not Path("/proc/self/task").is_dir():
        return [f"{child.pid} ({child.name})" for child in multiprocessing.active_children()]
    multiprocessing.active_children()  # reaps those that have ended
    found = []
    for listed in Path("/proc/self/task").glob("*/children"):
        for pid in _text(listed).split():
            command = _text(Path("/proc", pid, "cmdline")).replace("\0", " ").strip()
            if command and "tracker" not in command:  # a command line is empty when the process has ended
                found.append(f"{pid} ({command[:80]})")
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # it has ended in the meantime
        return ""
