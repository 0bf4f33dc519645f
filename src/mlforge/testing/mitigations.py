"""What a mitigation must do.

    class TestEvenly(MitigationContract):
        component = Evenly(column="sex")

Its `column` is one of the sample's contract (see mlforge.testing.samples), such as `sex`.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest

from mlforge.components import Component, Mitigation, Scored
from mlforge.testing.component import ComponentContract
from mlforge.testing.samples import contract_for

if TYPE_CHECKING:
    import numpy as np

__all__ = ["MitigationContract"]

_ROWS = 400


class MitigationContract(ComponentContract[Mitigation]):
    """Clauses for a mitigation: for two groups, one of which has the positive class more often."""

    kind: ClassVar[type[Component]] = Mitigation

    def exercise(self, component: Mitigation, folder: Path) -> None:
        """Ask it for everything."""
        component.weigh(_totals())
        component.take(*_ids(_ROWS), 0)
        component.decide(_scored(_ROWS))

    def disturb(self, component: Mitigation, folder: Path) -> None:
        """Ask it about arrays that do not fit together."""
        groups, _ = _ids(_ROWS)
        component.take(groups, groups[:1], 0)

    def test_it_does_something(self, subject: Mitigation) -> None:
        """Else a recipe that names it has only its name."""
        done = (subject.weigh(_totals()), subject.take(*_ids(_ROWS), 0), subject.decide(_scored(_ROWS)))
        assert any(one is not None for one in done), "it neither weighs nor takes rows, nor decides where the line is drawn"

    def test_it_does_the_same_each_time(self, subject: Mitigation) -> None:
        """Else the same recipe and rows give another model, and a reused stage and a fresh one disagree."""
        assert _plain(subject.weigh(_totals())) == _plain(subject.weigh(_totals()))
        assert _plain(subject.take(*_ids(_ROWS), 3)) == _plain(subject.take(*_ids(_ROWS), 3))
        assert subject.decide(_scored(_ROWS)) == subject.decide(_scored(_ROWS))

    def test_it_leaves_what_it_is_given_as_it_is(self, subject: Mitigation) -> None:
        """Else the mitigation after it sees other rows."""
        totals, (groups, target), scored = _totals(), _ids(_ROWS), _scored(_ROWS)
        subject.weigh(totals)
        subject.take(groups, target, 0)
        subject.decide(scored)
        assert _plain(totals) == _plain(_totals())
        assert [_plain(groups), _plain(target)] == [_plain(one) for one in _ids(_ROWS)]
        assert _plain(scored.positive) == _plain(_scored(_ROWS).positive)

    def test_a_factor_is_a_number_for_each_group_and_class(self, subject: Mitigation) -> None:
        """Else a loss is NaN; also where a group has no rows of a class, or none at all."""
        import numpy as np

        for totals in (_totals(), np.array([[5.0, 0.0], [0.0, 5.0]]), np.array([[5.0, 1.0], [0.0, 0.0]]), np.zeros((2, 2)), np.zeros((0, 2)), np.ones((3, 5))):
            factors = subject.weigh(totals)
            if factors is not None:
                assert factors.shape == totals.shape, f"factors {factors.shape} for groups and classes {totals.shape}"
                assert np.isfinite(factors).all(), f"{totals.tolist()} gives {factors.tolist()}"
                assert (factors >= 0).all(), f"{totals.tolist()} gives {factors.tolist()}"

    @pytest.mark.parametrize("rows", [0, 1, _ROWS])
    def test_what_it_takes_are_rows_that_there_are(self, subject: Mitigation, rows: int) -> None:
        """Else a fit ends in a traceback, or has nothing to learn from."""
        taken = subject.take(*_ids(rows), 0)
        if taken is not None:
            assert taken.dtype.kind in "iu", f"positions are {taken.dtype}"
            assert bool(len(taken)) == bool(rows), f"{len(taken)} of {rows} rows are taken"
            assert not len(taken) or (taken.min() >= 0 and taken.max() < rows), f"positions {taken.min()} to {taken.max()} of {rows} rows"

    @pytest.mark.parametrize("rows", [0, 1, _ROWS])
    def test_a_line_is_drawn_where_probabilities_are(self, subject: Mitigation, rows: int) -> None:
        """Else every row is predicted alike, and nobody is told."""
        scored = _scored(rows)
        decision = subject.decide(scored)
        if decision is not None:
            for line in (decision.otherwise, *decision.groups.values()):
                assert 0 <= line <= 1, f"a line at {line}"
            assert {*decision.groups} <= {*scored.groups.tolist()}, "it draws lines for groups that it was not told of"

    def test_how_far_groups_are_apart_is_a_number_or_unknown(self, subject: Mitigation) -> None:
        """Else what it costs and gains cannot be told."""
        for rows in (0, 1, _ROWS):
            scored = _scored(rows)
            apart = subject.apart(scored, scored.positive > 0.5)
            assert apart is None or (math.isfinite(apart) and apart >= 0), f"{rows} rows are {apart} apart"

    def test_a_column_that_is_not_there_is_told(self, subject: Mitigation) -> None:
        """Else `mlforge check` says yes to a recipe whose training fails."""
        assert not [*subject.objections(contract_for())], f"{subject.column} does not suit it; give `component` a column of the sample"
        elsewhere = subject.model_copy(update={"column": "nowhere"})
        assert [*elsewhere.objections(contract_for())], "a column nowhere is not objected to"


def _totals() -> np.ndarray:
    """Weight by group and class."""
    import numpy as np

    return np.array([[150.0, 50.0], [80.0, 120.0]])


def _ids(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Group and class of each row."""
    import numpy as np

    at = np.arange(rows)
    groups = at % 2
    return groups, (at // 2 % 10 < np.where(groups == 1, 6, 3)).astype(np.int64)


def _scored(rows: int) -> Scored:
    """What a fairly good model says of them."""
    import numpy as np

    groups, target = _ids(rows)
    positive = (0.25 + 0.3 * target + 0.1 * groups + 0.3 * (np.arange(rows) * 0.618 % 1)).astype(np.float32)
    return Scored(positive, target == 1, np.array(["f", "m"])[groups], np.ones(rows))


def _plain(values: np.ndarray | None) -> object:
    return None if values is None else values.tolist()
