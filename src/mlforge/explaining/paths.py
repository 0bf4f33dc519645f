"""The ways to the leaves of an ensemble of trees, as arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import onnx

__all__ = ["Paths", "Some", "paths_of"]

_SETS = "BRANCH_EQ"


@dataclass(frozen=True, eq=False)
class Some:
    """Some of the ways: their questions, one after the other, and what each way's leaf adds."""

    path: np.ndarray  # of each question, which way it is on
    feature: np.ndarray
    threshold: np.ndarray
    asks: np.ndarray  # of each question: the row of `ids` that it asks for, or −1 where it asks for at most the threshold
    ids: np.ndarray  # bool [sets, ids]: is the id in the set; the last for any that is in none
    yes: np.ndarray  # must the answer be yes
    values: np.ndarray  # of each way

    def holds(self, rows: np.ndarray) -> np.ndarray:
        """Whether each row keeps to the way at each question: [rows, questions]."""
        import numpy as np

        asked = rows[:, self.feature]
        answers: np.ndarray = asked <= self.threshold[None]
        sets = self.asks >= 0
        known = np.arange(self.ids.shape[1] - 1, dtype=np.float32)
        place = np.searchsorted(known, asked[:, sets])
        place = np.where(known[np.minimum(place, len(known) - 1)] == asked[:, sets], place, len(known))
        answers[:, sets] = self.ids[self.asks[sets][None], place]
        kept: np.ndarray = answers == self.yes[None]
        return kept


@dataclass(frozen=True, eq=False)
class Paths:
    """Every way, in the order of the trees."""

    questions: tuple[tuple[tuple[int, float, frozenset[float] | None, bool], ...], ...]
    leaves: tuple[Mapping[int, float], ...]  # what each way's leaf adds, by output

    @property
    def count(self) -> int:
        """How many ways there are."""
        return len(self.questions)

    @lru_cache(maxsize=16)  # noqa: B019 - an ensemble lives as long as its bundle is explained
    def some(self, first: int, last: int, output: int) -> Some | None:
        """Those of a range that add something to an output; None where there are none."""
        import numpy as np

        chosen = [at for at in range(first, min(last, self.count)) if self.leaves[at].get(output) and self.questions[at]]
        if not chosen:
            return None
        flat = [(number, *question) for number, at in enumerate(chosen) for question in self.questions[at]]
        path, feature, threshold, sets, yes = zip(*flat, strict=True)
        asks, ids = _tabled(sets)
        numbers = np.array(threshold, dtype=np.float32)
        values = np.array([self.leaves[at][output] for at in chosen])
        return Some(np.array(path), np.array(feature), numbers, asks, ids, np.array(yes), values)


def _tabled(sets: Sequence[frozenset[float] | None]) -> tuple[np.ndarray, np.ndarray]:
    """The distinct sets as rows of a table, and which of them each question asks for."""
    import numpy as np

    rows = {one: number for number, one in enumerate(dict.fromkeys(one for one in sets if one is not None))}
    table = np.zeros((max(1, len(rows)), int(max((max(one) for one in rows), default=0)) + 2), dtype=bool)
    for one, number in rows.items():
        table[number, [int(value) for value in one if value >= 0]] = True
    return np.array([-1 if one is None else rows[one] for one in sets]), table


def paths_of(node: onnx.NodeProto) -> Paths:
    """From the node that has the trees; a chain of comparisons with single ids, of which all lead to the same place, is one question."""
    from onnx import helper

    told: dict[str, Any] = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    modes = [mode.decode() for mode in told["nodes_modes"]]
    place = {key: at for at, key in enumerate(zip(told["nodes_treeids"], told["nodes_nodeids"], strict=True))}
    leaves: dict[int, dict[int, float]] = {}
    for tree, leaf, output, weight in zip(told["target_treeids"], told["target_nodeids"], told["target_ids"], told["target_weights"], strict=True):
        of = leaves.setdefault(place[tree, leaf], {})
        of[output] = of.get(output, 0.0) + weight
    reader = _Reader(told, modes, place)
    ways = [way for root in reader.roots() for way in reader.ways(root)]
    return Paths(tuple(questions for questions, _ in ways), tuple(leaves.get(leaf, {}) for _, leaf in ways))


@dataclass(frozen=True)
class _Reader:
    told: Mapping[str, Any]
    modes: list[str]
    place: Mapping[tuple[int, int], int]

    def roots(self) -> Iterator[int]:
        """The first node of each tree."""
        seen: set[int] = set()
        for at, tree in enumerate(self.told["nodes_treeids"]):
            if tree not in seen:
                seen.add(tree)
                yield at

    def ways(self, root: int) -> Iterator[tuple[tuple[tuple[int, float, frozenset[float] | None, bool], ...], int]]:
        """Every way below a node, and the leaf that it ends at; without recursion, for trees may be deep."""
        waiting: list[tuple[int, tuple[tuple[int, float, frozenset[float] | None, bool], ...]]] = [(root, ())]
        while waiting:
            at, before = waiting.pop()
            if self.modes[at] == "LEAF":
                yield before, at
                continue
            feature, threshold, ids, yes, no = self._question(at)
            waiting.append((no, (*before, (feature, threshold, ids, False))))
            waiting.append((yes, (*before, (feature, threshold, ids, True))))

    def _question(self, at: int) -> tuple[int, float, frozenset[float] | None, int, int]:
        feature, yes, no = self.told["nodes_featureids"][at], self._next(at, "nodes_truenodeids"), self._next(at, "nodes_falsenodeids")
        if self.modes[at] != _SETS:
            return feature, self.told["nodes_values"][at], None, yes, no
        ids = {self.told["nodes_values"][at]}
        while self.modes[no] == _SETS and self.told["nodes_featureids"][no] == feature and self._next(no, "nodes_truenodeids") == yes:
            ids.add(self.told["nodes_values"][no])
            no = self._next(no, "nodes_falsenodeids")
        return feature, 0.0, frozenset(ids), yes, no

    def _next(self, at: int, which: str) -> int:
        return self.place[self.told["nodes_treeids"][at], self.told[which][at]]
