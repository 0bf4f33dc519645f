"""One scale for numbers: missing ones filled in and marked, then centred, divided, and kept finite as float32."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlforge.builtin.features.nodes import Nodes

if TYPE_CHECKING:
    import numpy as np

__all__ = ["FARTHEST", "Scale", "filled", "marked", "scaled"]

FARTHEST = 1e6  # in standard deviations; keeps whatever a double can hold finite as float32


@dataclass(frozen=True)
class Scale:
    """What fitting found out about one number of a row."""

    fill: float
    centre: float
    spread: float
    missing: bool


def filled(graph: Nodes, raw: str, scales: Sequence[Scale]) -> tuple[str, str]:
    """Where doubles [rows, width] are missing, and the same doubles with what stands for a missing one."""
    absent = graph.add("IsNaN", raw)
    return absent, graph.add("Where", absent, graph.constant(row(scale.fill for scale in scales)), raw)


def scaled(graph: Nodes, numbers: str, scales: Sequence[Scale]) -> str:
    """Doubles to float32 on one scale. All in double until the numbers are small: an integer beyond 2²⁴ has no exact float32."""
    import numpy as np

    centred = graph.add("Sub", numbers, graph.constant(row(scale.centre for scale in scales)))
    divided = graph.add("Div", centred, graph.constant(row(scale.spread for scale in scales)))
    bounded = graph.add("Clip", divided, graph.constant(np.array(-FARTHEST)), graph.constant(np.array(FARTHEST)))
    return graph.add("Cast", bounded, to=1)  # 1: float32


def marked(graph: Nodes, numbers: str, absent: str, scales: Sequence[Scale]) -> str:
    """The numbers, and beside them a 1 for each that was missing, where the scale asks for it."""
    import numpy as np

    places = [i for i, scale in enumerate(scales) if scale.missing]
    if not places:
        return numbers
    marks = graph.add("Cast", graph.add("Gather", absent, graph.constant(np.array(places, np.int64)), axis=1), to=1)
    return graph.add("Concat", numbers, marks, axis=1)


def row(values: Iterable[float]) -> np.ndarray:
    """Doubles of shape [1, width]."""
    import numpy as np

    return np.array([list(values)], np.float64)
