"""A population whose members go on, each from its own training or from a better one's. All that it says follows from the seed and the trials that are over."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from mlforge.components import Dimension, Seen, Value

__all__ = ["Breeding"]


@dataclass
class Breeding:
    """Population based training with truncation selection; trial `number` is member `number % size` in generation `number // size`.

    Max Jaderberg et al., Population Based Training of Neural Networks (2017). A generation begins when the one before is over, so that what comes of it does
    not depend on how many trials run at a time.
    """

    space: Mapping[str, Dimension]
    seed: int
    size: int
    generations: int
    every: int | None = None  # epochs of a generation
    replaced: float = 0.25
    resample: float = 0.25
    factor: float = 1.2
    _scores: dict[int, float] = field(default_factory=dict)  # the last epoch's, less is better; of trials that came to their end
    _values: dict[int, Mapping[str, Value]] = field(default_factory=dict)  # of all that are over

    def propose(self, number: int) -> Mapping[str, Value] | None:
        """Draws for the first generation; then what the parent had, moved where it is another member."""
        if number >= self.size * self.generations:
            return None
        parent = self.parent(number)
        if parent is None:
            return {name: one.at(self._chance(number, name).random()) for name, one in self.space.items()}
        values = self._values[parent]
        if parent == number - self.size:
            return values
        return {name: self._moved(one, values[name], self._chance(number, name)) for name, one in self.space.items()}

    def learn(self, seen: Seen) -> None:
        """Take note of a trial that is over."""
        self._values[seen.number] = seen.values
        if seen.scores:
            self._scores[seen.number] = seen.curve[-1][1] if seen.curve else seen.scores[0]

    def ready(self, number: int) -> bool:
        """Is the generation before that of a trial over."""
        first = number // self.size * self.size
        return all(one in self._values for one in range(max(0, first - self.size), first))

    def parent(self, number: int) -> int | None:
        """The trial that it goes on from: its own before; one of the best, if that was among the worst or has failed."""
        first = number // self.size * self.size
        ranked = sorted((one for one in range(first - self.size, first) if one in self._scores), key=lambda one: (self._scores[one], one))
        if not ranked:
            return None
        few = max(1, int(self.replaced * self.size))
        own = number - self.size
        if own in ranked[: max(1, self.size - few)]:
            return own
        return self._chance(number, "parent").choice(ranked[:few])

    def end(self, number: int, epochs: int) -> int:
        """How many epochs of so many are done when a trial is over."""
        generation = number // self.size + 1
        return epochs if generation == self.generations else min(epochs, generation * (self.every or max(1, epochs // self.generations)))

    def _chance(self, number: int, name: str) -> random.Random:
        return random.Random(f"{self.seed}/{number}/{name}")  # noqa: S311  # no secret

    def _moved(self, one: Dimension, value: Value, chance: random.Random) -> Value:
        """The value of a better one, changed a little or drawn anew."""
        if chance.random() < self.resample:
            return one.at(chance.random())
        up = chance.random() < 0.5
        ladder = one.values() if one.choice is not None or one.quniform is not None else None
        if ladder is not None:
            return ladder[min(max(ladder.index(value) + (1 if up else -1), 0), len(ladder) - 1)]
        assert isinstance(value, int | float), "what is no ladder is a number"
        low, high = (float(end) for end in one.ends)
        moved = value * self.factor if up else value / self.factor
        if one.law.endswith("randint"):
            moved = max(value + 1, round(moved)) if up else min(value - 1, round(moved))
            return int(min(max(moved, low), high))
        return min(max(moved, low), high)
