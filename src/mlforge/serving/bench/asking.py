"""A server that runs already: is it there, and does it serve the model."""

from __future__ import annotations

import http.client
import json
import os
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mlforge.errors import DataError, MissingRequirement, RecipeError, nearest

__all__ = ["Address"]

_PATIENCE = 10.0  # seconds for one answer


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is, and the variable of the environment with the key that it wants."""

    host: str
    port: int
    tls: bool = False
    prefix: str = ""
    key_env: str = ""

    @classmethod
    def of(cls, url: str, key_env: str = "") -> Address:
        """Raises RecipeError when that is no address, or the variable is not set."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise RecipeError(f"--url: {url!r} is no address: {error}") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
            raise RecipeError(f"--url: {url!r} is no address of a server", hint="Write it as http://127.0.0.1:8080.")
        if key_env and not os.environ.get(key_env):
            raise RecipeError(f"--key-env: the variable {key_env} is not set")
        tls = parts.scheme == "https"
        return cls(parts.hostname, port or (443 if tls else 80), tls, parts.path.rstrip("/"), key_env)

    def __str__(self) -> str:
        return f"http{'s' * self.tls}://{self.host}:{self.port}{self.prefix}"

    def path(self, model: str) -> str:
        """Where a model is asked."""
        return f"{self.prefix}/models/{model}/predict"

    def version(self, model: str) -> int | None:
        """The version that answers there. Raises MissingRequirement when nobody listens, RecipeError when the model is not served."""
        status, told = self._asked("GET", f"{self.prefix}/models")
        if status in (401, 403):
            raise RecipeError(f"{self} wants a key ({status})", hint="Put it into a variable of the environment and name that: --key-env MLFORGE_KEY.")
        found = told.get("models") if status == 200 else None
        if not isinstance(found, list):
            raise RecipeError(f"{self} answers {status} to GET /models, as no mlforge server does")
        served = {str(one.get("name")): one.get("version") for one in found if isinstance(one, dict)}
        if model not in served:
            raise RecipeError(f"{self} does not serve {model}; it serves {', '.join(sorted(served)[:10]) or 'nothing'}", hint=nearest(model, served))
        return served[model]

    def tried(self, model: str, body: str) -> None:
        """Ask once. Raises DataError when that is not answered 200: load of such requests would measure nothing."""
        status, told = self._asked("POST", self.path(model), body)
        if status != 200:
            raise DataError(f"{self} answers {status} to the first request: {str(told.get('error', ''))[:300]}")

    def _asked(self, method: str, path: str, body: str | None = None) -> tuple[int, dict[str, Any]]:
        kind = http.client.HTTPSConnection if self.tls else http.client.HTTPConnection
        connection = kind(self.host, self.port, timeout=_PATIENCE)
        headers = {"content-type": "application/json"} if body else {}
        headers |= {"authorization": f"Bearer {os.environ[self.key_env]}"} if self.key_env else {}
        try:
            with suppress(BrokenPipeError, ConnectionResetError):  # what is too large is answered before it was read, and the answer says so
                connection.request(method, path, body, headers)
            response = connection.getresponse()
            content = response.read(1024**2)
        except ssl.SSLError as error:
            raise RecipeError(f"{self}: {error.reason or error}", hint="SSL_CERT_FILE names the certificate of an authority that is not known here.") from None
        except (OSError, http.client.HTTPException) as error:
            raise MissingRequirement(
                f"nothing that speaks HTTP answers at {self}: {error}", hint="Without --url, mlforge bench starts a server of its own."
            ) from None
        finally:
            connection.close()
        try:
            told = json.loads(content)
        except ValueError:
            told = None
        return response.status, told if isinstance(told, dict) else {}
