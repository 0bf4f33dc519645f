"""Building blocks of the OpenAPI description."""

from __future__ import annotations

from typing import Any

__all__ = ["answered", "failures", "operation"]

_WHY = {
    400: "the request, or one of its rows, is wrong: the error says which and why",
    401: "a key is needed, or the one given is not known",
    403: "the key is not for this",
    404: "there is no such model or path",
    406: "no answer of that media type",
    408: "the request did not arrive in time",
    413: "the request is too large",
    415: "a body of that media type is not read",
    422: "the model fails on these rows",
    503: "more requests than can be answered in time, or not ready; Retry-After says when to come again",
    504: "no answer within the deadline",
}


def failures(*codes: int) -> dict[str, Any]:
    """Responses for errors: each is {"error": …}."""
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {str(code): {"description": _WHY[code], "content": content} for code in codes}


def answered(about: str, schema: dict[str, Any], media: str = "application/json") -> dict[str, Any]:
    """The successful response."""
    return {"200": {"description": about, "content": {media: {"schema": schema}}}}


def operation(ident: str, summary: str, responses: dict[str, Any], *, tag: str, is_open: bool = False, **more: Any) -> dict[str, Any]:
    """What a method of a path does; `is_open` when nobody needs a key for it."""
    return {"operationId": ident, "summary": summary, "tags": [tag], **more, "responses": responses, **({"security": []} if is_open else {})}
