"""GET /openapi.json and /docs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import mlforge
from mlforge.serving.context import WorkerContext
from mlforge.serving.docs_page import docs_page
from mlforge.serving.http import Request, Response, reply_json
from mlforge.serving.routes import Route

__all__ = ["routes"]

_HTML = (("content-type", "text/html; charset=utf-8"), ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'"))


def routes(context: WorkerContext) -> Iterable[Route]:
    """The description is made when it is asked for: it follows the versions that are served."""

    async def described(request: Request) -> Response:
        return reply_json(_description(context))

    async def page(request: Request) -> Response:
        return Response(200, docs_page(_description(context), [served.lane.engine for served in context.models]).encode(), _HTML)

    return (Route("GET", "/openapi.json", described, "open"), Route("GET", "/docs", page, "open"))


def _description(context: WorkerContext) -> dict[str, Any]:
    from mlforge.serving.app import ENDPOINTS  # not when this is imported: it is one of them

    paths: dict[str, Any] = {}
    for module in ENDPOINTS:
        if (describe := getattr(module, "paths", None)) is not None:
            paths |= describe(context)
    names = ", ".join(served.name for served in context.models)
    schemes = {"bearer": {"type": "http", "scheme": "bearer"}, "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}}
    guarded: dict[str, Any] = {"security": [{"bearer": []}, {"key": []}]} if context.settings.access.keys is not None else {}
    return {
        "openapi": "3.1.0",
        "info": {"title": f"mlforge: {names}", "version": mlforge.__version__, "description": "Predictions for raw rows, checked by the model's contract."},
        "paths": paths,
        "components": {"schemas": {"Error": _ERROR}, **({"securitySchemes": schemes} if guarded else {})},
        **guarded,
    }


_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {"type": "string", "description": "what is wrong, and what was expected"},
        "rows": {
            "type": "array",
            "description": "the rows that break the contract, the first hundred",
            "items": {"type": "object", "properties": {"row": {"type": "integer"}, "reason": {"type": "string"}}},
        },
        "rejected": {"type": "integer", "description": "how many rows break it"},
    },
}
