"""The last fallback: a prediction by declared rules or a constant instead of a model, in the form in which the model would have answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mlforge.errors import DataError
from mlforge.service.rollout import Fallback, Rule
from mlforge.serving.engine import Engine

__all__ = ["DeclaredEngine"]


class DeclaredEngine(Engine):
    """Answers as `like` would, with what the recipe declares. A rule whose column the graph does not take never holds."""

    def __init__(self, like: Engine, fallback: Fallback) -> None:
        super().__init__(like.offer, like.bundle, like.graph)
        self._fallback = fallback
        self._known = like.bundle.output.classes
        self.outputs = tuple(name for name in like.outputs if name == "prediction" or (name == "probability" and self._known))

    def run(self, columns: Sequence[Any]) -> Mapping[str, Any]:
        """A prediction for each row; all probability is the class's that is predicted. Raises DataError when none is declared for one of them."""
        count = len(columns[0]) if columns else 0
        values: list[Any] = [self._fallback.constant] * count
        by_name = dict(zip(self.inputs, columns, strict=True))
        for _, rule in sorted(self._fallback.rules.items(), reverse=True):
            if rule.column in by_name:
                for row in np.flatnonzero(_holds(rule, by_name[rule.column][:, 0])):
                    values[int(row)] = rule.prediction
        if None in values:
            raise DataError("no rule holds for these rows, and no constant is declared")
        if not self._known:
            return {"prediction": np.asarray(values, float)}
        by_text = {str(name): name for name in self._known}
        classes = [by_text.get(str(value), value) for value in values]
        textual = any(isinstance(name, str) for name in self._known)
        prediction = np.asarray(classes, object if textual else None)
        outputs = {"prediction": prediction}
        if "probability" in self.outputs:
            outputs["probability"] = np.asarray([[float(name == one) for name in self._known] for one in classes], np.float32)
        return outputs

    def warm(self) -> float:
        """It needs no warming."""
        return 1e-5


def _holds(rule: Rule, values: np.ndarray) -> np.ndarray:
    """Which rows the rule applies to."""
    found = np.ones(len(values), bool)
    if rule.equals is not None:
        found &= values.astype(str) == str(rule.equals) if values.dtype == object else values == rule.equals
    if values.dtype != object:
        if rule.above is not None:
            found &= values > rule.above
        if rule.below is not None:
            found &= values < rule.below
    elif rule.above is not None or rule.below is not None:
        found[:] = False
    return found
