"""One turn of `mlforge watch` over one model: monitor its log, roll back, retrain."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from threading import Event

from mlforge.errors import DataError, Interrupted, MlforgeError, RecipeError, RunFailed
from mlforge.plugins import Catalog, Hooks
from mlforge.project import Project
from mlforge.recipe import Recipe
from mlforge.service.reading import Log
from mlforge.signing import Untrusted
from mlforge.store import KeptTrigger, Store, Taken, Version
from mlforge.watching.command import overrides
from mlforge.watching.copies import clear, copy_of
from mlforge.watching.due import Facts, held, reasons, waiting
from mlforge.watching.following import follow, promotable, promote
from mlforge.watching.looking import Looker
from mlforge.watching.rolling_back import blamed, roll_back
from mlforge.watching.rows import Gathered, Rows
from mlforge.watching.running import run

__all__ = ["Watch"]

_TRIES = 5  # times that a retraining is taken up again after it was killed
_LEFT = 30.0  # seconds that another run of the recipe is waited for in a turn
Say = Callable[[str], None]


@dataclass
class Watch:
    """Watches one model. `turn` is called again and again, by one process at a time."""

    recipe: Recipe
    reference: str  # by which the recipe is run
    store: Store
    project: Project
    catalog: Catalog
    hooks: Hooks
    say: Say
    over: Event = field(default_factory=Event)  # set when it is to stop: nothing more is begun, and a run is told
    _noted: dict[str, str] = field(default_factory=dict)
    _written: tuple[object, ...] = ()

    def __post_init__(self) -> None:
        """The recipe is as its files are now."""
        self._written = _looks(self.recipe.files)

    @property
    def model(self) -> str:
        """Its name."""
        return self.recipe.name

    def turn(self, now: datetime) -> int:
        """Do what is due. The exit code of the retraining, if there was one; else 0."""
        self._read_again()
        champion = self.store.registry.champion(self.model)
        if champion is None:
            self._note("champion", f"{self.model} has no version yet, so there is nothing to look after. Make one: mlforge run {self.reference}")
            return 0
        self._look(champion, now)
        champion = self._roll_back(champion, now)
        return 0 if self.over.is_set() else self._retrain(champion, now)

    def _read_again(self) -> None:
        """The recipe, when its files have changed; while it is wrong, it counts as it was."""
        if (now := _looks(self.recipe.files)) == self._written:
            return
        self._written = now
        try:
            self.recipe = self.recipe.again(())
        except MlforgeError as error:
            self._note("recipe", f"{self.model}  its recipe was changed and cannot be read, so it counts as it was: {_first(error)}")
            return
        for name in ("log", "_looker"):
            self.__dict__.pop(name, None)
        self.say(f"{self.model}  its recipe was changed, and counts as it is now")

    @cached_property
    def log(self) -> Log | None:
        """The request log, where the recipe has one."""
        settings = self.recipe.serve.log if self.recipe.serve is not None else None
        return None if settings is None else Log(settings.path, self.model)

    @cached_property
    def _looker(self) -> Looker | None:
        if self.log is None or not self.recipe.sections.get("monitors"):
            return None
        assert self.recipe.serve is not None
        assert self.recipe.serve.log is not None
        return Looker(self.store, self.project, self.catalog, self.hooks, self.log, self.recipe.serve.log.flush_seconds)

    def _look(self, champion: Version, now: datetime) -> None:
        """Monitor the log; a failure is reported, and the turn goes on."""
        if self._looker is None:
            return
        before = {one.number for one in self.store.alerts.of(self.model, champion.version, over=False)}
        try:
            seen = self._looker.look(champion, now)
        except MlforgeError as error:
            self._note("look", f"{champion}  its log was not looked at: {_first(error)}")
            return
        self._noted.pop("look", None)
        for one in seen.alerts if seen is not None else ():
            if one.number not in before:
                loss = f"; {one.measure}" if one.measure else ""
                self.say(f"{champion}  alert {one.number}: {one.finding.removeprefix('live/')}, {one.newest.text.rstrip('.')}{loss}")
        for sent in seen.sent if seen is not None else ():
            if sent.failure:
                self.say(f"{champion}  alert {sent.alert.number} could not be told to alerts.{sent.channel}: {sent.failure.splitlines()[0]}")

    def _roll_back(self, champion: Version, now: datetime) -> Version:
        """The version that is champion after that."""
        rollback = self.recipe.rollout.rollback if self.recipe.rollout is not None else None
        alert = blamed(rollback, champion, self.store, now) if rollback is not None else None
        try:
            moved = roll_back(alert, champion, self.store) if alert is not None else None
        except Untrusted as error:
            self._note("rollback", f"{champion}  would be rolled back, but {_first(error)}")
            return champion
        if moved is None:
            return champion
        back, gone = moved
        reason = f"alert {alert.number}: {alert.newest.text}" if alert is not None else ""
        self.hooks.event("rolled_back", str(back), back.details(self.store.where(back), "champion", before=gone.version, reason=reason))
        self.say(f"{gone} was rolled back, and {back} is champion: {reason}")
        return back

    def _retrain(self, champion: Version, now: datetime) -> int:
        retrain = self.recipe.retrain
        if retrain is None:
            return 0
        triggers = self.store.triggers.of(self.model)
        unfinished = next((one for one in triggers if one.state == "begun"), None)
        if unfinished is not None:
            taken = self.store.triggers.take_up(unfinished.number)
            if taken is None:
                self._note("due", f"{self.model}  retraining {unfinished.number} is under way in another process")
                return 0
            self.say(f"{self.model}  retraining {taken.number} goes on: {taken.text}")
            return self._carry_out(taken)
        facts = self._facts(champion, triggers, now)
        found = next(reasons(retrain, facts), None)
        if found is None:
            self._noted.pop("due", None)
            return 0
        if why_not := held(retrain, facts):
            self._note("due", f"{self.model}  would be trained again, {found.why}: {found.text}; but {why_not}")
            return 0
        begun = self.store.triggers.begin(found)
        if begun is None:
            return 0  # somebody else has, between our look and this
        self.store.spending_file(self.model).unlink(missing_ok=True)  # what an earlier retraining has spent is not this one's
        self.say(f"{self.model}  retraining {begun.number}, {begun.why}: {begun.text}")
        return self._carry_out(begun)

    def _facts(self, champion: Version, triggers: Sequence[KeptTrigger], now: datetime) -> Facts:
        rows = None if self.log is None or self.recipe.contract is None else Rows(self.log, self.recipe.contract)
        return Facts(now, champion, self.store.alerts.of(self.model, champion.version, over=False), triggers, rows)

    def idle(self, now: datetime) -> str:
        """A line that says that nothing is due, and what is waited for."""
        champion, retrain = self.store.registry.champion(self.model), self.recipe.retrain
        if champion is None or retrain is None:
            return f"{champion or self.model}  nothing is due"
        return f"{champion}  nothing is due ({waiting(retrain, self._facts(champion, self.store.triggers.of(self.model), now))})"

    def _carry_out(self, trigger: KeptTrigger) -> int:
        """Run it, and what follows; killed anywhere, it is taken up by the next turn."""
        folder = copy_of(self.store, self.model, trigger.number)
        try:
            if trigger.tries > _TRIES:
                raise RunFailed(f"given up after {_TRIES} tries that were each killed")
            folder.mkdir(parents=True, exist_ok=True)
            whole = bool(trigger.command) and (self.recipe.retrain is None or self.recipe.retrain.training.rows != "log" or (folder / "rows.parquet").exists())
            # a command that was begun on another machine is the same here, and its rows are copied once more: up to when they count is written down
            ordered = trigger if whole else self.store.triggers.ordered(trigger.number, self._command(trigger, folder))
        except MlforgeError as error:
            return self._ended(self.store.triggers.end(trigger.number, "failed", message=_first(error)), error.exit_code)
        if not self._free():
            return RunFailed.exit_code
        ran = run(ordered.command, self.project.root, folder, self.over)
        if ran.stopped:
            if self.over.is_set():
                return Interrupted.exit_code
            self.say(f"{self.model}  retraining {trigger.number} was killed; it is taken up again")
            return RunFailed.exit_code
        state, told = follow(trigger, ran, self.store)
        if state == "done" and ran.version is not None:
            told = self._promoted(trigger, ran.version, told)
        return self._ended(self.store.triggers.end(trigger.number, state, run=ran.run, version=ran.version, message=told), ran.code)

    def _free(self) -> bool:
        """Wait until nobody runs the recipe: a run that a killed watcher left behind stops within moments."""
        end = time.monotonic() + _LEFT
        while True:
            try:
                with self.store.lock(self.model):
                    return True
            except Taken as error:
                if time.monotonic() > end or self.over.is_set():
                    self._note("free", f"{self.model}  the retraining waits: {str(error).splitlines()[0]}")
                    return False
                self.over.wait(0.1)

    def _command(self, trigger: KeptTrigger, folder: Path) -> tuple[str, ...]:
        retrain = self.recipe.retrain
        assert retrain is not None
        gathered: Gathered | None = None
        if retrain.training.rows == "log":
            assert self.log is not None, "the recipe's check asks for one"
            assert self.recipe.contract is not None
            gathered = Rows(self.log, self.recipe.contract).gather(retrain.training, datetime.fromisoformat(trigger.until), folder)
            if not gathered.count:
                raise DataError("no labels have come, so there is nothing to learn from", hint="Send them to the server's /feedback.")
        return (self.reference, *overrides(self.recipe, retrain, gathered, self.project.root))

    def _promoted(self, trigger: KeptTrigger, number: int, told: str) -> str:
        """Make it champion where the recipe says so; what there is to tell."""
        assert self.recipe.retrain is not None
        version = self.store.registry.resolve(f"{self.model}@{number}")
        why_not = next(promotable(trigger, version, self.recipe.retrain, self.store), None)
        if why_not is not None:
            return f"{told}; {why_not}"
        try:
            now = promote(trigger, version, self.store)
        except Untrusted as error:
            return f"{told}; {_first(error)}"
        reason = f"retraining {trigger.number}: {trigger.text}"
        self.hooks.event("promoted", str(now), now.details(self.store.where(now), "champion", reason=reason))
        canary = self.recipe.rollout.canary if self.recipe.rollout is not None else None
        how = f"champion, in canary at {canary.steps[0]:.0%} of the requests first" if canary is not None else "champion"
        return f"{told}; it is {how}"

    def _ended(self, trigger: KeptTrigger, code: int) -> int:
        self.say(f"{self.model}  retraining {trigger.number} {trigger.state}: {trigger.message}")
        clear(self.store, self.model)
        return code

    def _note(self, about: str, text: str) -> None:
        """Say something once while it stays true, and not at every turn."""
        if self._noted.get(about) != text:
            self._noted[about] = text
            self.say(text)


def _looks(files: Iterable[Path]) -> tuple[object, ...]:
    """Files by time and size; one that is gone for a moment looks like nothing."""
    return tuple((found.stat().st_mtime_ns, found.stat().st_size) if found.exists() else None for found in files)


def _first(error: MlforgeError) -> str:
    """An error in one line."""
    if isinstance(error, RecipeError) and error.problems:
        return str(error.problems[0])
    return " ".join(str(error).splitlines()[:2])
