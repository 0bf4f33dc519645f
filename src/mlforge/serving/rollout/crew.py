"""The house's part in rollouts: it has a clerk decide, and passes on to the workers what it decides."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from mlforge.serving.offer import Offer
from mlforge.serving.rollout.board import Board
from mlforge.serving.rollout.clerk import clerk, fork
from mlforge.serving.rollout.course import Course, Tell
from mlforge.serving.rollout.shelf import Shelf
from mlforge.serving.rollout.standing import KIND, Standing

if TYPE_CHECKING:
    from mlforge.serving.house import House
    from mlforge.serving.plan import Plan
    from mlforge.store import Store

__all__ = ["Crew", "first"]

log = logging.getLogger(__name__)

_PAUSE = 2.0  # seconds before a clerk that died is replaced


class Crew:
    """What rollouts need besides the workers. `begin` before the house runs; `tick` is one of its tickers."""

    def __init__(self, store: Store, plan: Plan, tell: Callable[[], Tell]) -> None:
        self._boards: Mapping[str, Board] = plan.boards
        self._store, self._offers, self._hooks = store, [offer for offer in plan.offers if offer.version], tell
        self._pid, self._line, self._due = 0, socket.socket(), 0.0
        self._rest = b""

    def begin(self, house: House) -> None:
        """Say who answers first, and start the clerk."""
        for offer in self._offers:
            standing = Course(Shelf(self._store, offer.model, offer.alias), self._boards[offer.model], offer).standing
            house.tell(f"{KIND} {offer.model}", standing.plain())
        self._start()
        house.tickers.append(self.tick)

    def tick(self, house: House) -> None:
        """Pass on what the clerk has said; replace it when it is gone."""
        if self._pid == 0:
            if time.monotonic() >= self._due:
                self._start()
            return
        try:
            said = self._line.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        if not said:
            self._buried()
            return
        *lines, self._rest = (self._rest + said).split(b"\n")
        for line in lines:
            model, told = json.loads(line)
            self._pass_on(house, model, Standing.read(told))

    def _pass_on(self, house: House, model: str, standing: Standing) -> None:
        """Workers hear it; one that is forked later begins with the version that serves now."""
        self._offers = [standing.serving if offer.model == model else offer for offer in self._offers]
        house.plan = replace(house.plan, offers=[standing.serving if offer.model == model else offer for offer in house.plan.offers])
        house.tell(f"{KIND} {model}", standing.plain())

    def _start(self) -> None:
        self._rest = b""
        self._store.close()  # SQLite bears no fork with an open connection; the clerk opens its own
        self._pid, self._line = fork(lambda line: clerk(self._store, self._boards, self._offers, line, self._hooks()))
        self._line.setblocking(False)

    def _buried(self) -> None:
        log.warning("the process that follows aliases ended; another takes its place")
        self._line.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)
        self._pid, self._due = 0, time.monotonic() + _PAUSE

    def end(self) -> None:
        """The clerk goes when nobody listens to it any more."""
        self._line.close()
        if self._pid:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._pid, 0)
            self._pid = 0


def first(store: Store, offer: Offer) -> Offer:
    """Who serves when a server starts: while a version is on trial, the one before it, as if the server had never been away."""
    shelf = Shelf(store, offer.model, offer.alias)
    if not offer.alias or not shelf.promoted(offer.version):
        return offer
    version = shelf.version(offer.version)
    canary, before = shelf.settings(version).canary, shelf.before(offer.version)
    return offer if canary is None or canary.steps[0] >= 1 or before is None else shelf.offer(before)
