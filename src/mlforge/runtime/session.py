"""One ONNX graph, opened to be run over rows."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mlforge.errors import DataError
from mlforge.runtime.feed import feed

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["Graph", "runtime"]


def runtime() -> ModuleType:
    """The module onnxruntime, which since 1.29 tells its maker of every session unless it is told not to before it is imported: no model's business."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # where the variable came too late, or does not count, as on Windows
    module: ModuleType = onnxruntime
    return module


class Graph:
    """An ONNX graph over raw columns: opened once, run over frames; safe to use from several threads."""

    def __init__(self, path: Path | bytes, *, threads: int | None = None) -> None:
        """Open a file, or a graph in memory, with so many threads for one run (None: as many as there are cores).

        Raises DataError when it is no graph that onnxruntime can run.
        """
        ort = runtime()
        options = ort.SessionOptions()
        options.log_severity_level = 3  # errors only: warnings would go to stderr from C++
        options.use_deterministic_compute = True
        if threads is not None:
            options.intra_op_num_threads = threads
        try:
            self._session: Any = ort.InferenceSession(path if isinstance(path, bytes) else str(path), options, providers=["CPUExecutionProvider"])
        except OSError as error:
            raise DataError(f"{_named(path)}: cannot be read: {error.strerror}", hint="Restore the file, or make it again with `mlforge run`.") from None
        except Exception as error:
            # onnxruntime's errors share no class of their own
            if not type(error).__module__.startswith("onnxruntime"):
                raise
            hint = "A newer onnxruntime may be needed, or the file is damaged."
            raise DataError(f"{_named(path)}: onnxruntime cannot open it: {str(error)[:300]}", hint=hint) from None

    @cached_property
    def inputs(self) -> dict[str, str]:
        """Type of each raw column that the graph takes, such as "tensor(double)"."""
        return {value.name: value.type for value in self._session.get_inputs()}

    @cached_property
    def widths(self) -> dict[str, int]:
        """How many numbers of each raw column it takes for a row; 1 where it does not say."""
        shapes = {value.name: value.shape[1:] for value in self._session.get_inputs()}
        return {name: shape[0] if shape and isinstance(shape[0], int) else 1 for name, shape in shapes.items()}

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        """Names of what it puts out."""
        return tuple(value.name for value in self._session.get_outputs())

    @cached_property
    def width(self) -> int:
        """How many values a row becomes, where the graph says so; else 1 for each output."""
        sizes = [output.shape[1:] for output in self._session.get_outputs()]
        return sum(math.prod(size) if all(isinstance(one, int) for one in size) else 1 for size in sizes)

    def run(self, frame: pl.DataFrame) -> tuple[np.ndarray, ...]:
        """The outputs for these rows (contract keys and types), each with one row per row."""
        return self.ask(self.fed(frame))

    def fed(self, frame: pl.DataFrame) -> dict[str, np.ndarray]:
        """The columns that it takes, as arrays."""
        return feed(frame, self.inputs, self.widths)

    def ask(self, arrays: Mapping[str, np.ndarray]) -> tuple[np.ndarray, ...]:
        """The outputs for these arrays, one for each of `inputs`."""
        return tuple(self._native.run(self._names, arrays, None))

    @cached_property
    def _native(self) -> Any:
        """What the session's `run` calls. Around it, that looks for each input by name again, which takes a quarter of a small graph's time."""
        return getattr(self._session, "_sess", self._session)

    @cached_property
    def _names(self) -> list[str]:
        return list(self.outputs)


def _named(path: Path | bytes) -> str:
    return "a graph in memory" if isinstance(path, bytes) else str(path)
