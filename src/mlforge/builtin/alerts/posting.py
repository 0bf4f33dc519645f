"""One message, posted: signed by who calls, tried again while that may help, and never led elsewhere."""

from __future__ import annotations

import http.client
import random
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from threading import Timer
from urllib.parse import urlsplit

from mlforge.builtin.alerts.reaching import allowed, connected
from mlforge.errors import RecipeError, RunFailed

__all__ = ["Post"]

_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST = 30.0  # seconds of waiting that a server may ask for
_READ = 2000  # bytes of an answer that are looked at


@dataclass(frozen=True)
class Post:
    """Where to, and how patiently."""

    url: str = field(repr=False)  # may hold a secret
    private: tuple[str, ...]
    tries: int = 4
    timeout: float = 10.0  # seconds for each attempt, whatever the server does
    wait: float = 1.0  # seconds before the second attempt; doubled before each further one
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def send(self, body: bytes, headers: Iterable[tuple[str, str]]) -> None:
        """Raise RunFailed when the last attempt has failed, or one in a way that more attempts do not mend."""
        host, port = self._where()
        for attempt in range(self.tries):
            asked = 0.0
            try:
                status, asked = self._once(host, port, body, headers)
            except (OSError, http.client.HTTPException, ssl.SSLError) as error:
                why = str(error) or type(error).__name__
            else:
                if 200 <= status < 300:
                    return
                why = f"it answered {status}" + (", which leads elsewhere, and is not followed" if 300 <= status < 400 else "")
                if status not in _AGAIN:
                    raise RunFailed(f"{host} did not take the alert: {why}")
            if attempt + 1 < self.tries:
                self.sleep(max(min(asked, _LONGEST), self.wait * 2**attempt * random.uniform(0.5, 1.0)))  # noqa: S311 - spreads attempts, hides nothing
        raise RunFailed(f"{host} did not take the alert in {self.tries} attempts: {why}")

    def _where(self) -> tuple[str, int]:
        try:
            parts = urlsplit(self.url)
            host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:
            host, port, parts = None, 0, urlsplit("")
        if not host or parts.scheme not in ("https", "http"):
            raise RecipeError("the address of an alert is no URL", hint="Write https://host/path.")
        if parts.username or parts.password:
            raise RecipeError(f"the address of an alert at {host} has a user in it, which is not sent", hint="Put a secret path into url_env.")
        if parts.scheme == "http" and not allowed(host, port, self.private):
            raise RecipeError(f"alerts go to {host} by https only", hint="Plain http is for hosts that the project lists under hosts.")
        return host, port

    def _once(self, host: str, port: int, body: bytes, headers: Iterable[tuple[str, str]]) -> tuple[int, float]:
        parts = urlsplit(self.url)
        raw = connected(host, port, self.private, self.timeout)
        watch = Timer(self.timeout, _cut, (raw,))  # a server that sends a byte now and then is cut off as well
        watch.start()
        try:
            plain = ssl.create_default_context().wrap_socket(raw, server_hostname=host) if parts.scheme == "https" else raw
            with closing(plain), closing(http.client.HTTPConnection(host, port)) as connection:
                connection.sock = plain
                path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                connection.request("POST", path, body, {"User-Agent": "mlforge", "Connection": "close", **dict(headers)})
                answer = connection.getresponse()
                answer.read(_READ)
                return answer.status, _seconds(answer.getheader("Retry-After"))
        finally:
            watch.cancel()
            watch.join()
            raw.close()


def _cut(raw: socket.socket) -> None:
    with suppress(OSError):
        raw.shutdown(socket.SHUT_RDWR)


def _seconds(text: str | None) -> float:
    return float(text) if text and text.isdigit() else 0.0
