"""A server for rehearsals and for load: `mlforge serve` over a store of its own, on a free port of this machine."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlforge.errors import RunFailed

__all__ = ["Server", "started", "until"]

_START = 60.0
_SAYS = re.compile(r"http://127\.0\.0\.1:(\d+)")


@dataclass(frozen=True, slots=True)
class Server:
    """One that runs."""

    process: subprocess.Popen[str]
    port: int
    model: str

    def predict(self, row: Mapping[str, Any], timeout: float = 30.0) -> tuple[int, dict[str, Any]]:
        """Status and answer for one row. Raises OSError when the connection breaks."""
        return self._asked("POST", f"/models/{self.model}/predict", json.dumps({"rows": [row]}), timeout)

    def ready(self) -> bool:
        """Is every worker ready."""
        return self._asked("GET", "/health/ready", None, 5.0)[0] == 200

    def workers(self) -> set[int]:
        """Process ids of its workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return {int(child) for child in children if not _name(child).startswith("mlforge-")}

    def _asked(self, method: str, path: str, body: str | None, timeout: float) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, {"content-type": "application/json"} if body else {})
            response = connection.getresponse()
            content = response.read()
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error
        finally:
            connection.close()
        told = json.loads(content) if content.startswith(b"{") else {}
        return response.status, told


@contextmanager
def started(model: str, store: Path, workers: int | None = None) -> Iterator[Server]:
    """Serve a model of a store until the end of the block, with as many workers as its recipe says where no number is given.

    Raises RunFailed when the server does not start.
    """
    command = [sys.executable, "-P", "-m", "mlforge", "serve", f"{model}@champion", "--store", str(store), "--port", "0"]
    command += [] if workers is None else ["--workers", str(workers)]
    (store / "mlforge.toml").touch()  # a project of its own: what is copied here was verified where it came from
    with (store / "server.log").open("w+") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, stdin=subprocess.DEVNULL, cwd=store)
        assert process.stdout is not None
        try:
            port = _port(process)
            if port is None:
                log.seek(0)
                raise RunFailed(f"the server did not start: {log.read()[-1000:].strip()}", hint=f"Try: mlforge serve {model}")
            yield Server(process, port, model)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()


def _port(process: subprocess.Popen[str]) -> int | None:
    assert process.stdout is not None
    end = time.monotonic() + _START
    while time.monotonic() < end and (line := process.stdout.readline()):
        if (found := _SAYS.search(line)) is not None:
            return int(found[1])
    return None


def _name(process: str) -> str:
    try:
        return Path(f"/proc/{process}/comm").read_text().strip()
    except OSError:  # it has ended meanwhile
        return ""


def until(condition: Callable[[], bool], seconds: float) -> float | None:
    """Seconds until the condition holds; None when it does not within so many."""
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        try:
            if condition():
                return time.monotonic() - begun
        except OSError:  # a connection that broke: it does not hold yet
            pass
        time.sleep(0.01)
    return None
