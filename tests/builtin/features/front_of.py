"""Run one transform as it will be run: fitted, joined to a graph, opened by onnxruntime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from mlforge.components import Fragment, Transform
from mlforge.contract import Contract
from mlforge.lifecycle.bundling.front import front
from mlforge.runtime.session import Graph


def fitted(transform: Transform, rows: pl.DataFrame, **columns: dict[str, object]) -> tuple[Fragment, Contract]:
    contract = Contract.model_validate({"columns": columns})
    fragment = transform.fit("entry", transform.takes(contract), rows.lazy(), contract)
    assert fragment is not None
    return fragment, contract


def said(folder: Path, fitting: tuple[Fragment, Contract], rows: pl.DataFrame) -> np.ndarray:
    fragment, contract = fitting
    path = folder / "front.onnx"
    path.write_bytes(front([fragment], contract).SerializeToString(deterministic=True))
    (array,) = Graph(path, threads=1).run(rows)
    return array
