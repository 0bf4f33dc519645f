"""The graph that weighs the terms of a text: TF-IDF, one row at a time.

One row at a time, since onnxruntime keeps the tokens of all rows of a batch as one table, as wide as the longest text: one book among short notes would
fill the memory. Training and serving run this same graph; capital letters beyond ASCII are matched by listing how a known token may be written, because what
onnxruntime makes of them depends on the languages that a machine has installed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mlforge.builtin.features.nodes import Nodes
from mlforge.builtin.features.terms import TOKENS, Terms, Unit

if TYPE_CHECKING:
    from onnx import GraphProto

__all__ = ["weighed"]


def weighed(graph: Nodes, key: str, terms: Terms, unit: Unit, *, lower: bool) -> str:
    """Add what turns the text column `key` [rows, 1] into weights, float32 [rows, number of terms]."""
    import numpy as np

    count = graph.add("Squeeze", graph.add("Shape", key, start=0, end=1), graph.constant(np.array([0], np.int64)))
    body = _row(f"{graph.entry}/{len(graph.nodes)}_row", key, terms, unit, lower=lower)
    return graph.add("Loop", count, graph.constant(np.array(True)), body=body)


def _row(name: str, key: str, terms: Terms, unit: Unit, *, lower: bool) -> GraphProto:
    from onnx import TensorProto, helper

    row = Nodes(name)
    place, going, width = f"{name}/place", f"{name}/going", len(terms.terms)
    text = row.add("Gather", key, place, axis=0)  # [1]
    if lower:
        text = row.add("StringNormalizer", text, case_change_action="LOWER", is_case_sensitive=1, locale="C")
    how = {"separators": [""]} if unit == "characters" else {"tokenexp": TOKENS[unit]}
    tokens = row.add("Tokenizer", text, domain="com.microsoft", mark=0, mincharnum=1, pad_value="", **how)
    weights = _weights(row, _counts(row, tokens, terms, lower=lower), terms)
    again = row.add("Identity", going)
    scalar, values = helper.make_tensor_value_info, [helper.make_tensor_value_info(tokens, TensorProto.STRING, [1, None])]
    inputs = [scalar(place, TensorProto.INT64, []), scalar(going, TensorProto.BOOL, [])]
    outputs = [scalar(again, TensorProto.BOOL, []), helper.make_tensor_value_info(weights, TensorProto.FLOAT, [width])]
    return helper.make_graph(row.nodes, name, inputs, outputs, row.constants, value_info=values)


def _counts(row: Nodes, tokens: str, terms: Terms, *, lower: bool) -> str:
    """How often each term occurs, float32 [width]."""
    import numpy as np

    numbers = {token: number for number, token in enumerate(sorted({token for term in terms.terms for token in term}), 1)}
    written = _written(numbers, lower=lower)
    known = row.add("LabelEncoder", tokens, domain="ai.onnx.ml", keys_strings=list(written), values_int64s=list(written.values()), default_int64=0)
    lengths = [len(term) for term in terms.terms]
    longest = max(lengths)
    starts = [sum(length * lengths.count(length) for length in range(1, upto)) for upto in range(1, longest + 1)]
    counted = row.add(
        "TfIdfVectorizer",
        known,
        mode="TF",
        min_gram_length=1,
        max_gram_length=longest,
        max_skip_count=0,
        ngram_counts=starts,
        ngram_indexes=list(range(len(lengths))),
        pool_int64s=[numbers[token] for term in terms.terms for token in term],
    )
    return row.add("Squeeze", counted, row.constant(np.array([0], np.int64)))


def _written(numbers: dict[str, int], *, lower: bool) -> dict[str, int]:
    """Each token as the graph may find it: ASCII letters are small by then, others may be capital. A token's own way of writing goes first."""
    written = dict(numbers)
    for token, number in numbers.items() if lower else ():
        if not token.isascii():
            single = "".join(letter.upper() if len(letter.upper()) == 1 else letter for letter in token)  # ß is SS, or stays
            for other in (token.capitalize(), token.upper(), single):
                written.setdefault("".join(letter.lower() if letter.isascii() else letter for letter in other), number)
    return written


def _weights(row: Nodes, counts: str, terms: Terms) -> str:
    """log(1 + count) by how rare the term is, divided by their length together, and then about as large as standardised numbers."""
    import numpy as np

    rarity = np.array([math.log((1 + terms.rows) / (1 + count)) + 1 for count in terms.counts], np.float32)
    damped = row.add("Log", row.add("Add", counts, row.constant(np.array(1, np.float32))))
    weighty = row.add("Mul", damped, row.constant(rarity))
    length = row.add("ReduceL2", weighty, keepdims=1)
    unit = row.add("Div", row.add("Max", length, row.constant(np.array([1e-6], np.float32))), row.constant(np.sqrt(np.array([len(rarity)], np.float32))))
    return row.add("Div", weighty, unit)
