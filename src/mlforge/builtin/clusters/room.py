"""Where the ranks of one command wait for its rank 0: a torch store that all of them reach. Imports torch."""

from __future__ import annotations

import atexit
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, Self

import torch.distributed as dist

from mlforge.components import Place
from mlforge.errors import RunFailed

__all__ = ["Room"]

_LOOK = 0.2  # seconds between two looks whether there is something new
_CONNECT = 300.0  # seconds in which rank 0 must have come
_GOODBYE = 30.0  # seconds in which the others must have heard how it ended
_LAST_WORDS = 5.0  # seconds in which rank 0 must have said why, after that
_AGENT = "TORCHELASTIC_USE_AGENT_STORE"


class Room:
    """The room. Rank 0 says one thing after the other, the others take them in turn; the processes of a fit meet in the same store."""

    def __init__(self, store: Any, place: Place) -> None:
        self._store, self.place, self._heard = store, place, 0

    @classmethod
    def entered(cls, place: Place) -> Self:
        """The room of this command, at MASTER_ADDR and MASTER_PORT: torchrun has opened it, or rank 0 does. Raises RunFailed when it does not answer."""
        hosts = place.first and os.environ.get(_AGENT) != "True"
        address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
        try:
            store = dist.TCPStore(  # type: ignore[attr-defined]  # exported, though not in its stubs' list
                address, port, is_master=hosts, wait_for_workers=False, timeout=timedelta(seconds=_CONNECT), multi_tenant=hosts
            )
        except (dist.DistError, RuntimeError, OSError) as error:
            raise RunFailed(f"rank {place.rank} does not reach rank 0 at {address}:{port}: {str(error).strip().splitlines()[0][:200]}") from None
        os.environ[_AGENT] = "True"  # the store is there: whoever starts a process group uses it
        return cls(dist.PrefixStore(f"mlforge/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", store), place)  # type: ignore[attr-defined]

    def say(self, what: Mapping[str, str | int]) -> None:
        """Rank 0 says something to all others."""
        number = self._store.add("said", 1)
        self._store.set(f"said-{number}", json.dumps(dict(what)))

    def hear(self) -> dict[str, Any]:
        """The next thing that rank 0 says, whenever that is. Raises RunFailed when rank 0 is gone."""
        self._heard += 1
        key = f"said-{self._heard}"
        try:
            while not self._store.check([key]):
                time.sleep(_LOOK)
            said: dict[str, Any] = json.loads(self._store.get(key))
        except (dist.DistError, RuntimeError) as error:
            raise RunFailed(f"rank {self.place.rank} has lost rank 0") from error
        return said

    def leave(self, *, wait: bool = True) -> None:
        """Any other rank has heard how it ended, or is stopped.

        With `wait` it goes when rank 0 has gone, or soon: a launcher ends all when one ends with an error.
        """
        deadline = time.monotonic() + (_LAST_WORDS if wait else 0.0)
        with suppress(dist.DistError, RuntimeError):
            self._store.add("left", 1)
            while not self._store.check(["gone"]) and time.monotonic() < deadline:
                time.sleep(_LOOK / 4)

    def close(self, code: int) -> None:
        """Rank 0 says how it ended, and stays until the others have heard it."""
        self.say({"end": code})
        atexit.register(self._store.add, "gone", 1)
        deadline = time.monotonic() + _GOODBYE
        while self._store.add("left", 0) < self.place.world - 1 and time.monotonic() < deadline:
            time.sleep(_LOOK / 4)
