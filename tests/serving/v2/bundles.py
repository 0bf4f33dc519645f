"""Small bundles to be served: real graphs over raw columns, made in milliseconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from mlforge.contract import Contract
from mlforge.runtime.bundle import write_bundle
from mlforge.task import Output

__all__ = ["cells", "matrix", "mixed"]


class _Graph:
    """Columns side by side as numbers, then a linear score for each class or for the target."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.inputs: list[Any] = []
        self._parts: list[tuple[str, int]] = []

    def constant(self, name: str, value: Any) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def number(self, key: str, width: int = 1, scale: float = 1.0) -> None:
        self.inputs.append(helper.make_tensor_value_info(key, TensorProto.DOUBLE, ["rows", width]))
        least, most = self.constant(f"{key}/least", np.float64(-1e6)), self.constant(f"{key}/most", np.float64(1e6))  # float32 must not overflow
        zero, factor = self.constant(f"{key}/zero", np.float64(0)), self.constant(f"{key}/scale", np.float64(scale))
        self.nodes += [
            helper.make_node("IsNaN", [key], [f"{key}/none"]),
            helper.make_node("Where", [f"{key}/none", zero, key], [f"{key}/there"]),
            helper.make_node("Mul", [f"{key}/there", factor], [f"{key}/scaled"]),
            helper.make_node("Clip", [f"{key}/scaled", least, most], [f"{key}/bounded"]),
            helper.make_node("Cast", [f"{key}/bounded"], [f"{key}/float"], to=TensorProto.FLOAT),
        ]
        self._parts.append((f"{key}/float", width))

    def truth(self, key: str) -> None:
        self.inputs.append(helper.make_tensor_value_info(key, TensorProto.BOOL, ["rows", 1]))
        self.nodes.append(helper.make_node("Cast", [key], [f"{key}/float"], to=TensorProto.FLOAT))
        self._parts.append((f"{key}/float", 1))

    def text(self, key: str, known: Sequence[str]) -> None:
        self.inputs.append(helper.make_tensor_value_info(key, TensorProto.STRING, ["rows", 1]))
        values = [float(place + 1) for place in range(len(known))]
        self.nodes.append(
            helper.make_node("LabelEncoder", [key], [f"{key}/float"], domain="ai.onnx.ml", keys_strings=list(known), values_floats=values, default_float=0.0)
        )
        self._parts.append((f"{key}/float", 1))

    def classes(self, names: Sequence[Any]) -> bytes:
        self._scores(len(names))
        constant = self.constant("classes", np.array(names, dtype=object if isinstance(names[0], str) else None))
        self.nodes += [
            helper.make_node("Softmax", ["scores"], ["probability"], axis=1),
            helper.make_node("ArgMax", ["scores"], ["best"], axis=1, keepdims=0),
            helper.make_node("Gather", [constant, "best"], ["prediction"], axis=0),
        ]
        kind = TensorProto.STRING if isinstance(names[0], str) else helper.np_dtype_to_tensor_dtype(np.array(names).dtype)
        outputs = [("prediction", kind, ["rows"]), ("probability", TensorProto.FLOAT, ["rows", len(names)])]
        return self._made([helper.make_tensor_value_info(*one) for one in outputs])

    def value(self) -> bytes:
        self._scores(1)
        shape = self.constant("shape", np.array([-1], np.int64))
        self.nodes += [helper.make_node("Cast", ["scores"], ["double"], to=TensorProto.DOUBLE), helper.make_node("Reshape", ["double", shape], ["prediction"])]
        return self._made([helper.make_tensor_value_info("prediction", TensorProto.DOUBLE, ["rows"])])

    def _scores(self, width: int) -> None:
        names, sizes = [name for name, _ in self._parts], sum(size for _, size in self._parts)
        weights = self.constant("weights", self._rng.normal(size=(sizes, width)).astype(np.float32))
        self.nodes += [helper.make_node("Concat", names, ["all"], axis=1), helper.make_node("MatMul", ["all", weights], ["scores"])]

    def _made(self, outputs: list[Any]) -> bytes:
        graph = helper.make_graph(self.nodes, "model", self.inputs, outputs, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)], ir_version=10)
        return bytes(model.SerializeToString())


def _bundle(folder: Path, model: bytes, columns: Mapping[str, Mapping[str, Any]], output: Output, **more: Any) -> Path:
    folder.mkdir(parents=True)
    targets: dict[str, Any] = {output.target: {"dtype": "float" if output.kind == "value" else "category", "role": "target"}}
    contract = Contract.model_validate({"columns": {**columns, **targets}, **more})
    write_bundle(
        folder, model=model, task="classification" if output.classes else "regression", contract=contract, output=output, columns=tuple(columns), seen={}
    )
    return folder


def mixed(folder: Path, *, dated: bool = True, owned: bool = False) -> Path:
    """A column of almost every type; two classes that are texts."""
    graph = _Graph(1)
    graph.number("age", scale=0.02)
    graph.number("income", scale=1e-5)
    graph.truth("member")
    graph.text("city", ["Bern", "Oslo", "Rom"])
    graph.text("note", ["good"])
    if dated:
        graph.number("born", scale=1e-9)
    graph.number("visits", 3)
    if owned:
        graph.number("owner")
    columns: dict[str, dict[str, Any]] = {
        "age": {"dtype": "int", "ge": 16, "le": 100},
        "income": {"dtype": "float", "nullable": True, "ge": 0, "name": "yearly income"},
        "member": {"dtype": "bool"},
        "city": {"dtype": "category", "nullable": True, "values": ["Bern", "Oslo", "Rom"]},
        "note": {"dtype": "string", "nullable": True},
        **({"born": {"dtype": "datetime", "nullable": True}} if dated else {}),
        "visits": {"dtype": "array[float, 3]"},
        **({"owner": {"dtype": "bool", "nullable": True}} if owned else {}),
    }
    return _bundle(folder, graph.classes(["no", "yes"]), columns, Output("classes", "bought", ("no", "yes")), nulls=["?"])


def matrix(folder: Path, width: int = 4) -> Path:
    """Numbers only, with names that are no identifiers; three classes that are whole numbers."""
    graph = _Graph(2)
    columns: dict[str, dict[str, Any]] = {}
    for place in range(width):
        graph.number(f"c{place}")
        columns[f"c{place}"] = {"dtype": "float", "name": f"column {place}"}
    columns["c1"] |= {"dtype": "int", "ge": 0, "le": 10}
    columns["c2"] |= {"nullable": True, "gt": -5, "lt": 5}
    return _bundle(folder, graph.classes([0, 1, 2]), columns, Output("classes", "kind", (0, 1, 2)))


def cells(folder: Path) -> Path:
    """One column of arrays; a number comes out."""
    graph = _Graph(3)
    graph.number("pixels", 4)
    return _bundle(folder, graph.value(), {"pixels": {"dtype": "array[float, 2x2]"}}, Output("value", "ink"))
