"""What every peer runs: the same ONNX, with one thread; and, for raw rows, pandas in the handler, as their users do."""

from __future__ import annotations

import os

import numpy as np
import onnxruntime as ort

_OPTIONS = ort.SessionOptions()
_OPTIONS.intra_op_num_threads = _OPTIONS.inter_op_num_threads = 1
SESSION = ort.InferenceSession(os.environ["BENCH_ONNX"], _OPTIONS, providers=["CPUExecutionProvider"])
INPUTS = {one.name: np.float64 if one.type == "tensor(double)" else object for one in SESSION.get_inputs()}


def floats(rows):
    """Of a list of lists, or an array."""
    return SESSION.run(None, {"x": np.asarray(rows, np.float32)})[0]


def frame(table):
    """Of a pandas frame with the columns by name: prediction and probabilities."""
    return SESSION.run(["prediction", "probability"], {name: table[[name]].to_numpy(dtype=kind) for name, kind in INPUTS.items()})


def named(rows):
    """Of a list of objects."""
    import pandas as pd

    return frame(pd.DataFrame(rows))
