"""A request that does not keep the protocol, or asks for what the model does not have."""

from __future__ import annotations

from mlforge.serving.http import Refused

__all__ = ["Malformed"]

_LONGEST = 2000  # characters of a message: names in it come from the client


class Malformed(Refused):
    """What is wrong with a request, in words for whoever sent it; answered 400 over HTTP, INVALID_ARGUMENT over gRPC."""

    def __init__(self, message: str) -> None:
        super().__init__(400, message if len(message) <= _LONGEST else message[:_LONGEST] + "…")
