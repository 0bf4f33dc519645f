"""All races, one after the other: `make bench`. Peers take part where they are installed (see benchmarks/README.md)."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version

import ingest
import overhead
import startup
import training
import unchanged


def main() -> None:
    libraries = ("torch", "pytorch-lightning", "hydra-core", "polars", "onnxruntime", "sqlalchemy", "pydantic")
    print(f"{os.cpu_count()} cores, {platform.platform()}, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}")
    print(", ".join(f"{name} {version(name)}" for name in ("mlforge", *libraries)))
    for bench in (startup, unchanged, ingest, overhead, training):
        bench.main()


if __name__ == "__main__":
    main()
