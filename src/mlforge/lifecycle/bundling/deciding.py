"""Where a bundle of two classes draws the line: put into its graph, so that whoever runs it draws the same."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mlforge.components import Decision
from mlforge.contract import Column
from mlforge.errors import RecipeError
from mlforge.runtime.bundle import MODEL, ask_also, enclose, read_bundle

if TYPE_CHECKING:
    import onnx

__all__ = ["draw_lines"]

_BEST = "head/best"


def draw_lines(folder: Path, decision: Decision, key: str, column: Column) -> None:
    """Let a written bundle predict the positive class from these probabilities on; with lines by group, it asks for the column with every row.

    Raises RecipeError when its graph does not choose between two probabilities as mlforge's exporters have it do.
    """
    import onnx

    model = onnx.load(folder / MODEL)
    _redraw(model, decision, key)
    onnx.checker.check_model(model, full_check=True)
    enclose(folder, MODEL, model.SerializeToString(deterministic=True))
    if decision.groups and key not in read_bundle(folder).columns:
        values = tuple(decision.groups) if column.values is None and column.unseen == "error" and column.dtype == "category" else column.values
        ask_also(folder, key, column.model_copy(update={"unique": False, "values": values}))


def _redraw(model: onnx.ModelProto, decision: Decision, key: str) -> None:
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    places = [place for place, node in enumerate(graph.node) if node.op_type == "ArgMax" and list(node.output) == [_BEST]]
    if not places or "probability" not in {value.name for value in graph.output}:
        raise RecipeError("mitigations: this exporter's bundle has no line between two classes to be moved", hint="Use exporters: [onnx].")
    graph.initializer.extend(
        numpy_helper.from_array(value, name)
        for name, value in (("lines/positive", np.array(1, np.int64)), ("lines/shape", np.array([-1], np.int64)), ("lines/all", np.float32(decision.otherwise)))
    )
    nodes = [helper.make_node("Gather", ["probability", "lines/positive"], ["lines/said"], name="lines/said", axis=1)]
    line = "lines/all"
    if decision.groups:
        line = "lines/own"
        if key not in {value.name for value in graph.input}:
            graph.input.append(helper.make_tensor_value_info(key, TensorProto.STRING, ["rows", 1]))
        if not any(entry.domain == "ai.onnx.ml" for entry in model.opset_import):
            model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 4))
        groups = sorted(decision.groups)
        nodes += [
            helper.make_node("Reshape", [key, "lines/shape"], ["lines/group"], name="lines/group"),
            helper.make_node(
                "LabelEncoder", ["lines/group"], [line], name=line, domain="ai.onnx.ml",
                keys_strings=groups, values_floats=[float(decision.groups[group]) for group in groups], default_float=float(decision.otherwise),
            ),
        ]  # fmt: skip
    nodes += [
        helper.make_node("GreaterOrEqual", ["lines/said", line], ["lines/over"], name="lines/over"),
        helper.make_node("Cast", ["lines/over"], [_BEST], name=_BEST, to=TensorProto.INT64),
    ]
    kept = [node for place, node in enumerate(graph.node) if place not in places]
    at = next(place for place, node in enumerate(kept) if _BEST in node.input)
    softmax = next(place for place, node in enumerate(kept) if "probability" in node.output)
    ordered = [*kept[: max(at, softmax + 1)], *nodes, *kept[max(at, softmax + 1) :]]
    assert softmax < at, "probabilities come before the class"
    del graph.node[:]
    graph.node.extend(ordered)
