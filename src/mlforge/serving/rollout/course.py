"""The state machine of one model's rollouts in one server: which version its alias points at, which one answers meanwhile, and when a newcomer passes or fails.

alias moved ─▶ no canary: the newcomer serves at once
            └▶ canary: a share of the requests, step by step ─▶ it serves
                                     └▶ found worse, or cannot be opened: the alias goes back, with the reason
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mlforge.errors import MlforgeError
from mlforge.serving.offer import Offer
from mlforge.serving.rollout.assignment import Assignment
from mlforge.serving.rollout.board import INCUMBENT, NEWCOMER, Board
from mlforge.serving.rollout.versions import Versions

if TYPE_CHECKING:
    from mlforge.serving.rollout.trial import Trial
    from mlforge.store import Version

__all__ = ["Course"]

log = logging.getLogger(__name__)

_OPENING = 60.0  # seconds that workers have to open a newcomer
Tell = Callable[[str, str, dict[str, Any]], None]  # event, subject, details


class Course:
    """Derives the assignment from the store and from what workers count. `turn` is called a few times a second, in one process."""

    def __init__(self, versions: Versions, board: Board, serving: Offer, tell: Tell = lambda *_: None, clock: Callable[[], float] = time.monotonic) -> None:
        self._versions, self._board, self._tell, self._clock = versions, board, tell, clock
        self._generation = time.time_ns() // 1_000_000  # above those of a controller before
        self._serving = serving
        self._settings = versions.settings(versions.version(serving.version))
        self._steady = self._settings  # what holds again when a newcomer goes
        self._newcomer: Offer | None = None
        self._trial: Trial | None = None
        self._step = self._at_step = 0
        self._since = 0.0  # when the newcomer was told of
        self._seen = -1  # the store's newest entry when it was last looked at
        self._verified: dict[str, Offer | None] = {}
        self._missed: set[str] = set()  # fallbacks and shadows that the store does not have, as was told
        self._refused: int | None = None  # a version that cannot be opened while nobody may move the alias back
        self.assignment = self._stand()

    def turn(self) -> Assignment | None:
        """One step; the assignment, if it has changed."""
        newest, before = self._versions.newest(), self.assignment
        if newest == self._seen and self._newcomer is None:
            return None
        pointed = self._versions.pointed() if self._settings.follow else None
        if pointed is not None and pointed.version != (self._newcomer or self._serving).version:
            self._moved(pointed)
        elif self._newcomer is not None:
            self._judge()
        self._seen = newest
        self._tell_what_is_missing()
        now = self._stand()
        if now != before:
            self._generation += 1
            self.assignment = self._stand()
            return self.assignment
        return None

    def _moved(self, pointed: Version) -> None:
        """Follow the alias, which somebody has moved."""
        if pointed.version == self._refused:
            return
        self._newcomer, self._trial, self._settings = None, None, self._steady
        if pointed.version == self._serving.version:
            log.info("%s serves again; the rollout was called off", self._serving)
            return
        try:
            offer = self._versions.offer(pointed)
        except MlforgeError as error:
            self._back(pointed.version, f"it cannot be opened: {str(error).splitlines()[0]}")
            return
        settings = self._versions.settings(pointed)
        if settings.canary is not None and settings.canary.steps[0] < 1 and self._versions.promoted(pointed.version):
            from mlforge.serving.rollout.comparing import comparable
            from mlforge.serving.rollout.trial import Trial

            self._settings, self._newcomer, self._step, self._at_step = settings, offer, 0, 0
            self._since = self._clock()
            self._trial = Trial(settings.canary, comparable(self._serving, offer), incumbent=str(self._serving))
            log.info("%s gets %g %% of the requests; %s serves", offer, 100 * settings.canary.steps[0], self._serving)
        else:
            self._serve(offer, settings)

    def _serve(self, offer: Offer, settings: Any = None) -> None:
        log.info("%s serves; before, %s did", offer, self._serving.version)
        self._settings = self._steady = settings or self._settings
        self._serving, self._newcomer, self._trial = offer, None, None

    def _judge(self) -> None:
        """Test the newcomer on what was counted since the last step."""
        newcomer, trial, canary = self._newcomer, self._trial, self._settings.canary
        assert newcomer is not None
        assert trial is not None
        assert canary is not None
        if self._board.failed(self.assignment.generation):
            self._back(newcomer.version, "a worker could not open it")
            return
        if not trial.begun and not self._board.everybody(self.assignment.generation):
            if self._clock() - self._since > _OPENING:
                self._back(newcomer.version, f"not every worker could open it within {_OPENING:.0f} s")
        else:
            why = trial.look(self._board.figures(INCUMBENT), self._board.figures(NEWCOMER))
            if why is not None:
                self._back(newcomer.version, why)
            elif trial.answered - self._at_step >= canary.requests:
                self._onwards(newcomer, trial, canary.steps)

    def _onwards(self, newcomer: Offer, trial: Trial, steps: tuple[float, ...]) -> None:
        """Raise the newcomer's share to the next step; after the last one it serves."""
        self._step, self._at_step = self._step + 1, trial.answered
        if steps[self._step] < 1:
            trial.next_step()
            log.info("%s gets %g %% of the requests: no worse in %s", newcomer, 100 * steps[self._step], f"{trial.answered:,}")
        else:
            self._versions.settle(newcomer.version, f"no worse than {self._serving} in {trial.answered:,} requests")
            self._serve(newcomer)

    def _back(self, newcomer: int, why: str) -> None:
        """Point the alias back to the version that serves, with the reason."""
        self._newcomer, self._trial, self._settings = None, None, self._steady
        try:
            moved = self._versions.roll_back(newcomer, self._serving.version, why)
        except MlforgeError as error:
            self._refused = newcomer
            log.warning("%s %d does not serve: %s. The alias could not be moved back: %s", self._versions.model, newcomer, why, error)
            return
        if moved is not None:
            now, gone = moved
            log.warning("%s was rolled back, and %s serves: %s", gone, now, why)
            self._tell("rolled_back", str(now), now.details(self._serving.folder, self._versions.alias, before=gone.version, reason=why))

    def _stand(self) -> Assignment:
        canary = self._settings.canary
        share = canary.steps[self._step] if self._newcomer is not None and canary is not None else 0.0
        return Assignment(self._generation, self._serving, self._settings, self._newcomer, share, tuple(self._ladder()), self._shadow())

    def _tell_what_is_missing(self) -> None:
        """Once, in case a name is misspelt: who relies on a fallback must hear that there is none."""
        fallback, shadow = self._settings.fallback, self._settings.shadow
        for reference, what in ((fallback and fallback.model, "fallback"), (shadow and f"{self._versions.model}@{shadow.version}", "shadow")):
            if reference and reference not in self._missed and self._versions.found(reference) is None:
                self._missed.add(reference)
                log.warning("%s: the store has no %s, so that there is no such %s until it has one", self._versions.model, reference, what)

    def _ladder(self) -> list[Offer]:
        fallback = self._settings.fallback
        if fallback is None:
            return []
        wanted = [self._versions.before(self._serving.version) if fallback.previous else None]
        wanted.append(self._versions.found(fallback.model) if fallback.model else None)
        return [offer for version in wanted if version is not None and (offer := self._openable(version)) is not None]

    def _shadow(self) -> Offer | None:
        if self._settings.shadow is None:
            return None
        version = self._versions.found(f"{self._versions.model}@{self._settings.shadow.version}")
        return self._openable(version) if version is not None and version.version != self._serving.version else None

    def _openable(self, version: Version) -> Offer | None:
        """Its offer, verified once; None when it is damaged, which is logged once."""
        name = str(version)
        if name not in self._verified:
            try:
                self._verified[name] = self._versions.offer(version)
            except MlforgeError as error:
                log.warning("%s cannot be opened, and is no fallback or shadow: %s", version, str(error).splitlines()[0])
                self._verified[name] = None
        return self._verified[name]
