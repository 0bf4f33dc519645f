"""Bundles that are made in a moment, without training: what they say is a plain function of the row, so that a test can tell a right answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from mlforge.contract import Column, Contract
from mlforge.runtime.bundle import write_bundle
from mlforge.runtime.casts import STRINGS, array_size
from mlforge.task import Output

__all__ = ["CLASSES", "ROW", "make_bundle", "people", "probability"]

CLASSES = ("no", "yes")
ROW = {"age": 41, "income": 0.5, "member": True, "city": "Bern", "since": "2024-02-03T04:05:06"}


def people() -> Contract:
    """A contract with a column of most types."""
    return Contract(
        columns={
            "age": Column(dtype="int", ge=16, le=100),
            "income": Column(dtype="float", ge=-10, lt=1000, nullable=True),
            "member": Column(dtype="bool", nullable=True),
            "city": Column(dtype="category", values=("Bern", "Rom", "Paris")),
            "plan": Column(dtype="category", nullable=True, unseen="unknown", name="the plan"),
            "since": Column(dtype="datetime", ge="2000-01-01"),
        },
        nulls=("?",),
        extra="drop",
    )


def probability(row: dict[str, Any], bias: float = 0.0) -> float:
    """What the model of `make_bundle` says of a row of `people`: the probability of "yes"."""
    score = row["age"] / 100 + (row.get("income") or 0.0) + (row.get("member") is True) + {"Bern": 1.0, "Rom": 2.0}.get(row["city"], 0.0) + bias
    return float(1 / (1 + np.exp(-score)))


def make_bundle(folder: Path, contract: Contract | None = None, *, bias: float = 0.0, poison: str = "", seconds: float = 0.0) -> Path:
    """A bundle of two classes: numbers and truths are added up (a missing one is nothing), cities count 1 and 2.

    `poison` names a column of numbers whose negative values make the graph fail. `seconds` is about how long a run takes besides (it multiplies matrices).
    """
    contract = contract or people()
    folder.mkdir(parents=True, exist_ok=True)
    columns = tuple(key for key, column in contract.columns.items() if column.role != "ignore")
    graph = _Graph()
    terms = [graph.term(key, contract.columns[key]) for key in columns]
    total = graph.add("Sum", [*terms, graph.constant(np.array([[bias]], np.float32))])
    if poison:
        total = graph.add("Add", [total, graph.poisoned(poison)])
    if seconds:
        total = graph.add("Add", [total, graph.slow(seconds, total)])
    yes = graph.add("Sigmoid", [total])
    no = graph.add("Sub", [graph.constant(np.array([[1.0]], np.float32)), yes])
    graph.add("Concat", [no, yes], output="probability", axis=1)
    chosen = graph.add("ArgMax", ["probability"], axis=1, keepdims=0)
    graph.add("Gather", [graph.constant(np.array(CLASSES, object)), chosen], output="prediction")
    output = Output("classes", "bought", CLASSES)
    write_bundle(folder, model=graph.model(), task="classification", contract=contract, output=output, columns=columns, seen={})
    return folder


class _Graph:
    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._inputs: list[Any] = []
        self._constants: list[Any] = []

    def add(self, kind: str, inputs: Sequence[str], *, output: str = "", domain: str = "", **attributes: Any) -> str:
        output = output or f"v{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [output], domain=domain, **attributes))
        return output

    def constant(self, value: np.ndarray) -> str:
        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(value, name))
        return name

    def term(self, key: str, column: Column) -> str:
        size = array_size(column.dtype) or 1
        if column.dtype in STRINGS:
            self._inputs.append(helper.make_tensor_value_info(key, TensorProto.STRING, ["rows", 1]))
            return self.add("LabelEncoder", [key], domain="ai.onnx.ml", keys_strings=["Bern", "Rom"], values_floats=[1.0, 2.0], default_float=0.0)
        self._inputs.append(helper.make_tensor_value_info(key, TensorProto.DOUBLE, ["rows", size]))
        number = self.add("Cast", [key], to=TensorProto.FLOAT)
        number = self.add("Where", [self.add("IsNaN", [number]), self.constant(np.zeros((1, 1), np.float32)), number])
        scale = 0.0 if column.dtype == "datetime" else 0.01 if column.dtype == "int" else 1.0
        number = self.add("Mul", [number, self.constant(np.array([[scale]], np.float32))])
        return number if size == 1 else self.add("ReduceSum", [number, self.constant(np.array([1], np.int64))], keepdims=1)

    def poisoned(self, key: str) -> str:
        """Nothing, of one place of a table that has no negative ones."""
        negative = self.add("Min", [self.add("Cast", [key], to=TensorProto.FLOAT), self.constant(np.zeros((1, 1), np.float32))])
        place = self.add("Cast", [negative], to=TensorProto.INT64)
        place = self.add("Mul", [place, self.constant(np.array([[1000]], np.int64))])
        return self.add("Reshape", [self.add("Gather", [self.constant(np.zeros(3, np.float32)), place]), self.constant(np.array([-1, 1], np.int64))])

    def slow(self, seconds: float, total: str) -> str:
        """Nothing, after much work; it hangs on the rows, for otherwise onnxruntime would do it once and for all."""
        side = 512
        value = self.constant(np.full((side, side), 1e-6, np.float32))
        nothing = self.add("Mul", [self.add("ReduceSum", [total], keepdims=0), self.constant(np.zeros((), np.float32))])
        name = self.add("Add", [value, nothing])
        for _ in range(max(1, round(seconds / 0.004))):
            name = self.add("MatMul", [name, value])
        return self.add("Mul", [self.add("ReduceSum", [name], keepdims=0), self.constant(np.zeros((1, 1), np.float32))])

    def model(self) -> bytes:
        outputs = [
            helper.make_tensor_value_info("prediction", TensorProto.STRING, ["rows"]),
            helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["rows", 2]),
        ]
        graph = helper.make_graph(self._nodes, "test", self._inputs, outputs, self._constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)], ir_version=9)
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())
