"""Ways to propose values. Each proposal is a function of the seed, the trial's number and the trials that are over: nothing has to be kept of a search."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from mlforge.components import Dimension, Objective, Proposer, Seen, Value

if TYPE_CHECKING:
    import optuna

__all__ = ["Draws", "Grid", "ParzenTrees", "Search", "searching"]

Search = Literal["random", "tpe"]


@dataclass(frozen=True)
class Draws:
    """Independent draws."""

    space: Mapping[str, Dimension]
    seed: int

    def propose(self, number: int) -> Mapping[str, Value] | None:
        """A draw; each entry of the space has a stream of its own, so that another entry does not move it."""
        return {name: one.at(random.Random(f"{self.seed}/{number}/{name}").random()) for name, one in self.space.items()}  # noqa: S311  # no secret

    def learn(self, seen: Seen) -> None:
        """Nothing: draws do not depend on each other."""


@dataclass(frozen=True)
class Grid:
    """Every combination, the last entry of the space turning fastest."""

    space: Mapping[str, Dimension]

    def propose(self, number: int) -> Mapping[str, Value] | None:
        """The combination of that number; None after the last."""
        found: dict[str, Value] = {}
        for name, one in reversed(list(self.space.items())):
            values = one.values()
            assert values is not None, f"{name} cannot be counted, and the recipe's check has let it pass"
            number, place = divmod(number, len(values))
            found[name] = values[place]
        return {name: found[name] for name in self.space} if number == 0 else None

    def learn(self, seen: Seen) -> None:
        """Nothing: the grid is what it is."""


@dataclass
class ParzenTrees:
    """Tree-structured Parzen estimators: where good trials were dense and bad ones were not.

    James Bergstra et al., Algorithms for Hyper-Parameter Optimization (2011), as Optuna has it.
    """

    space: Mapping[str, Dimension]
    objectives: tuple[Objective, ...]
    seed: int
    startup: int = 10
    _study: Any = field(default=None, repr=False)

    def propose(self, number: int) -> Mapping[str, Value] | None:
        """What promises most; the first trials are draws."""
        import optuna

        study = self._opened()
        seed = random.Random(f"{self.seed}/{number}").randrange(2**32)  # noqa: S311  # no secret
        study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=self.startup, multivariate=False)
        trial = study.ask(self._distributions())
        study.tell(trial, state=optuna.trial.TrialState.FAIL)  # it is told as a whole when it is over
        return {name: one.choice[trial.params[name]] if one.choice is not None else trial.params[name] for name, one in self.space.items()}

    def learn(self, seen: Seen) -> None:
        """Take a trial into account; one that failed tells nothing."""
        import optuna

        if not seen.scores:
            return
        params = {name: one.choice.index(seen.values[name]) if one.choice is not None else seen.values[name] for name, one in self.space.items()}
        trial = optuna.trial.create_trial(params=params, distributions=self._distributions(), values=list(seen.scores))
        self._opened().add_trial(trial)

    def _opened(self) -> optuna.Study:
        if self._study is None:
            import optuna

            optuna.logging.set_verbosity(optuna.logging.ERROR)
            self._study = optuna.create_study(directions=["minimize"] * len(self.objectives))
        study: optuna.Study = self._study
        return study

    def _distributions(self) -> dict[str, Any]:
        return {name: _distribution(one) for name, one in self.space.items()}


def _distribution(one: Dimension) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if one.choice is not None:
        return CategoricalDistribution(tuple(range(len(one.choice))))  # by place: a choice may be a list
    if one.quniform is not None:
        low, _, step = one.quniform
        values = one.values()
        assert values is not None
        return FloatDistribution(low, low + step * (len(values) - 1), step=step)
    low, high = one.ends
    log = one.law.startswith("log")
    return IntDistribution(low, high, log=log) if one.law.endswith("randint") else FloatDistribution(low, high, log=log)


def searching(search: Search, space: Mapping[str, Dimension], objectives: Mapping[str, Objective], seed: int) -> Proposer:
    """The way to propose that a field `search` names."""
    return Draws(space, seed) if search == "random" else ParzenTrees(space, tuple(objectives.values()), seed)
