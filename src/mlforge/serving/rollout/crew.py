"""The house's part in rollouts: it has a clerk decide, passes on to the workers what it decides, and keeps an understudy where there are shadows."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from mlforge.serving.aide import Aide
from mlforge.serving.offer import Offer
from mlforge.serving.rollout.board import Board
from mlforge.serving.rollout.clerk import clerk
from mlforge.serving.rollout.course import Course, Tell
from mlforge.serving.rollout.shelf import Shelf
from mlforge.serving.rollout.standing import KIND, Standing

if TYPE_CHECKING:
    from mlforge.serving.house import House
    from mlforge.serving.plan import Plan
    from mlforge.store import Store

__all__ = ["Crew", "first"]


class Crew:
    """What rollouts need besides the workers. `begin` before the house runs; `tick` is one of its tickers."""

    def __init__(self, store: Store, plan: Plan, tell: Callable[[], Tell]) -> None:
        self._boards: Mapping[str, Board] = plan.boards
        self._store, self._hooks = store, tell
        self._standings: dict[str, Standing] = {}
        self._clerk = Aide("mlforge-clerk", self._follow)
        self._understudy = Aide("mlforge-shadow", self._shadow, [board.copies.fileno() for board in plan.boards.values()])

    def begin(self, house: House) -> None:
        """Say who answers first, and start whom that needs."""
        for offer in house.plan.offers:
            if offer.version:
                standing = Course(Shelf(self._store, offer.model, offer.alias), self._boards[offer.model], offer).standing
                self._standings[offer.model] = standing
        self._store.close()  # SQLite bears no fork with an open connection; the clerk opens its own
        for model, standing in self._standings.items():
            self._pass_on(house, model, standing)
        self._clerk.start()
        house.tickers.append(self.tick)

    def tick(self, house: House) -> None:
        """Pass on what the clerk has said; replace who is gone."""
        for line in self._clerk.heard():
            model, told = json.loads(line)
            self._pass_on(house, model, Standing.read(told))
        self._understudy.heard()

    def _pass_on(self, house: House, model: str, standing: Standing) -> None:
        """Workers hear it; one that is forked later begins with the version that serves now."""
        self._standings[model] = standing
        house.plan = replace(house.plan, offers=[standing.serving if offer.model == model else offer for offer in house.plan.offers])
        house.tell(f"{KIND} {model}", standing.plain())
        if self._understudy.begun:
            self._understudy.say(json.dumps([model, standing.plain()]).encode())
        elif standing.shadow is not None:
            self._understudy.start()

    def _follow(self, line: socket.socket) -> None:
        clerk(self._store, self._boards, [standing.serving for standing in self._standings.values()], line, self._hooks())

    def _shadow(self, line: socket.socket) -> None:
        from mlforge.serving.rollout.understudy import understudy

        understudy(self._boards, self._standings, line)

    def end(self) -> None:
        """They go when nobody listens to them any more."""
        self._clerk.end()
        self._understudy.end()
        for board in self._boards.values():
            board.close()


def first(store: Store, offer: Offer) -> Offer:
    """Who serves when a server starts: while a version is on trial, the one before it, as if the server had never been away."""
    shelf = Shelf(store, offer.model, offer.alias)
    if not offer.alias or not shelf.promoted(offer.version):
        return offer
    version = shelf.version(offer.version)
    canary, before = shelf.settings(version).canary, shelf.before(offer.version)
    return offer if canary is None or canary.steps[0] >= 1 or before is None else shelf.offer(before)
