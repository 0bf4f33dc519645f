"""What importing a module costs, measured in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["HEAVY", "Import", "imported"]

HEAVY = frozenset(
    {
        "catboost", "datasets", "deltalake", "fastexcel", "jax", "lightgbm", "matplotlib", "mlflow", "numba", "onnx", "onnxruntime", "onnxscript", "optuna",
        "pandas", "pandera", "polars", "pyarrow", "pyiceberg", "pytorch_lightning", "ray", "scipy", "sklearn", "sqlalchemy", "tensorflow", "torch",
        "torchmetrics", "torchvision", "transformers", "xgboost",
    }
)  # fmt: skip
"""Libraries that take longer to import than a whole check of a recipe."""

_TRIES = 4  # a busy machine is not the module's fault: the best counts
_ENOUGH, _WAITED = 0.03, 0.3  # seconds of work, and of waiting, below which no further try is needed
_PROGRAM = """
import json, sys, time
sys.path[:] = json.loads(sys.argv[2])
import mlforge.components, mlforge.hookspecs, typing
before = set(sys.modules)
start, busy = time.perf_counter(), time.process_time()
__import__(sys.argv[1])
busy, whole = time.process_time() - busy, time.perf_counter() - start
print(json.dumps([busy, whole - busy, sorted({name.partition(".")[0] for name in set(sys.modules) - before})]))
"""


@dataclass(frozen=True, slots=True)
class Import:
    """What one import came to, beyond what mlforge has imported anyway to read a recipe."""

    seconds: float  # of work: the best of a few tries
    waited: float  # seconds in which it did nothing; on a busy machine, others did
    heavy: tuple[str, ...]  # libraries that came along
    error: str = ""  # why it cannot be imported


@lru_cache(maxsize=256)
def imported(module: str) -> Import:
    """Import a module afresh, with this process's path."""
    best, waited, heavy = float("inf"), float("inf"), ()
    for _ in range(_TRIES):
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM, module, json.dumps(sys.path)], capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL
        )
        if done.returncode:
            return Import(0.0, 0.0, (), (done.stderr.strip().splitlines() or ["no reason given"])[-1])
        seconds, idle, libraries = json.loads(done.stdout.strip().splitlines()[-1])
        best, waited, heavy = min(best, seconds), min(waited, idle), tuple(name for name in libraries if name in HEAVY)
        if (best < _ENOUGH and waited < _WAITED) or heavy:
            break
    return Import(best, waited, heavy)
