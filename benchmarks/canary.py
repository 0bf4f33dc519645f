"""How often a canary is rolled back: 1,000 rollouts of a version that is no worse, and 1,000 of each kind of bad one.

    python benchmarks/canary.py [ROLLOUTS]

The very test that the server runs, over simulated answers: a rollout of 2,000 requests at 5 % and 2,000 at 25 %, looked at every 20 to 40 answers, with a
declared false alarm of 1 %. Times are lognormal (sd 0.5 of the logarithm, a stall of 20 times in 1 %), 0.5 % of answers fail, and a class is predicted
for 24 % of requests. `times` are the newcomer's relative to the incumbent's.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import numpy as np

from mlforge.service.rollout import Canary
from mlforge.serving.rollout.figures import BINS, DECISIONS, SIZES, WIDTH, Figures, bin_of
from mlforge.serving.rollout.trial import Decisions, Trial

EDGES = np.asarray([bin_of(float(x)) for x in np.geomspace(1e-6, 10, 20_000)])


@dataclass(frozen=True)
class Version:
    """How a version behaves."""

    errors: float = 0.005
    slower: float = 1.0
    positive: float = 0.24

    def answers(self, count: int, load: float, rng: np.random.Generator) -> Figures:
        """What so many requests add to the figures; `load` slows everybody."""
        cells = np.zeros(WIDTH, np.int64)
        cells[0], cells[1] = count, rng.binomial(count, self.errors)
        seconds = self.slower * load * rng.lognormal(np.log(1e-3), 0.5, count) * np.where(rng.random(count) < 0.01, 20, 1)
        bins = EDGES[np.clip((np.log(seconds / 1e-6) / np.log(1e7) * 20_000).astype(int), 0, 19_999)]
        cells[2 : 2 + BINS] = np.bincount(bins, minlength=BINS)
        positives = rng.binomial(count, self.positive)
        cells[2 + SIZES * BINS], cells[3 + SIZES * BINS] = count - positives, positives
        assert len(cells) == 2 + SIZES * BINS + DECISIONS
        return Figures(cells)


SETTINGS = Canary()
HEALTHY = {
    "the same": Version(),
    "a little better": Version(errors=0.003, slower=0.9, positive=0.25),
    "at the tolerance": Version(slower=1.45, positive=0.3),
}
BAD = {
    "errors 0.5 % to 1.5 %": Version(errors=0.015),
    "errors 0.5 % to 5 %": Version(errors=0.05),
    "every answer fails": Version(errors=1.0),
    "times 2": Version(slower=2.0),
    "times 3": Version(slower=3.0),
    "decides 24 % to 40 %": Version(positive=0.40),
    "decides 24 % to 12 %": Version(positive=0.12),
    "decides 24 % to 0 %": Version(positive=0.0),
}


def rollout(newcomer: Version, rng: np.random.Generator, *, late: bool = False) -> tuple[int, str] | None:
    """After how many answers the newcomer is rolled back, and why; None when it gets through. `late`: it is healthy at the first step."""
    trial = Trial(SETTINGS, Decisions(("no", "yes")))
    old = new = Figures.none()
    incumbent = Version()
    trial.look(old, new)
    for step, share in enumerate(SETTINGS.steps[:-1]):
        if step:
            trial.next_step()
        until = SETTINGS.requests * (step + 1)
        while new.requests < until:
            count = int(rng.integers(20, 41))
            load = float(rng.lognormal(0, 0.3))  # of the machine, and of what the requests are at this time
            new += (incumbent if late and step == 0 else newcomer).answers(count, load, rng)
            old += incumbent.answers(int(rng.negative_binomial(count, share)), load, rng)
            if (why := trial.look(old, new)) is not None:
                return new.requests, why
    return None


def share(newcomer: Version, rollouts: int, seed: int, *, late: bool = False) -> tuple[float, float]:
    """The share of rollouts that are rolled back, and the median number of answers until then."""
    rng = np.random.default_rng(seed)
    found = [one for _ in range(rollouts) if (one := rollout(newcomer, rng, late=late)) is not None]
    return len(found) / rollouts, float(np.median([count for count, _ in found])) if found else float("nan")


def main() -> None:
    """Print the table."""
    rollouts = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    begun = time.perf_counter()
    print(
        f"{rollouts} rollouts each, false alarm {SETTINGS.false_alarm:.0%}, {SETTINGS.requests} requests at {SETTINGS.steps[0]:.0%} and {SETTINGS.steps[1]:.0%}"
    )
    print(f"{'newcomer':<34}{'rolled back':>12}{'after (median)':>16}")
    for position, (name, version) in enumerate(HEALTHY.items()):
        rolled, after = share(version, rollouts, position)
        print(f"{'healthy: ' + name:<34}{rolled:>12.1%}{after:>16,.0f}")
    for position, (name, version) in enumerate(BAD.items()):
        rolled, after = share(version, rollouts, 100 + position)
        print(f"{'bad: ' + name:<34}{rolled:>12.1%}{after:>16,.0f}")
    for position, name in enumerate(("errors 0.5 % to 5 %", "times 3", "decides 24 % to 40 %")):
        rolled, after = share(BAD[name], rollouts, 200 + position, late=True)
        print(f"{'late: ' + name:<34}{rolled:>12.1%}{after:>16,.0f}")
    print(f"{time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
