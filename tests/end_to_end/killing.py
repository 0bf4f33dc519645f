"""Kill a command with SIGKILL at a random instant, aimed at a stage or at no stage in particular, and say what it hit."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.end_to_end.buyers import STAGES

from mlforge.store import Store

COMMAND = (sys.executable, "-P", "-c", "from mlforge.cli import main; main()")
ANYWHERE = "anywhere"
_PATIENCE = 300.0  # seconds after which a command that neither ends nor reaches the stage is taken for stuck


@dataclass(frozen=True)
class Kill:
    """One kill: what it was aimed at and what it hit."""

    aimed: str  # a stage, or "anywhere"
    hit: str  # a stage, "start" before the run was recorded, "between" two stages; "" when the command was faster
    after: float  # seconds from the start of the process


@dataclass
class Killer:
    """Runs one command in one project and kills it."""

    folder: Path
    arguments: tuple[str, ...]
    chance: random.Random
    spans: dict[str, float]  # how long each stage takes when nobody disturbs it
    kills: list[Kill] = field(default_factory=list)

    @property
    def state(self) -> Path:
        """The project's store."""
        return self.folder / ".mlforge"

    def finish(self) -> subprocess.CompletedProcess[str]:
        """The same command, left alone."""
        return subprocess.run([*COMMAND, *self.arguments], cwd=self.folder, capture_output=True, text=True, timeout=_PATIENCE, check=False)

    def kill(self, aimed: str = ANYWHERE) -> Kill:
        """Start the command and kill it within the stage, at an instant that is uniform over the stage's time; or over the whole command's."""
        before = self._newest()[0]
        began = time.monotonic()
        with (self.folder / "killed.log").open("ab") as log, subprocess.Popen([*COMMAND, *self.arguments], cwd=self.folder, stdout=log, stderr=log) as process:
            if aimed != ANYWHERE:
                self._wait(process, before, aimed)
            self._sleep(process, self.chance.random() * self.spans[aimed])
            process.kill()
            after = time.monotonic() - began
            ended = process.wait() != -9
        hit = "" if ended else self._hit(before)
        if aimed not in (hit, ANYWHERE):
            self.spans[aimed] /= 2  # too late: the stage is faster than we had seen
        self.kills.append(Kill(aimed, hit, round(after, 4)))
        return self.kills[-1]

    def _wait(self, process: subprocess.Popen[bytes], before: str, stage: str) -> None:
        limit = time.monotonic() + _PATIENCE
        while process.poll() is None and time.monotonic() < limit:
            run, _, states = self._newest()
            if run > before and _within(states) == stage:
                return
            time.sleep(0.001)

    def _sleep(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        until = time.monotonic() + seconds  # the instant of the kill, not a wait for something
        while process.poll() is None and time.monotonic() < until:
            time.sleep(min(0.001, max(0.0, until - time.monotonic())))

    def _hit(self, before: str) -> str:
        run, state, states = self._newest()
        if run == before:
            return "start"
        return "end" if state != "running" else _within(states) or "between"

    def _newest(self) -> tuple[str, str, dict[str, str]]:
        """The newest run: its id, its state, and the states of its stages."""
        try:
            connection = sqlite3.connect(f"file:{self.state / 'records.db'}?mode=ro", uri=True, timeout=60)
        except sqlite3.OperationalError:
            return "", "", {}
        try:
            run, state = connection.execute("select id, state from runs order by id desc limit 1").fetchone() or ("", "")
            return run, state, dict(connection.execute("select stage, state from attempts where run = ? order by id", (run,)).fetchall())
        except sqlite3.OperationalError:  # no tables yet
            return "", "", {}
        finally:
            connection.close()


def _within(states: dict[str, str]) -> str:
    running = [stage for stage, state in states.items() if state == "running"]
    if running:
        return running[0]
    return "register" if states.get("gate") in ("done", "reused") else ""  # an effect has no record of its own


def spans_of(store: Store, recipe: str, whole: float) -> dict[str, float]:
    """How long each stage of the newest run took, and the whole command."""
    (run,) = store.records.runs(recipe, limit=1)
    return {stage.name: stage.seconds or 0.0 for stage in run.stages} | {"register": 0.04, ANYWHERE: whole}


def aims(chance: random.Random, count: int) -> list[str]:
    """Where to kill one run again and again: later each time, or there would be nothing left to kill; `anywhere` may come at any place."""
    order = {stage: float(position) for position, stage in enumerate(STAGES)}
    return sorted(chance.sample([*STAGES, ANYWHERE, ANYWHERE], count), key=lambda aim: order[aim] if aim in order else chance.uniform(-1, 5))


def report(kills: Sequence[Kill], log: Path) -> str:
    """One line of counts; every kill goes to the log."""
    log.write_text("".join(json.dumps(asdict(kill)) + "\n" for kill in kills), encoding="utf-8")
    hits = Counter(kill.hit for kill in kills if kill.hit)
    return f"{sum(hits.values())} kills: " + ", ".join(f"{name} {hits[name]}" for name in (*STAGES, "start", "between", "end") if hits[name])


def seed() -> int:
    """The seed of the kills: `KILL_SEED`, to have the same again."""
    return int(os.environ.get("KILL_SEED", "1"))
