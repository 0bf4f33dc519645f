"""A new version on trial: is it worse than the one that serves, in errors, in time or in what it decides?

Three tests run side by side (see `odds`); the mean of their e-processes is one too, so that the false alarm that is declared is that of the whole rollout,
over all looks, all steps and all three. What is compared:

- **errors**: requests that failed;
- **time**: runs of a graph over as many rows, that took longer than the incumbent's median, and than its 95 % quantile, times what is tolerated. The
  incumbent's quantiles are those of the looks before, so that a look does not choose what it is judged by;
- **decisions**: each predicted class, or a value above each quintile of a normal target, likelier or less likely.

A request counts once, with the prediction for its first row, whatever the number of its rows: rows of one request are alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np

from mlforge.service.rollout import Canary
from mlforge.serving.rollout.figures import BINS, GROWTH, SIZES, Figures, upper
from mlforge.serving.rollout.odds import Counts, OddsTest

__all__ = ["LOOK", "Decisions", "Trial"]

LOOK = 20  # answers of the newcomer's that make a look worth while
_KNOWN = 20  # runs of the incumbent's after which its quantiles are taken
_QUANTILES = (0.5, 0.95)


@dataclass(frozen=True, slots=True)
class Decisions:
    """How the decisions of two versions can be compared."""

    names: tuple[str, ...] = ()  # classes, as both have them; of a value "the lowest fifth", …; none when they cannot be compared
    ordered: bool = False  # a value's quintiles

    @property
    def events(self) -> tuple[str, ...]:
        """What is likelier or less likely."""
        if self.ordered:
            return tuple(f"a value above {name}" for name in self.names[:-1])
        return self.names[1:] if len(self.names) == 2 else self.names

    def counts(self, figures: Figures) -> Counts:
        """Each event and each of their opposites, [2 × events, 1, 2], as (events, requests)."""
        codes = figures.decisions[: len(self.names)]
        total = figures.decisions.sum()
        above = codes[::-1].cumsum()[::-1][1:]
        likelier = above if self.ordered else codes[1:] if len(self.names) == 2 else codes
        both = np.concatenate([likelier, total - likelier])
        return np.stack([both, np.full_like(both, total)], axis=-1)[:, None, :]


class Trial:
    """Looks again and again at two versions' figures, which only grow, and says when the newcomer is found worse."""

    def __init__(self, settings: Canary, decisions: Decisions, *, incumbent: str = "the version before") -> None:
        self._settings, self._decisions, self._incumbent = settings, decisions, incumbent
        self._limit = -log(settings.false_alarm)
        starts = max(1, len(settings.steps) - 1)
        self._tests = {
            "errors": OddsTest(1, settings.more_errors, starts),
            "time": OddsTest(len(_QUANTILES), starts=starts),
            "decisions": OddsTest(2 * len(decisions.events), settings.shift, starts),
        }
        self._tolerated_bins = round(log(settings.slower) / log(GROWTH))
        self._old, self._new = Figures.none(), Figures.none()
        self._begun: tuple[Figures, Figures] | None = None

    def look(self, incumbent: Figures, newcomer: Figures) -> str | None:
        """Take the figures as they are now; why the newcomer is worse, if it is. The first figures are where counting begins."""
        if self._begun is None:
            self._begun = (incumbent, newcomer)
        old, new = incumbent - self._begun[0], newcomer - self._begun[1]
        if new.requests - self._new.requests < LOOK:
            return None
        late, fresh = old - self._old, new - self._new
        self._tests["errors"].look(_failed(fresh), _failed(late))
        self._tests["time"].look(*self._slow(fresh, late))
        if self._decisions.events:
            self._tests["decisions"].look(self._decisions.counts(fresh), self._decisions.counts(late))
        self._old, self._new = old, new
        return self._why() if self.evidence >= self._limit else None

    def next_step(self) -> None:
        """Start another e-process at this step: the newcomer may have been fine at the earlier share, and not be at this one."""
        for test in self._tests.values():
            test.start()

    @property
    def evidence(self) -> float:
        """Logarithm of the e-process of all three."""
        found = np.asarray([test.evidence for test in self._tests.values()])
        return float(found.max() + log(np.exp(found - found.max()).mean()))

    @property
    def begun(self) -> bool:
        """Has a first look set the baseline."""
        return self._begun is not None

    @property
    def answered(self) -> int:
        """Requests of the newcomer that were tested so far."""
        return self._new.requests

    def _slow(self, fresh: Figures, late: Figures) -> tuple[Counts, Counts]:
        """Runs that took longer than each of the incumbent's quantiles, [quantiles, SIZES, 2]."""
        before = self._old.runs.cumsum(axis=1)
        tables = []
        for figures, tolerated in ((fresh, self._tolerated_bins), (late, 0)):
            found = np.zeros((len(_QUANTILES), SIZES, 2), np.int64)
            for position, quantile in enumerate(_QUANTILES):
                for size in np.flatnonzero(before[:, -1] >= _KNOWN):
                    threshold = int(np.searchsorted(before[size], quantile * before[size, -1])) + tolerated
                    runs = figures.runs[size]
                    found[position, size] = runs[min(threshold + 1, BINS) :].sum(), runs.sum()
            tables.append(found)
        return tables[0], tables[1]

    def _why(self) -> str:
        aspect = max(self._tests, key=lambda name: self._tests[name].evidence)
        told = {"errors": self._errors, "time": self._time, "decisions": self._shift}[aspect]()
        return f"{aspect}: {told} (found after {self.answered:,} requests)"

    def _errors(self) -> str:
        new, old = self._new, self._old
        return (
            f"{new.failures:,} of {new.requests:,} answers failed ({_percent(new.failures, new.requests)}), "
            f"and {_percent(old.failures, old.requests)} of {self._incumbent}'s"
        )

    def _time(self) -> str:
        size = int(np.minimum(self._new.runs.sum(axis=1), self._old.runs.sum(axis=1)).argmax())
        rows = "one row" if size == 0 else f"{2**size} rows and more"
        new, old = (_quantile(figures.runs[size], 0.5) * 1e3 for figures in (self._new, self._old))
        return f"runs of {rows} take {new:.3g} ms at the median, and {old:.3g} ms with {self._incumbent}; {self._settings.slower:g} times is tolerated"

    def _shift(self) -> str:
        events = self._decisions.events
        loudest = self._tests["decisions"].loudest % len(events)
        new, old = (self._decisions.counts(figures)[loudest, 0] for figures in (self._new, self._old))
        return f"{events[loudest]} is predicted for {_percent(*new)} of the requests, and for {_percent(*old)} by {self._incumbent}"


def _failed(figures: Figures) -> Counts:
    return np.asarray([[[figures.failures, figures.requests]]])


def _quantile(runs: Counts, quantile: float) -> float:
    total: Sequence[int] = runs.cumsum().tolist()
    return upper(int(np.searchsorted(total, quantile * total[-1])))


def _percent(part: int, whole: int) -> str:
    share = 100 * part / whole if whole else 0.0
    return f"{share:.0f} %" if share >= 10 else f"{share:.2g} %"
