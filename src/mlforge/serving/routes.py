"""The routing table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from mlforge.serving.http import Refused, Request, Response

__all__ = ["Endpoint", "Route", "Routes"]

Endpoint = Callable[[Request], Awaitable[Response]]
_NONE: Mapping[str, str] = {}
_REMEMBERED = 1024  # paths
_LONGEST = 256  # characters of a path that is remembered


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path, whose segments may be left open: `/models/{model}/predict`."""

    method: str
    path: str
    endpoint: Endpoint
    scope: str = "predict"  # who may: open, predict, feedback or admin
    name: str = ""  # under which it is counted; the path when empty

    @property
    def counted(self) -> str:
        """The name under which it is counted."""
        return self.name or self.path


class Routes:
    """All routes. Paths without open segments are found at once, the others by their number of segments."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.all = tuple(routes)
        self._exact: dict[str, dict[str, Route]] = {}
        self._seen: dict[str, tuple[dict[str, Route], Mapping[str, str]]] = {}  # paths that were matched; they are the same ones again and again
        self._open: dict[int, list[tuple[tuple[str, ...], dict[str, Route]]]] = {}
        for route in self.all:
            self._methods(route.path)[route.method] = route

    def _methods(self, path: str) -> dict[str, Route]:
        if "{" not in path:
            return self._exact.setdefault(path, {})
        segments = tuple(path.split("/"))
        alike = self._open.setdefault(len(segments), [])
        known = next((methods for other, methods in alike if other == segments), None)
        if known is None:
            known = {}
            alike.append((segments, known))
        return known

    def find(self, method: str, path: str) -> tuple[Route, Mapping[str, str]]:
        """The route for a request, and what its path leaves open. Raises Refused: 404 for an unknown path, 405 for another method."""
        methods, params = self._exact.get(path), _NONE
        if methods is None:
            methods, params = self._seen.get(path) or self._noted(path)
        route = methods.get(method) or (methods.get("GET") if method == "HEAD" else None)
        if route is None:
            allowed = ", ".join(sorted(methods))
            raise Refused(405, f"{method[:20]} is not for {path[:100]}; {allowed} was expected", (("allow", allowed),))
        return route, params

    def _noted(self, path: str) -> tuple[dict[str, Route], Mapping[str, str]]:
        found = self._matched(path)
        if len(path) <= _LONGEST:
            if len(self._seen) >= _REMEMBERED:
                self._seen.clear()
            self._seen[path] = found
        return found

    def _matched(self, path: str) -> tuple[dict[str, Route], Mapping[str, str]]:
        segments = path.split("/")
        for pattern, methods in self._open.get(len(segments), ()):
            if all(have == want or want[:1] == "{" for have, want in zip(segments, pattern, strict=True)):
                return methods, {want[1:-1]: unquote(have) for have, want in zip(segments, pattern, strict=True) if want[:1] == "{"}
        raise Refused(404, f"there is nothing at {path[:100]}; /docs tells what there is")
