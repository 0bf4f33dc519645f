"""Keeps a run within its budget: looks again and again at what it uses, and asks it to stop when a limit is reached."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from mlforge.artifact import write_json
from mlforge.budget import Budget, Spent
from mlforge.errors import Interrupted, MissingRequirement, RunFailed
from mlforge.finding import Finding
from mlforge.lifecycle.costs.meter import Meter, energy_source

__all__ = ["Spending"]

_LOOK = 0.25  # seconds between two looks
_NOTE = 2.0  # seconds between two notes of what was spent: so much is forgotten at most when the process is killed
_SPENT = TypeAdapter(Spent)


@dataclass
class Spending:
    """What one run spends, on top of what earlier runs of the recipe have that were not done: the same command would start from nothing else."""

    budget: Budget
    file: Path  # keeps what was spent until a run is done
    meter: Meter = field(default_factory=Meter)
    before: Spent = field(default_factory=Spent)
    _over: tuple[str, str] | None = None
    _done: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def of(cls, budget: Budget, file: Path) -> Spending:
        """The spending of a run that begins now. Raises MissingRequirement when energy is limited and nothing can measure it."""
        energy = energy_source() if budget.energy_kwh is not None else None
        if budget.energy_kwh is not None and energy is None:
            raise MissingRequirement(
                "budget.energy_kwh: this machine does not tell what it uses (no readable /sys/class/powercap/intel-rapl*)",
                hint="pip install 'mlforge[energy]', which estimates it; or leave the limit out.",
            )
        return cls(budget, file, Meter(energy), _kept(file))

    @property
    def spent(self) -> Spent:
        """What was spent, earlier runs included."""
        return self.before + self.meter.read()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Raises RunFailed when a limit is reached: what runs is asked to stop as by SIGTERM, so that it leaves a checkpoint, and the same command goes on."""
        self._judge()
        main = threading.current_thread() is threading.main_thread()  # others cannot be interrupted
        watcher = threading.Thread(target=self._watch, args=(main,), name="mlforge-budget", daemon=True)
        watcher.start()
        try:
            yield
        except (KeyboardInterrupt, Interrupted):
            if self._over is None:
                raise
            raise self._refusal() from None
        finally:
            self._done.set()
            watcher.join()
            self._note()

    def finished(self) -> None:
        """The run is done: the next starts with the whole budget."""
        self.file.unlink(missing_ok=True)

    @contextmanager
    def stage(self, name: str, find: list[Finding]) -> Iterator[None]:
        """Adds to `find` what the stage has used."""
        self._judge()
        self.meter.afresh()
        before = self.meter.read()
        yield
        find.extend(_findings(name, self.meter.read().since(before), self.budget, energy=self.meter.energy is not None))

    def _watch(self, interrupts: bool) -> None:
        looks = 0
        while not self._done.wait(_LOOK):
            looks += 1
            if looks % round(_NOTE / _LOOK) == 0:
                self._note()
            self._over = self._over or self.budget.exceeded(self.spent)
            if self._over is not None and interrupts:
                os.kill(os.getpid(), signal.SIGTERM)
                return

    def _note(self) -> None:
        draft = self.file.with_suffix(".draft")
        with suppress(OSError):  # a full disk is told by whatever else needs it
            self.file.parent.mkdir(parents=True, exist_ok=True)
            write_json(draft, self.spent.plain())
            draft.replace(self.file)

    def _judge(self) -> None:
        self._over = self._over or self.budget.exceeded(self.spent)
        if self._over is not None:
            raise self._refusal()

    def _refusal(self) -> RunFailed:
        assert self._over is not None
        key, told = self._over
        return RunFailed(f"budget.{key}: {told}", hint=f"What is done is kept. Raise budget.{key}, and the same command goes on from there.")


def _kept(file: Path) -> Spent:
    try:
        kept = _SPENT.validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return Spent()
    return Spent(kept.seconds, kept.cpu_seconds, kept.gpu_seconds, kept.energy_kwh)  # the peak of a run that is over is no hindrance to this one


def _findings(stage: str, spent: Spent, budget: Budget, *, energy: bool) -> Iterator[Finding]:
    yield _finding(f"{stage}/cpu_seconds", spent.cpu_seconds, "s", "CPU time of all processes")
    if spent.gpu_seconds:
        yield _finding(f"{stage}/gpu_seconds", spent.gpu_seconds, "s", "time by the clock, for each GPU that was held")
    yield _finding(f"{stage}/peak_memory", spent.peak_memory, "bytes", "most memory of all processes together, without files that are mapped")
    if energy:
        yield _finding(f"{stage}/energy", spent.energy_kwh, "kWh", "energy of the machine, as RAPL or codecarbon tells it")
    if budget.priced:
        yield _finding(f"{stage}/cost", budget.cost_of(spent), budget.currency, "CPU and GPU time by the prices of the budget")


def _finding(name: str, value: float, unit: str, text: str) -> Finding:
    return Finding(name=name, value=value, unit=unit, text=text, volatile=True, better="lower")
