"""The house's part in monitoring: it has a warden put counts together, tells it who answers, and passes on to workers what /metrics is to say."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

from mlforge.serving.aide import Aide
from mlforge.serving.plan import Plan
from mlforge.serving.watch.kind import KIND
from mlforge.serving.watch.outfit import Outfit

if TYPE_CHECKING:
    from mlforge.serving.house import House
    from mlforge.serving.watch.warden import Served, Tell
    from mlforge.store import Store

__all__ = ["Watch"]


class Watch:
    """What monitors need besides the workers. `begin` before the house runs; `tick` is one of its tickers."""

    def __init__(self, outfit: Outfit, store: Store, plan: Plan, tell: Tell) -> None:
        self._outfit, self._store, self._tell = outfit, store, tell
        self._late = plan.settings.deadline + outfit.settings.seconds
        self._serving: list[Served] = []
        self._aide = Aide("mlforge-warden", self._guard, [outfit.inlet.fileno()])

    def begin(self, house: House) -> None:
        """Start the warden, if there is anything to watch by now."""
        self._store.close()  # SQLite bears no fork with an open connection; the warden opens its own
        self._serving = _served(house)
        if self._serving:
            self._aide.start()
        house.tickers.append(self.tick)

    def tick(self, house: House) -> None:
        """Pass on what is to be passed on; replace a warden that is gone."""
        if (serving := _served(house)) != self._serving:
            self._serving = serving
            self._aide.say(json.dumps(serving).encode())
        if not self._aide.begun and self._outfit.meters.rows.total():
            self._aide.start()
        for line in self._aide.heard():
            house.tell(KIND, json.loads(line))

    def _guard(self, line: socket.socket) -> None:
        from mlforge.serving.watch.warden import Warden

        Warden(self._outfit, self._store, line, self._late, self._tell).work(self._serving)

    def end(self) -> None:
        """It goes when nobody listens to it any more, with all that workers have sent."""
        self._aide.end()
        self._outfit.close()


def _served(house: House) -> list[Served]:
    return [(one.model, one.version, str(one.reference)) for one in house.plan.offers if one.reference is not None]
