"""The floor: granian and onnxruntime with nothing around them. `floats` takes {"inputs": [[…]]}, `named` raw rows by name, unchecked."""

from __future__ import annotations

import os

import numpy as np
import onnxruntime as ort
import orjson

_OPTIONS = ort.SessionOptions()
_OPTIONS.intra_op_num_threads = _OPTIONS.inter_op_num_threads = 1
_SESSION = ort.InferenceSession(os.environ["BENCH_ONNX"], _OPTIONS, providers=["CPUExecutionProvider"])
_INPUTS = [(one.name, np.float64 if one.type == "tensor(double)" else object) for one in _SESSION.get_inputs()]
_HEADERS = [("content-type", "application/json")]


async def floats(scope, protocol):
    x = np.asarray(orjson.loads(await protocol())["inputs"], np.float32)
    protocol.response_bytes(200, _HEADERS, orjson.dumps({"outputs": _SESSION.run(None, {"x": x})[0]}, option=orjson.OPT_SERIALIZE_NUMPY))


async def named(scope, protocol):
    rows = orjson.loads(await protocol())["rows"]
    columns = {
        name: np.array([("" if row[name] is None else row[name]) if kind is object else row[name] for row in rows], kind).reshape(-1, 1)
        for name, kind in _INPUTS
    }
    prediction, probability = _SESSION.run(["prediction", "probability"], columns)
    protocol.response_bytes(200, _HEADERS, orjson.dumps({"predictions": prediction.tolist(), "probabilities": probability}, option=orjson.OPT_SERIALIZE_NUMPY))
