"""The supervisor's part in rollouts: a controller process decides, its decisions are passed on to the workers, and shadows get a process of their own."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from mlforge.serving.offer import Offer
from mlforge.serving.rollout.assignment import KIND, Assignment
from mlforge.serving.rollout.board import Board
from mlforge.serving.rollout.controller import control
from mlforge.serving.rollout.course import Course, Tell
from mlforge.serving.rollout.versions import Versions
from mlforge.serving.sidecar import Sidecar

if TYPE_CHECKING:
    from mlforge.serving.plan import Plan
    from mlforge.serving.supervisor import Supervisor
    from mlforge.store import Store

__all__ = ["Rollouts", "first"]


class Rollouts:
    """Starts and feeds the sidecars of rollouts. `begin` is called before the supervisor runs; `tick` is one of its tickers."""

    def __init__(self, store: Store, plan: Plan, tell: Callable[[], Tell]) -> None:
        self._boards: Mapping[str, Board] = plan.boards
        self._store, self._hooks = store, tell
        self._assignments: dict[str, Assignment] = {}
        self._controller = Sidecar("mlforge-control", self._follow)
        self._shadows = Sidecar("mlforge-shadow", self._shadow, [board.copies.fileno() for board in plan.boards.values()])

    def begin(self, supervisor: Supervisor) -> None:
        """Send the first assignments to the workers, and start the sidecars that they need."""
        for offer in supervisor.plan.offers:
            if offer.version:
                assignment = Course(Versions(self._store, offer.model, offer.alias), self._boards[offer.model], offer).assignment
                self._assignments[offer.model] = assignment
        self._store.close()  # SQLite bears no fork with an open connection; the controller opens its own
        for model, assignment in self._assignments.items():
            self._pass_on(supervisor, model, assignment)
        self._controller.start()
        supervisor.tickers.append(self.tick)

    def tick(self, supervisor: Supervisor) -> None:
        """Pass on the controller's assignments; restart sidecars that have died."""
        for line in self._controller.heard():
            model, told = json.loads(line)
            self._pass_on(supervisor, model, Assignment.read(told))
        self._shadows.heard()

    def _pass_on(self, supervisor: Supervisor, model: str, assignment: Assignment) -> None:
        """Send an assignment to the workers; one that is forked later starts with it."""
        self._assignments[model] = assignment
        supervisor.plan = replace(supervisor.plan, offers=[assignment.serving if offer.model == model else offer for offer in supervisor.plan.offers])
        supervisor.tell(f"{KIND} {model}", assignment.plain())
        if self._shadows.begun:
            self._shadows.say(json.dumps([model, assignment.plain()]).encode())
        elif assignment.shadow is not None:
            self._shadows.start()

    def _follow(self, line: socket.socket) -> None:
        control(self._store, self._boards, [assignment.serving for assignment in self._assignments.values()], line, self._hooks())

    def _shadow(self, line: socket.socket) -> None:
        from mlforge.serving.rollout.shadow import serve_shadows

        serve_shadows(self._boards, self._assignments, line)

    def end(self) -> None:
        """Close the lines, at which the sidecars exit."""
        self._controller.end()
        self._shadows.end()
        for board in self._boards.values():
            board.close()


def first(store: Store, offer: Offer) -> Offer:
    """The version that a starting server serves: while a canary is unfinished, the one before it."""
    versions = Versions(store, offer.model, offer.alias)
    if not offer.alias or not versions.promoted(offer.version):
        return offer
    version = versions.version(offer.version)
    canary, before = versions.settings(version).canary, versions.before(offer.version)
    return offer if canary is None or canary.steps[0] >= 1 or before is None else versions.offer(before)
