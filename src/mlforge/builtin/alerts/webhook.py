"""Alerts as signed HTTP requests."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Iterable
from typing import Self

from pydantic import Field, model_validator

from mlforge.builtin.alerts.posting import Post
from mlforge.builtin.alerts.variables import held
from mlforge.components import Alert, Notice, Variable
from mlforge.errors import MissingRequirement

__all__ = ["Webhook"]

_PREFIX = "whsec_"


class Webhook(Alert):
    """Posts alerts as JSON to a URL, signed as Standard Webhooks are, tried again while the receiver is not there.

    A receiver checks `webhook-signature` over `webhook-id.webhook-timestamp.body` with the secret (HMAC-SHA256), and takes an id that it knows for the same
    news.
    Nothing is followed elsewhere. Hosts in private networks, and plain http, are for the project to allow.
    """

    url: str | None = Field(default=None, description="where to, by https; or give url_env")
    url_env: Variable | None = Field(default=None, description="environment variable with the URL, where it is a secret; the project must allow it")
    secret_env: Variable | None = Field(default=None, description="environment variable with the secret that signs, as text or whsec_…; none: unsigned")
    tries: int = Field(default=4, ge=1, le=10, description="attempts, each waiting twice as long as the one before")
    timeout: float = Field(default=10.0, gt=0, le=60, description="seconds for each attempt")

    @model_validator(mode="after")
    def _one_url(self) -> Self:
        if (self.url is None) == (self.url_env is None):
            raise ValueError("give the URL by url or by url_env")
        return self

    def send(self, notice: Notice, private: Iterable[str]) -> None:
        """Post it."""
        body = json.dumps(self.body(notice), ensure_ascii=False, sort_keys=True).encode()
        headers = [("Content-Type", "application/json"), *self._signed(notice.key, body, int(time.time()))]
        Post(self.url or held(str(self.url_env)), tuple(private), self.tries, self.timeout).send(body, headers)

    def body(self, notice: Notice) -> dict[str, object]:
        """What is posted."""
        return {"type": f"mlforge.alert.{notice.state}", "headline": notice.headline, **notice.model_dump(mode="json")}

    def _signed(self, key: str, body: bytes, when: int) -> list[tuple[str, str]]:
        told = [("webhook-id", key), ("webhook-timestamp", str(when))]
        if self.secret_env is None:
            return told
        made = hmac.new(_secret(self.secret_env), f"{key}.{when}.".encode() + body, hashlib.sha256).digest()
        return [*told, ("webhook-signature", "v1," + base64.b64encode(made).decode())]


def _secret(name: str) -> bytes:
    text = held(name)
    if not text.startswith(_PREFIX):
        return text.encode()
    try:
        return base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise MissingRequirement(f"the environment variable {name} begins with {_PREFIX}, and what follows is not base64") from None
