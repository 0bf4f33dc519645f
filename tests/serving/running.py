"""A real server for tests: `mlforge serve` in a process of its own, on a free port, stopped by whoever started it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Running", "announced", "serving", "until", "workers_of"]

_START = 60.0


@dataclass
class Running:
    """A server that runs."""

    url: str
    process: subprocess.Popen[str]
    said: list[str]  # lines of its stdout until it was ready
    log: Path  # its stderr

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def ask(
        self, path: str, body: Any = None, *, method: str | None = None, headers: dict[str, str] | None = None, timeout: float = 30.0
    ) -> tuple[int, Any, Any]:
        """Status, decoded JSON (or bytes) and headers of one request; a body that is no bytes goes as JSON."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        kind = {"content-type": "application/json"} if data is not None else {}
        request = urllib.request.Request(self.url + path, data, {**kind, **(headers or {})}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as response:
                status, content, told = response.status, response.read(), response.headers
        except urllib.error.HTTPError as error:
            status, content, told = error.code, error.read(), error.headers
        is_json = (told.get("content-type") or "").startswith("application/json")
        return status, json.loads(content) if is_json and content else content, told

    def workers(self) -> list[int]:
        """Process ids of its workers."""
        return workers_of(self.process)

    def sidecar(self, name: str) -> int | None:
        """The process of this name beside its workers: `mlforge-control` where a model comes from a store, `mlforge-shadow` where one has a shadow,
        `mlforge-monitor` where one has monitors."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return next((int(child) for child in children if _name(int(child)) == name), None)

    def stop(self, timeout: float = 30.0) -> int:
        """End it as an init system does; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)


def _name(process: int) -> str:
    try:
        return Path(f"/proc/{process}/comm").read_text().strip()
    except OSError:  # it has ended meanwhile
        return ""


@contextmanager
def serving(*arguments: str | Path, cwd: Path | None = None, **env: str) -> Iterator[Running]:
    """`mlforge serve ARGUMENTS --port 0` until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="mlforge-serving-") as folder:
        log = Path(folder) / "stderr"
        with log.open("w") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-P", "-c", "from mlforge.cli import main; main()", "serve", *map(str, arguments), "--port", "0"],
                cwd=cwd or folder, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=stderr, text=True, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        try:
            yield announced(process, log)
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
            process.wait(10)
            assert process.stdout is not None
            process.stdout.close()


def workers_of(server: subprocess.Popen[str]) -> list[int]:
    """Process ids of a server's workers: what stands beside them has a name of its own."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    return [int(child) for child in children if not _name(int(child)).startswith("mlforge-")]


def announced(process: subprocess.Popen[str], log: Path, seconds: float = _START) -> Running:
    """The server, once it has said where it listens."""
    assert process.stdout is not None
    said: list[str] = []
    until_then = time.monotonic() + seconds
    while time.monotonic() < until_then and (line := process.stdout.readline()):  # the server closes it when it ends
        said.append(line.rstrip("\n"))
        if found := re.search(r"https?://\S+:\d+", line):
            return Running(found[0], process, said, log)
    raise AssertionError(f"the server did not start: {said} {log.read_text()[-3000:]}")


def until(condition: Callable[[], Any], seconds: float = 10.0, every: float = 0.02) -> Any:
    """What the condition says as soon as it says something; an error when it never does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(every)
    raise AssertionError(f"not within {seconds:g} s: {condition}")
