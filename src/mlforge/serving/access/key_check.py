"""The application's hook that checks a request's key."""

from __future__ import annotations

from collections.abc import Callable

from mlforge.service.access import Access
from mlforge.serving.access.guard import Guard
from mlforge.serving.http import Request, Response, problem
from mlforge.serving.routes import Route

__all__ = ["key_check"]


def key_check(access: Access) -> Callable[[Request, Route], Response | None] | None:
    """A hook that refuses requests without the key that their route requires; None when no keys are required. Raises RecipeError for a file of
    something else.
    """
    guard = Guard.of(access)
    if guard is None:
        return None

    def check(request: Request, route: Route) -> Response | None:
        refusal = guard.check(route.scope, request.headers.get("authorization"), request.headers.get("x-api-key"))
        return None if refusal is None else problem(refusal.status, refusal.message, refusal.headers)

    return check
