"""What this process and those that it started use: time, memory, energy."""

from __future__ import annotations

import logging
import os
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlforge.budget import Spent

__all__ = ["Meter", "energy_source"]

_RAPL = Path("/sys/class/powercap")


@dataclass
class Meter:
    """Readings since it was made; `peak_memory` is the highest of those that were taken since `afresh` was called."""

    energy: Callable[[], float] | None = None  # kWh so far
    _began: float = field(default_factory=time.monotonic)
    _cpu: float = field(default_factory=lambda: _processes()[0])
    _highest: float = 0.0
    _gpu: float = 0.0
    _last: float = field(default_factory=time.monotonic)
    _peak: int = 0

    def read(self) -> Spent:
        """What was used up to now. Call it every second or so: memory that came and went in between is not seen."""
        now = time.monotonic()
        cpu, memory = _processes()
        self._gpu += _gpus() * (now - self._last)
        self._last = now
        self._peak = max(self._peak, memory)
        self._highest = max(self._highest, cpu - self._cpu)  # a process that ends between two looks may take its time with it
        return Spent(now - self._began, self._highest, self._gpu, self.energy() if self.energy else 0.0, self._peak)

    def afresh(self) -> None:
        """Forget the peak."""
        self._peak = 0


def _processes() -> tuple[float, int]:
    """CPU seconds and resident bytes of this process and all below it; where psutil is missing, of this one and of children that have ended."""
    try:
        import psutil
    except ImportError:
        return _alone()
    own = psutil.Process()
    seconds, memory = 0.0, 0
    for process in (own, *own.children(recursive=True)):
        try:
            with process.oneshot():
                times = process.cpu_times()
                seconds += times.user + times.system + getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
                memory += _resident(process)
        except psutil.Error:
            continue  # it has ended
    return seconds, memory


def _resident(process: Any) -> int:
    """What a process alone holds in memory, and not the pages of files that it has mapped: those are given back when they are needed."""
    found = process.memory_info()
    return int(found.rss - getattr(found, "shared", 0))


def _alone() -> tuple[float, int]:
    import resource

    own, below = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    scale = 1 if sys.platform == "darwin" else 1024
    return own.ru_utime + own.ru_stime + below.ru_utime + below.ru_stime, scale * (own.ru_maxrss + below.ru_maxrss)


def _gpus() -> int:
    """How many GPUs this process holds memory on."""
    cuda = sys.modules.get("torch.cuda")  # importing it would cost a second, and who has not imported it holds none
    started = getattr(cuda, "is_initialized", None)  # it may be half imported by another thread
    if cuda is None or started is None or not started():
        return 0
    return sum(cuda.memory_reserved(device) > 0 for device in range(cuda.device_count()))


def energy_source() -> Callable[[], float] | None:
    """What tells the energy used from now on, in kWh: the processor's counters (RAPL), else codecarbon, which works offline; None when neither is there."""
    counters = [path / "energy_uj" for path in sorted(_RAPL.glob("intel-rapl:?"))]
    readable = [path for path in counters if os.access(path, os.R_OK)]
    return _Counters(readable) if readable else _codecarbon()


class _Counters:
    """The sum of counters that run over."""

    def __init__(self, paths: list[Path]) -> None:
        self._last = {path: int(path.read_text()) for path in paths}
        self._most = {path: int((path.parent / "max_energy_range_uj").read_text()) for path in paths}
        self._sum = 0

    def __call__(self) -> float:
        for path, last in self._last.items():
            now = int(path.read_text())
            self._sum += (now - last) % (self._most[path] + 1)
            self._last[path] = now
        return self._sum / 3.6e12


class _Estimates:
    """What codecarbon reckons from the machine's parts and how busy they are, a piece of time after the other."""

    def __init__(self, tracker: Any) -> None:
        self._tracker, self._sum, self._piece = tracker, 0.0, 0
        self._start()

    def __call__(self) -> float:
        if (found := self._tracker.stop_task()) is not None:
            self._sum += float(found.energy_consumed)
        self._start()
        return self._sum

    def _start(self) -> None:
        self._piece += 1
        self._tracker.start_task(f"piece {self._piece}")


def _codecarbon() -> Callable[[], float] | None:
    try:
        from codecarbon import OfflineEmissionsTracker
    except ImportError:
        return None
    logging.getLogger("codecarbon").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of its own defaults
        return _Estimates(
            OfflineEmissionsTracker(country_iso_code="DEU", output_methods=[], log_level="critical", tracking_mode="machine", allow_multiple_runs=True)
        )  # the country decides emissions only, which nobody asks about
