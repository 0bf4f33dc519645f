"""The scale by quantiles: each value becomes its place among the training rows, as the value of a normal distribution that has the same place."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from mlforge.builtin.features.nodes import Nodes

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Curve", "curve", "placed"]

_KNOTS = 129  # quantiles that are kept of a column
_LARGEST = 1e150  # differences of larger doubles would not be finite


@dataclass(frozen=True, eq=False)
class Curve:
    """A rising curve of straight pieces: at `knots` it has `heights`, and beyond them it is level."""

    knots: np.ndarray
    heights: np.ndarray


def curve(known: np.ndarray) -> Curve:
    """The curve through the quantiles of these values; level for a column with one value. Equal values share the middle of their places."""
    import numpy as np

    places = np.linspace(0, 1, _KNOTS)
    knots, first, counts = np.unique(np.quantile(known.clip(-_LARGEST, _LARGEST), places, method="lower"), return_index=True, return_counts=True)
    middle = (places[first] + places[first + counts - 1]) / 2
    edge = 0.5 / _KNOTS  # no value is infinitely far out
    heights = np.array([NormalDist().inv_cdf(float(place)) for place in middle.clip(edge, 1 - edge)])
    return Curve(knots, heights if len(knots) > 1 else np.zeros(1))


def placed(graph: Nodes, numbers: str, curves: list[Curve]) -> str:
    """Doubles [rows, width], none missing, along the curve of each column, as float32.

    A column at a time: all pieces of all columns at once would be a hundred times the data.
    """
    import numpy as np

    zero, one = graph.constant(np.array(0.0)), graph.constant(np.array(1.0))
    within = graph.add("Clip", numbers, graph.constant(np.array(-_LARGEST)), graph.constant(np.array(_LARGEST)))
    columns = []
    for i, each in enumerate(curves):
        knots, heights = (each.knots, each.heights) if len(each.knots) > 1 else (np.array([0.0, 1.0]), np.zeros(2))
        column = graph.add("Gather", within, graph.constant(np.array([i], np.int64)), axis=1)
        beyond = graph.add("Sub", column, graph.constant(knots[None, :-1]))
        share = graph.add("Clip", graph.add("Div", beyond, graph.constant(np.diff(knots)[None, :])), zero, one)
        risen = graph.add("MatMul", share, graph.constant(np.diff(heights)[:, None]))
        columns.append(graph.add("Add", risen, graph.constant(heights[:1, None])))
    return graph.add("Cast", graph.add("Concat", *columns, axis=1), to=1)  # 1: float32
