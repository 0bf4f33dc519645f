"""Population based training."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from pydantic import Field

from mlforge.builtin.sweeps.breeding import Breeding
from mlforge.components import Objection, Proposer, Sweep
from mlforge.contract import Contract

__all__ = ["Pbt"]


class Pbt(Sweep):
    """Trains a population side by side, in which the worse go on from the better with other values: population based training."""

    gradual: ClassVar[bool] = True

    trials: int = Field(default=32, ge=1, description="how many trials at most: each is one member's training in one generation")
    population: int = Field(default=8, ge=2, description="members; trials give so many generations as there are whole populations in them")
    every: int | None = Field(default=None, ge=1, description="epochs of a generation; null: trainer.max_epochs shared out among the generations")
    replaced: float = Field(default=0.25, gt=0, le=0.5, description="share of the population that goes on from as many of the best")
    resample: float = Field(default=0.25, ge=0, le=1, description="how likely a value that is taken over is drawn anew, instead of moved by `factor`")
    factor: float = Field(default=1.2, gt=1, description="a value that is taken over is multiplied or divided by this; of a choice, a neighbour is taken")

    @property
    def most(self) -> int:
        """Whole generations."""
        return self.trials // self.population * self.population

    def objections(self, contract: Contract) -> Iterable[Objection]:
        """Less than two generations are a random search; what an earlier sweep has found has no weights to go on from."""
        if self.trials < 2 * self.population:
            least = 2 * self.population
            yield Objection("trials", f"{self.trials} are less than two generations of a population of {self.population}", f"at least {least}")
        if self.warm_start is not None:
            yield Objection("warm_start", "a population begins with draws", "null", "Or search by sweep=tpe.")

    def proposer(self, seed: int) -> Proposer:
        """The population."""
        generations = max(1, self.trials // self.population)
        return Breeding(self.space, seed, self.population, generations, self.every, self.replaced, self.resample, self.factor)
