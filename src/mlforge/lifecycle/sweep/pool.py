"""The trials of a search on Ray Tune. Imports ray."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from weakref import WeakValueDictionary

from ray import tune
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from mlforge.lifecycle.sweep.bench import Commission
from mlforge.lifecycle.sweep.journal import Measured
from mlforge.lifecycle.sweep.trainable import Worker

__all__ = ["Ledger", "Trial", "tuned"]


class Trial(Protocol):
    """A trial to be run."""

    @property
    def number(self) -> int:
        """Its number."""

    @property
    def overrides(self) -> tuple[str, ...]:
        """What it sets."""

    @property
    def parent(self) -> int | None:
        """The trial from which it goes on."""


class Ledger(Protocol):
    """What decides on trials and keeps what came of them."""

    def next(self) -> Trial | None:
        """The next trial to begin; None when there is none now."""

    @property
    def waits(self) -> bool:
        """Will there be another, when those that run are over."""

    def epoch(self, number: int, epoch: int, values: dict[str, float]) -> bool:
        """Take note of an epoch; True to give the trial up."""

    def done(self, number: int, measured: Measured) -> None:
        """A trial came to its end."""

    def stopped(self, number: int) -> None:
        """A trial was given up, as `epoch` had asked."""

    def failed(self, number: int, reason: str) -> None:
        """A trial failed."""

    def lost(self, number: int, reason: str) -> None:
        """A trial's process has gone."""

    @property
    def over(self) -> bool:
        """Is the search to end now, whatever is still running."""


def tuned(ledger: Ledger, commission: Commission, folder: str, *, held: bool, trials: int, concurrency: int, resources: Mapping[str, float]) -> None:
    """Run trials until there are no more, or the search is over."""
    desk = _Desk.of(ledger)
    worker = tune.with_parameters(Worker, commission=commission, held=held)
    tune.Tuner(
        tune.with_resources(worker, {name: amount for name, amount in resources.items() if amount}),
        tune_config=tune.TuneConfig(
            search_alg=_Asking(desk), scheduler=_Listening(desk), num_samples=trials, max_concurrent_trials=concurrency, reuse_actors=True
        ),
        run_config=tune.RunConfig(
            name="trials",
            storage_path=folder,
            verbose=0,
            stop=_Ending(desk),
            callbacks=[_Noting(desk)],
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
        ),
    ).fit()


@dataclass(frozen=True)
class _Desk:
    """Where a ledger of this process is found. Ray copies and pickles all that it is handed, to continue from; a ledger is one thing and continues itself."""

    place: int

    @classmethod
    def of(cls, ledger: Ledger) -> _Desk:
        _LEDGERS[id(ledger)] = ledger
        return cls(id(ledger))

    @property
    def ledger(self) -> Ledger:
        ledger: Ledger = _LEDGERS[self.place]
        return ledger


_LEDGERS: WeakValueDictionary[int, Any] = WeakValueDictionary()


class _Asking(Searcher):  # type: ignore[misc]
    """Ray asks for trials here."""

    def __init__(self, desk: _Desk) -> None:
        super().__init__()
        self._desk = desk

    def set_search_properties(self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any) -> bool:
        return True  # the ledger knows what to search for

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        ledger = self._desk.ledger
        trial = None if ledger.over else ledger.next()
        if trial is None:
            return None if ledger.waits and not ledger.over else str(Searcher.FINISHED)
        return {"number": trial.number, "overrides": list(trial.overrides), "parent": trial.parent}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """The ledger is told by the callback."""

    def save(self, checkpoint_path: str) -> None:
        """The journal is what a search continues from."""

    def restore(self, checkpoint_path: str) -> None:
        """Likewise."""


class _Listening(FIFOScheduler):  # type: ignore[misc]
    """Ray asks here whether a trial is to go on."""

    def __init__(self, desk: _Desk) -> None:
        super().__init__()
        self._desk = desk

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        if "values" not in result or not self._desk.ledger.epoch(trial.config["number"], result["epoch"], dict(result["values"])):
            return str(TrialScheduler.CONTINUE)
        return str(TrialScheduler.STOP)


class _Ending(tune.Stopper):  # type: ignore[misc]
    """Ray asks here whether to end it all."""

    def __init__(self, desk: _Desk) -> None:
        self._desk = desk

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self._desk.ledger.over


class _Noting(tune.Callback):  # type: ignore[misc]
    """Ray tells here what became of a trial."""

    def __init__(self, desk: _Desk) -> None:
        self._desk = desk

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        number, result = trial.config["number"], trial.last_result
        if "measured" in result:
            self._desk.ledger.done(number, Measured(*result["measured"]))
        elif "failed" in result:
            self._desk.ledger.failed(number, result["failed"])
        else:
            self._desk.ledger.stopped(number)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._desk.ledger.lost(trial.config["number"], "its process died")
