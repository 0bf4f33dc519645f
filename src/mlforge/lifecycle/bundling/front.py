"""Joining the fitted transforms to one graph, from raw columns to the blocks that a network is fed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from mlforge.artifact import Block
from mlforge.components import Fragment
from mlforge.contract import Column, Contract
from mlforge.errors import DataError

if TYPE_CHECKING:
    import onnx

__all__ = ["IR", "OPSETS", "blocks_of", "front"]

OPSETS: Mapping[str, int] = {"": 18, "ai.onnx.ml": 4, "com.microsoft": 1}  # the last: onnxruntime's own hash and tokenizer
IR = 10  # the file format's version; any onnxruntime since 1.18 reads it

_TAKEN = frozenset({"prediction", "probability"})
_BLOCKS = {"numbers": "float32", "categories": "int64", "bytes": "uint8"}
_TYPES = {"float32": 1, "int64": 7, "uint8": 2}  # as ONNX numbers them


def blocks_of(fragments: Sequence[Fragment]) -> tuple[Block, ...]:
    """The blocks that these fragments make, numbers first."""
    blocks = []
    for name, dtype in _BLOCKS.items():
        parts = [fragment for fragment in fragments if fragment.block == name]
        if parts:
            blocks.append(Block(name, dtype, sum(part.width for part in parts), tuple(n for part in parts for n in part.cardinalities)))
    return tuple(blocks)


def front(fragments: Sequence[Fragment], contract: Contract) -> onnx.ModelProto:
    """The graph; its inputs are the columns that fragments read, in the contract's order, its outputs the blocks: `block/numbers` …

    Raises DataError when a column has the name of one of the model's outputs.
    """
    from onnx import checker, helper

    read = {key for fragment in fragments for key in fragment.columns}
    for key in sorted(read & _TAKEN):
        raise DataError(f"contract.columns.{key}: the model's output has this name", hint=f"Give the column another key: {key}_: {{name: {key}, …}}.")
    texts = {key: fragment.width for fragment in fragments if fragment.block == "bytes" for key in fragment.columns}
    inputs = [
        helper.make_tensor_value_info(key, _TYPES["uint8"], ["rows", texts[key]])
        if key in texts
        else helper.make_tensor_value_info(key, _kind(contract.columns[key]), ["rows", _width(contract.columns[key])])
        for key in contract.columns
        if key in read
    ]
    nodes = [node for fragment in fragments for node in fragment.nodes]
    outputs = []
    for block in blocks_of(fragments):
        parts = [fragment.output for fragment in fragments if fragment.block == block.name]
        name = f"block/{block.name}"
        nodes.append(helper.make_node("Concat", parts, [name], name=name, axis=1))
        outputs.append(helper.make_tensor_value_info(name, _TYPES[block.dtype], ["rows", block.width]))
    constants = [constant for fragment in fragments for constant in fragment.initialisers]
    graph = helper.make_graph(nodes, "front", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=_opsets(nodes), ir_version=IR, producer_name="mlforge")
    checker.check_model(model, full_check=True)
    return model


def _opsets(nodes: Iterable[onnx.NodeProto]) -> list[onnx.OperatorSetIdProto]:
    from onnx import helper

    used = {"", *_domains(nodes)}
    return [helper.make_opsetid(domain, version) for domain, version in OPSETS.items() if domain in used]


def _domains(nodes: Iterable[onnx.NodeProto]) -> Iterator[str]:
    """Those of the nodes, and of the nodes in their bodies."""
    for node in nodes:
        yield node.domain
        for attribute in node.attribute:
            yield from _domains(attribute.g.node)


def _width(column: Column) -> int:
    from mlforge.runtime.casts import array_size  # imports Polars, which a check does without

    return array_size(column.dtype) or 1


def _kind(column: Column) -> int:
    if column.dtype == "bool" and not column.nullable:
        return 9  # bool
    return 11 if column.dtype in ("int", "float", "bool", "datetime") or column.dtype.startswith("array[") else 8  # double, string
