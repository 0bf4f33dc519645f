"""One search from its first trial to the overrides that it ends with."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from mlforge.artifact import write_json
from mlforge.components import Judge, Proposer, Seen, Sweep
from mlforge.errors import RunFailed
from mlforge.lifecycle.job import StageJob
from mlforge.lifecycle.plan import Lifecycle
from mlforge.lifecycle.sweep.adopting import adopt
from mlforge.lifecycle.sweep.asked import Asked
from mlforge.lifecycle.sweep.bench import Commission
from mlforge.lifecycle.sweep.choosing import best, broken, scores
from mlforge.lifecycle.sweep.earlier import found_by, seen_by
from mlforge.lifecycle.sweep.homes import Homes
from mlforge.lifecycle.sweep.journal import Ended, Journal, Measured
from mlforge.lifecycle.sweep.lineage import Lineage
from mlforge.lifecycle.sweep.sharing import encode_once
from mlforge.lifecycle.sweep.telling import findings, trials_table, tuned_json

__all__ = ["Search"]

_log = logging.getLogger(__name__)
_SMOKE = 2  # trials that show that the chain works


@dataclass(frozen=True)
class _Trial:
    number: int
    overrides: tuple[str, ...]
    parent: int | None


@dataclass
class Search:
    """Proposes trials, takes note of what comes of them, and chooses. Killed and begun again, it goes on from its journal."""

    job: StageJob
    lifecycle: Lifecycle
    sweep: Sweep
    proposer: Proposer
    judge: Judge | None
    journal: Journal
    lineage: Lineage
    homes: Homes
    _began: float = field(default_factory=time.monotonic)
    _spent: float = 0.0  # seconds before this process took over
    _running: dict[int, float] = field(default_factory=dict)  # since when, by number
    _lost: set[int] = field(default_factory=set)  # trials whose process died

    @classmethod
    def of(cls, job: StageJob) -> Search:
        """The search of a stage's job, with what is known of it already."""
        assert job.lifecycle is not None, "the engine hands it in"
        sweep = job.component("sweep", Sweep)
        seed = job.seed if sweep.seed is None else sweep.seed
        journal = Journal(job.work / "journal.jsonl")
        proposer = sweep.proposer(seed)
        lineage = Lineage.of(job.lifecycle.recipe, sweep.space, journal, proposer)
        search = cls(job, job.lifecycle, sweep, proposer, sweep.judge(), journal, lineage, Homes(job.work / "trials"), _spent=journal.spent)
        if sweep.warm_start is not None:
            for seen in seen_by(found_by(job.lifecycle, sweep.warm_start), sweep, sweep.warm_start):
                search.proposer.learn(seen)
        search._recall()
        return search

    def run(self) -> None:
        """Run what is left of it, and fill the draft of `tuned`."""
        try:
            if not self._complete:
                encode_once(self.job, self.lifecycle, self._commission, lambda: self._tell("reading rows"))
                self._on_ray()
        finally:
            self.homes.close()
        self._judge_failures()
        chosen = best(self.journal.ended, self.sweep)
        if chosen is None:
            raise RunFailed(f"tune: none of {len(self.journal.ended)} trials can be chosen", hint=self._why_none())
        draft, overrides = self.job.draft("tuned"), self.lineage.overrides(chosen.number)
        write_json(draft / "trials.json", trials_table(self.journal, self.sweep, self.lineage.overrides))
        write_json(draft / "tuned.json", tuned_json(chosen, self.sweep, overrides))
        for finding in findings(self.journal, chosen, self.sweep, overrides, self._elapsed):
            self.job.find(finding)
        adopt(self.job, self.lifecycle, self._commission, chosen.number, overrides)

    # ── what Ray asks and tells ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def next(self) -> _Trial | None:
        """A trial that was begun and not ended; else a new one, when it may begin."""
        number = next((one for one in sorted(self.journal.began) if one not in self.journal.ended and one not in self._running), None)
        if number is None:
            number = len(self.journal.began)
            if number >= self.most or self.waits:
                return None
            parent, values = self.lineage.parent(number), self.proposer.propose(number)
            if values is None:
                return None
            self.journal.begin(number, values, parent)
        self._running[number] = time.monotonic()
        self.homes.came(number)
        return _Trial(number, self.lineage.overrides(number), self.journal.parents.get(number))

    @property
    def waits(self) -> bool:
        """Are those still running that decide on the next."""
        return len(self.journal.began) < self.most and not self.lineage.ready(len(self.journal.began))

    def epoch(self, number: int, epoch: int, values: Mapping[str, float]) -> bool:
        """Is the trial to be given up."""
        goal = next(iter(self.sweep.goals.values()))
        if self.judge is None or goal.finding not in values:
            return False
        score = goal.score(values[goal.finding])
        self.journal.epoch(number, epoch, score)
        self._tell(f"trial {number} · epoch {epoch}")
        return self.judge.stops(number, epoch, score)

    def done(self, number: int, measured: Measured) -> None:
        """Note it, and let the search learn from it."""
        ended = self._done(number, measured)
        self._judge(number, ended.curve[-1:])
        self._end(ended)

    def stopped(self, number: int) -> None:
        """Note it, unless it was the search that was ended."""
        if not self.over and number in self.journal.curves:
            self._end(self._given_up(number))

    def lost(self, number: int, reason: str) -> None:
        """Its process or machine has gone: it is tried once more, from its last checkpoint, unless it had come to its end."""
        measured = Measured.read(self._commission.home(number))
        if measured is not None:
            self.done(number, measured)
            return
        self._running.pop(number, None)
        if number in self._lost:
            self.failed(number, reason)
        else:
            _log.warning("tune: trial %d: %s, or its machine has gone; it is tried once more", number, reason)
        self._lost.add(number)

    def failed(self, number: int, reason: str) -> None:
        """Note it."""
        self._end(Ended(number, "failed", reason=reason))

    @property
    def over(self) -> bool:
        """Too many failures, or too long, or too dear."""
        return self._failures > self.sweep.max_failures or bool(self._limit)

    # ── what it needs for that ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def most(self) -> int:
        """How many trials at most."""
        return min(self.sweep.most, _SMOKE) if self.job.smoke else self.sweep.most

    @property
    def _complete(self) -> bool:
        begun = len(self.journal.began)
        all_ended = begun == len(self.journal.ended)
        return bool(self._limit) or (all_ended and (begun >= self.most or self.proposer.propose(begun) is None))

    @property
    def _progress(self) -> tuple[int, int]:
        return len(self.journal.ended), len(self._lost)

    @property
    def _elapsed(self) -> float:
        return self._spent + time.monotonic() - self._began

    @property
    def _failures(self) -> int:
        return sum(one.state == "failed" for one in self.journal.ended.values())

    @property
    def _limit(self) -> str:
        """The limit that is reached, if one is."""
        if self.sweep.hours is not None and self._elapsed >= 3600 * self.sweep.hours:
            return f"the limit of {self.sweep.hours:g} hours"
        if self.sweep.cost is not None and self._cost >= self.sweep.cost:
            return f"the limit of cost {self.sweep.cost:g}"
        return ""

    @property
    def _cost(self) -> float:
        now = time.monotonic()
        seconds = sum(one.seconds for one in self.journal.ended.values()) + sum(now - since for since in self._running.values())
        return seconds / 3600 * (self.sweep.cost_per_hour or 0.0)

    @property
    def _commission(self) -> Commission:
        recipe = self.lifecycle.recipe
        names = [*(goal.finding for goal in self.sweep.goals.values()), *(limit.finding for limit in self.sweep.constraints.values())]
        return Commission(
            reference=recipe.reference,
            overrides=recipe.plainly,
            place=str(Path.cwd()),
            stages=tuple(node.name for node in self.job.node.trials),
            inputs={port: (str(one.folder), one.digest) for port, one in self.job.inputs.items()},
            findings=tuple(dict.fromkeys(names)),
            folder=str(self.job.work),
            smoke=self.job.smoke,
        )

    def _recall(self) -> None:
        """Take up what the journal knows, and what trials have left that ended when nobody could take note."""
        if self._failures > self.sweep.max_failures:
            self.journal.forgive()
        for number in sorted(self.journal.began.keys() - self.journal.ended.keys()):
            measured = Measured.read(self._commission.home(number))
            if measured is not None:
                self.journal.end(self._done(number, measured), self._elapsed)
        for ended in self.journal.ended.values():
            self._learn(ended)
            self._judge(ended.number, ended.curve)
        for number, curve in list(self.journal.curves.items()):
            if self._judge(number, tuple(curve.items())):
                self._end(self._given_up(number))

    def _judge(self, number: int, curve: Iterable[tuple[int, float]]) -> bool:
        """Show the judge a trial's epochs; what it says of the last."""
        said = [self.judge.stops(number, epoch, score) for epoch, score in curve] if self.judge is not None else []
        return bool(said) and said[-1]

    def _done(self, number: int, measured: Measured) -> Ended:
        """A trial that came to its end. Its last score is, where trials are judged, that of the weights that it keeps."""
        goal = next(iter(self.sweep.goals.values()))
        curve = [(epoch, goal.score(value)) for epoch, value in measured.curve]
        if self.judge is not None:
            curve = [*curve[:-1], (measured.epochs, goal.score(measured.findings[goal.finding]))]
        return Ended(number, "done", measured.findings, epochs=measured.epochs, curve=tuple(curve))

    def _given_up(self, number: int) -> Ended:
        curve = tuple(self.journal.curves[number].items())
        return Ended(number, "stopped", reason=f"given up after epoch {curve[-1][0]}", epochs=curve[-1][0], curve=curve)

    def _on_ray(self) -> None:
        from mlforge.lifecycle.sweep.session import session

        folder, asked = self.job.work / "ray", Asked.of(self.sweep, self.lifecycle.recipe)
        with session(self.sweep, asked) as room:
            from mlforge.lifecycle.sweep.pool import tuned

            held = self.judge is not None
            try:
                while not self._complete and not self.over:
                    known, left = self._progress, self.most - len(self.journal.ended)
                    tuned(self, self._commission, str(folder), held=held, trials=left, concurrency=room.concurrency, resources=asked.reserved)
                    if self._progress == known:
                        break
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def _end(self, ended: Ended) -> None:
        since = self._running.pop(ended.number, None)
        seconds = time.monotonic() - since if since is not None else 0.0
        self.journal.end(replace(ended, seconds=round(seconds, 3)), self._elapsed)
        self._learn(ended)
        self._clear()
        self._tell(f"trial {ended.number} {ended.state}")

    def _learn(self, ended: Ended) -> None:
        self.proposer.learn(Seen(ended.number, self.journal.began[ended.number], scores(ended, self.sweep), ended.curve))

    def _clear(self) -> None:
        """Only the best so far keeps its checkpoints, and those from which others go on."""
        leading = best(self.journal.ended, self.sweep)
        self.homes.clear(self.journal.ended, self.lineage.needed() | ({leading.number} if leading is not None else set()))

    def _tell(self, note: str) -> None:
        leading = best(self.journal.ended, self.sweep)
        goal = next(iter(self.sweep.goals.values()))
        so_far = f" · best {goal.finding} {leading.findings[goal.finding]:.4g}" if leading is not None else ""
        self.job.progress(len(self.journal.ended), self.most, f"{note}{so_far}")

    def _judge_failures(self) -> None:
        failed = [one for one in self.journal.ended.values() if one.state == "failed"]
        if len(failed) > self.sweep.max_failures:
            reasons = "; ".join(f"trial {one.number} ({', '.join(self.lineage.overrides(one.number))}): {one.reason}" for one in failed[:3])
            raise RunFailed(
                f"tune: {len(failed)} trials failed, and sweep.max_failures is {self.sweep.max_failures}: {reasons}",
                hint="Mend what is wrong with them, or narrow the space; the trials that are done are kept.",
            )

    def _why_none(self) -> str:
        reasons = dict.fromkeys(text for one in self.journal.ended.values() if (text := one.reason or broken(one, self.sweep)))
        limit = f"{self._limit} came before any trial was done. " if self._limit else ""
        return f"{limit}{'; '.join(list(reasons)[:3])}"
