"""A real server of the small bundles, in processes of its own, and the plainest client there is."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.serving.v2.bundles import cells, matrix, mixed

__all__ = ["Answer", "Server", "running"]

_CODE = """
import sys
from dataclasses import replace
from pathlib import Path
from mlforge.service.serve import Serve
from mlforge.serving.address import listen
from mlforge.serving.grpc.listening import reserved
from mlforge.serving.supervisor import Supervisor
from mlforge.serving.offer import Offer
from mlforge.serving.plan import Plan
folder, settings = Path(sys.argv[1]), Serve.model_validate_json(sys.argv[2])
versions = {"mixed": 3, "matrix": 0, "cells": 1}
listener, url = listen("127.0.0.1", 0)
kept = reserved("127.0.0.1", 0)
grpc = kept.getsockname()[1]
offers = [Offer(name, version, f"{version:064d}", folder / name) for name, version in versions.items()]
plan = Plan.made(offers, settings.model_copy(update={"grpc_port": grpc}), 2)
plan = replace(plan, boards={})  # no store, and so nobody who says which version is to answer
Supervisor(plan, listener, lambda: print(listener.getsockname()[1], grpc, flush=True)).run()
"""


@dataclass(frozen=True)
class Answer:
    """A response."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    @property
    def json(self) -> Any:
        """The body, or what of it is JSON when binary tensors follow."""
        length = self.headers.get("inference-header-content-length")
        return json.loads(self.body if length is None else self.body[: int(length)])

    @property
    def error(self) -> str:
        """What an error says; the form of an error is checked."""
        told = self.json
        assert list(told) == ["error"], told
        assert isinstance(told["error"], str)
        return str(told["error"])


@dataclass
class Server:
    """A server that runs."""

    port: int
    grpc_port: int
    process: subprocess.Popen[str]

    @property
    def address(self) -> str:
        """Host and port of HTTP."""
        return f"127.0.0.1:{self.port}"

    @property
    def grpc(self) -> str:
        """Host and port of gRPC."""
        return f"127.0.0.1:{self.grpc_port}"

    def ask(self, method: str, path: str, body: bytes | object = None, **headers: str) -> Answer:
        """One request; a body that is not bytes is sent as JSON. Underscores in names of headers stand for hyphens."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
            connection.request(method, path, sent, {name.replace("_", "-"): value for name, value in headers.items()})
            got = connection.getresponse()
            return Answer(got.status, {name.lower(): value for name, value in got.getheaders()}, got.read())
        finally:
            connection.close()

    @property
    def alive(self) -> bool:
        """Has it not ended."""
        return self.process.poll() is None


@contextmanager
def running(**settings: object) -> Iterator[Server]:
    """A server of `mixed` (version 3), `matrix` (of a folder, without versions) and `cells` (version 1)."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for make in (mixed, matrix, cells):
            make(folder / make.__name__)
        asked = json.dumps({"workers": 2, "threads": 1, **settings})
        command = [sys.executable, "-c", _CODE, str(folder), asked]
        log = (folder / "log").open("w+")
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
        try:
            yield Server(*_ports(process, folder / "log"), process)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
            assert process.stdout is not None
            process.stdout.close()
            log.close()


def _ports(process: subprocess.Popen[str], log: Path) -> tuple[int, int]:
    """Where the server listens, once it is ready."""
    assert process.stdout is not None
    said = process.stdout.readline().split()  # nothing when it has ended
    if len(said) != 2:
        raise AssertionError(f"the server ended: {log.read_text()[-2000:]}")
    return int(said[0]), int(said[1])
