"""The server, as far as a run depends on it: not at all. Every call is bounded in time, and after the first that fails none is made."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from mlforge.errors import RunFailed, Vetoed
from mlforge.secrets import remember_passwords

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from mlforge_mlflow.settings import Settings

__all__ = ["Server", "Untracked"]

_TRIES = 1  # after the first
_LONGEST = 200  # characters of what a client says of a failed request
_QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}


class Untracked(RunFailed):
    """Something could not be sent; a run goes on without it."""


@dataclass
class Server:
    """One server during one run."""

    uri: str
    timeout: float  # s
    required: bool = False
    gone: bool = False  # it failed once: nothing more is sent to it

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The server that the environment names, else the project."""
        uri = os.environ.get("MLFLOW_TRACKING_URI") or settings.uri
        assert uri is not None, "nobody named a server"
        remember_passwords(uri)
        return cls(uri, settings.timeout, settings.required)

    def attempt(self, work: Callable[[MlflowClient], None]) -> None:
        """Do something with the server. Untracked when it fails, and Vetoed where tracking is required; nothing at all when it has failed before."""
        if self.gone:
            return
        try:
            with self._bounded():
                self._knock()
                from mlflow import MlflowClient

                work(MlflowClient(tracking_uri=self.uri, registry_uri=os.environ.get("MLFLOW_REGISTRY_URI") or self.uri))
        except Exception as error:
            self.gone = not _answered(error)
            said = f"{self.uri} {'refused' if _answered(error) else 'did not answer'}: {' '.join(str(error).split())[:_LONGEST]}"
            if self.required:
                raise Vetoed(f"this run cannot be tracked: {said}", hint="Start the server, or set required = false.") from error
            raise Untracked(
                said, hint="" if _answered(error) else "Nothing more is sent now; once it is back, the same command sends what is missing."
            ) from error

    def _knock(self) -> None:
        """Is anybody there? MLflow's client would try for minutes."""
        parts = urlsplit(self.uri)
        if parts.scheme in ("http", "https") and parts.hostname:
            port = parts.port or (443 if parts.scheme == "https" else 80)
            socket.create_connection((parts.hostname, port), timeout=self.timeout).close()

    @contextmanager
    def _bounded(self) -> Iterator[None]:
        """MLflow reads its limits from the environment; what a person has set there stays."""
        limits = {"MLFLOW_HTTP_REQUEST_TIMEOUT": f"{max(1, round(self.timeout))}", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": f"{_TRIES}", **_QUIET}
        mine = {name: value for name, value in limits.items() if name not in os.environ}
        os.environ.update(mine)
        retries = logging.getLogger("urllib3.connectionpool")  # which would tell of each try
        before = retries.level
        retries.setLevel(logging.ERROR)
        try:
            yield
        finally:
            retries.setLevel(before)
            for name in mine:
                os.environ.pop(name, None)


def _answered(error: Exception) -> bool:
    """Did the server answer, so that it is worth asking again?"""
    answer = getattr(error, "get_http_status_code", None)
    return type(error).__name__ == "RestException" and answer is not None and answer() < 500
