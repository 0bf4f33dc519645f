"""Which versions answer, as the leading command reads it from the store: aliases are followed, and a new version answers at once."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlforge.errors import MlforgeError
from mlforge.service.rollout import Rollout
from mlforge.serving.ledger import Ledger
from mlforge.serving.offer import Offer
from mlforge.serving.rollout.assignment import Assignment
from mlforge.serving.rollout.board import Board
from mlforge.serving.rollout.course import Course
from mlforge.serving.rollout.versions import Versions
from mlforge.serving.roster import Roster

if TYPE_CHECKING:
    from mlforge.store import Store, Version

__all__ = ["Following"]

log = logging.getLogger(__name__)


class _Whole(Versions):
    """A store's versions without trials and shadows: those need a memory that all who answer share."""

    def settings(self, version: Version) -> Rollout:
        """What its recipe says, but for those."""
        return super().settings(version).model_copy(update={"canary": None, "shadow": None})


class Following:
    """The assignments of all models."""

    def __init__(self, store: Store | None, offers: Sequence[Offer]) -> None:
        self._courses: dict[str, Course] = {}
        self._boards: list[Board] = []
        self._silent = False
        for offer in offers if store is not None else ():
            if offer.version:
                assert store is not None
                board = Board(Roster(1), Ledger(1), offer.model)  # nobody writes to it
                self._boards.append(board)
                self._courses[offer.model] = Course(_Whole(store, offer.model, offer.alias), board, offer)

    @property
    def assignments(self) -> dict[str, Assignment]:
        """The assignment of each model that comes from a store."""
        return {model: course.assignment for model, course in self._courses.items()}

    def moved(self) -> bool:
        """Read the store; has any assignment changed."""
        try:
            moved = [course.turn() for course in self._courses.values()]
        except MlforgeError as error:
            if not self._silent:
                log.warning("aliases cannot be followed for now: %s", str(error).splitlines()[0])
            self._silent = True
            return False
        self._silent = False
        return any(assignment is not None for assignment in moved)

    def close(self) -> None:
        """Release the memory."""
        for board in self._boards:
            board.close()
