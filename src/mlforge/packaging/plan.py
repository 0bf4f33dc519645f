"""What is packaged, and how it is to run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlforge.recipe import spelled
from mlforge.runtime.bundle import Bundle
from mlforge.signing import TrustedKey

__all__ = ["PORT", "Plan", "dns_name", "settings_of"]

PORT = 8080
_ELSEWHERE = frozenset({"host", "port", "grpc_port", "workers", "access", "log"})
_OF_A_SERVER = 160  # MiB of a worker with its interpreter and libraries, apart from the model


@dataclass(frozen=True, slots=True)
class Plan:
    """One version of a model in an image."""

    model: str
    version: int
    digest: str  # of the version's bundle, as the registry has it
    folder: Path  # the bundle
    bundle: Bundle
    image: str
    workers: int
    settings: tuple[str, ...] = ()  # of the recipe's key `serve`: "serve.slo.p99_ms=20"
    signature: str = ""  # under the bundle, where the project signs
    trusted: tuple[TrustedKey, ...] = ()  # whose signatures count in the image too

    @property
    def name(self) -> str:
        """As Kubernetes allows names."""
        return dns_name(self.model)

    @property
    def place(self) -> str:
        """Where the bundle lies in the image."""
        return f"/srv/models/{self.model}"

    @property
    def command(self) -> tuple[str, ...]:
        """What the container runs. It is reached within a pod's network, where TLS and keys are the affair of what stands in front of it."""
        listening = ("--host", "0.0.0.0", "--port", str(PORT), "--insecure")  # noqa: S104 - a pod's own address
        return ("mlforge", "serve", self.place, *listening, "--workers", str(self.workers), *self.settings)

    @property
    def memory(self) -> int:
        """MiB to ask for: every worker opens the model, whose weights onnxruntime may hold twice while it prepares them."""
        size = sum((self.folder / name).stat().st_size for name in self.bundle.files)
        return self.workers * (_OF_A_SERVER + -(-3 * size // 2**20))

    @property
    def secrets(self) -> tuple[str, ...]:
        """Variables of the environment that the bundle's protections read."""
        named = (getattr(rule, "variable", None) for rule in self.bundle.protections.values())
        return tuple(sorted({name for name in named if name}))


def settings_of(recorded: Mapping[str, Any]) -> tuple[str, ...]:
    """How the recipe has a model served, as the command line takes it; without where it listens and writes, which a container decides."""
    kept = {key: value for key, value in recorded.items() if key not in _ELSEWHERE}
    return tuple(_leaves(kept, "serve"))


def _leaves(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from _leaves(below, f"{path}.{key}")
    elif value is not None:
        yield spelled(path, value)


def dns_name(model: str) -> str:
    """Lower case letters, digits and dashes, 50 at most: what is appended must fit too."""
    plain = re.sub(r"[^a-z0-9]+", "-", model.lower()).strip("-")[:50].rstrip("-")
    return plain if plain and plain[0].isalpha() else f"model-{plain}".rstrip("-")
