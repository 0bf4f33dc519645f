"""The models of a server, by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator

from mlforge.errors import nearest
from mlforge.serving.batcher import Answer
from mlforge.serving.http import Refused
from mlforge.serving.lane import Lane
from mlforge.serving.request_rows import RequestRows

__all__ = ["Models", "Served"]


class Served:
    """One model. `lane` is the version that answers now: read it once a request; a swap is one assignment."""

    def __init__(self, name: str, lane: Lane) -> None:
        self.name, self.lane = name, lane
        self.choose: Callable[[str | None], Lane] = self._same  # which lane answers, by the request's key
        self.key_header: str | None = None  # the header that has the key
        self.by_load: Callable[[Lane, RequestRows], tuple[Lane, RequestRows]] | None = None  # the lane once more, by what is in the rows
        self.ask: Callable[[Lane, RequestRows, str, float], Awaitable[tuple[Lane, Answer]]] = self._asked  # the answer, and the lane that gave it

    def _same(self, key: str | None) -> Lane:
        return self.lane

    async def _asked(self, lane: Lane, load: RequestRows, ident: str, deadline: float) -> tuple[Lane, Answer]:
        return lane, await lane.ask(load, ident, deadline)


class Models:
    """The models of a server, by name."""

    def __init__(self, served: Iterable[Served]) -> None:
        self._served = {one.name: one for one in served}

    def __iter__(self) -> Iterator[Served]:
        return iter(self._served.values())

    def __len__(self) -> int:
        return len(self._served)

    def __contains__(self, name: str) -> bool:
        return name in self._served

    def named(self, name: str) -> Served:
        """A model. Raises Refused when the server has none of that name."""
        if name not in self._served:
            raise Refused(404, f"there is no model {name[:60]!r} here. {nearest(name[:60], self._served) or 'There is ' + ', '.join(self._served)}")
        return self._served[name]

    def single(self, what: str) -> Served:
        """The only model. Raises Refused when there are several, naming where each is asked."""
        if len(self._served) != 1:
            names = ", ".join(f"/models/{name}/{what}" for name in self._served)
            raise Refused(404, f"several models are served here: ask {names[:300]}")
        return next(iter(self._served.values()))

    @property
    def only(self) -> Served | None:
        """The model, where there is one."""
        return next(iter(self._served.values())) if len(self._served) == 1 else None
