"""Windows of one kind of one version, one after the other: they grow as counts come, and are judged once, when they are over.

What is kept is what this server has counted itself; what is judged is that, with what other servers of the version have kept in the same store.
"""

from __future__ import annotations

from mlforge.monitoring.history import changed, keep, parts, said, whole
from mlforge.monitoring.judging import FURTHEST, Judged, judged
from mlforge.monitoring.looking import Look
from mlforge.monitoring.panes import Pane, Panes, Seen
from mlforge.serving.monitors.pane_counts import PaneCounts
from mlforge.store import Store
from mlforge.store.entries import Version

__all__ = ["WindowSeries"]

_MORE = 100  # windows that are held besides those that a judgement reaches back to
_FRESH = 8  # panes back in which others may still write


class WindowSeries:
    """Panes beyond the reach of any judgement are dropped from memory: the store has them."""

    def __init__(self, panes: Panes, store: Store, version: Version, now: float, writer: str) -> None:
        self.panes, self._store, self._version, self._writer = panes, store, version, writer
        self._mine: dict[Pane, Seen] = {}
        self._others: dict[Pane, dict[str, Seen]] = {}
        self._known: dict[tuple[str, ...], str] = {}  # what others have kept
        self._told: dict[Pane, Judged] = {}  # windows that are over, by their last pane
        self._unsaved: set[Pane] = set()
        self._late: set[Pane] = set()  # that have changed after their window was judged
        self._over = panes.number(now)  # panes before this one are over
        self._begun = self._over + 1  # the first that is seen whole
        since = self._over - self._reach
        changed(panes, store, version, self._fresh, writer, self._known)
        self._hear(since, own=True)
        for last, findings in said(panes, store, version, since).items():
            if last.number < self._over:
                numbers = range(last.number + 1 - panes.wide, last.number + 1)
                self._told[last] = Judged(last.group, numbers, panes.span(numbers), 0, 0, 0, findings)

    @property
    def _reach(self) -> int:
        return FURTHEST + self.panes.wide + _MORE

    @property
    def _fresh(self) -> int:
        return self._over - _FRESH - self.panes.wide

    def _hear(self, since: int, *, own: bool = False) -> None:
        """Read from the store what others have counted since that pane, and with `own` what an earlier collector of this server has."""
        kept, _ = parts(self.panes, self._store, self._version, since=since)
        for at, found in kept.items():
            mine = found.pop(self._writer, None)
            if own and mine is not None:
                self._mine[at] = mine
            self._others[at] = found
            self._put(at)

    def _put(self, at: Pane) -> None:
        """Set the sum over all writers, which is what is judged."""
        found = self._others.get(at, {})
        mine = self._mine.get(at)
        self.panes.seen[at] = whole({**found, self._writer: mine} if mine is not None else found, self.panes) if found else mine or Seen()

    def add(self, counts: PaneCounts) -> None:
        """Counts that a worker has sent."""
        at = counts.pane
        self._mine.setdefault(at, Seen()).add(counts.seen(), self.panes.watched)
        self._put(at)
        self._unsaved.add(at)
        if at.number < self._over:
            self._late.add(at)

    def close(self, now: float, *, serving: bool) -> bool:
        """Judge the windows that ended before this time; was any judged. While the version is `serving`, empty windows count too."""
        over = self.panes.number(now)
        heard = changed(self.panes, self._store, self._version, self._fresh, self._writer, self._known)
        if heard:
            self._hear(min(at.number for at in heard))
            self._late |= {at for at in heard if at.number < self._over}
        if over <= self._over and not self._late and self._told:
            return False
        self._over = max(over, self._over)
        if serving:
            for number in range(max(self._begun, self._over - FURTHEST), self._over):
                if Pane("", number) not in self.panes.seen:
                    self.panes.seen[Pane("", number)] = Seen()
                    self._unsaved.add(Pane("", number))
        new = {Pane(one.group, one.panes.stop - 1): one for one in judged(self.panes, self._wanted)}
        self._told |= new
        self._late.clear()
        self._unsaved |= {at for at in new if at in self.panes.seen}
        return bool(new)

    def _wanted(self, group: str, numbers: range) -> bool:
        last = Pane(group, numbers.stop - 1)
        changed = min((at.number for at in self._late if at.group == group), default=numbers.stop)
        return numbers.stop <= self._over and (last not in self._told or changed < numbers.stop)

    def save(self) -> None:
        """Store what has changed: our own counts, and the verdicts on windows."""
        if not self._unsaved:
            return
        keep(self.panes, self._told.values(), self._store, self._version, {at: self._mine.get(at, Seen()) for at in self._unsaved}, self._writer)
        self._unsaved.clear()
        oldest = self._over - self._reach
        for held in (self.panes.seen, self._mine, self._others, self._told):
            for old in [at for at in held if at.number < oldest]:
                del held[old]

    def look(self) -> Look:
        """The judged windows, in order."""
        return Look(self.panes.windowing, tuple(self._told[at] for at in sorted(self._told)), 0)

    @property
    def newest(self) -> list[Judged]:
        """Of each group, the last window that is over."""
        last = {at.group: at for at in sorted(self._told)}
        return [self._told[at] for at in last.values()]
