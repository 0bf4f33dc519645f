"""The mitigation that draws the line between two classes."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from mlforge.components import Decision, Mitigation, Scored

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Thresholds"]

_CUTS = 200  # lines that are tried in each group
_STARTS = 60  # bands of rates that are tried: 60 × 60 where two rates are held alike
Constraint = Literal["demographic_parity", "equal_opportunity", "equalised_odds"]


class Thresholds(Mitigation):
    """Draws the line between two classes so that groups are treated alike, at the smallest loss of accuracy (after Hardt, Price and Srebro 2016).

    Lines are chosen on validation rows and travel in the bundle. `per_group: false` looks for one line for all, which needs no more of a row than before, and
    often costs more or comes less far. `per_group: true` draws one for each group: then every row to predict must bring the column, and people of two groups
    with the same probability may get different answers. In some places and uses the law forbids that (for example in hiring: 42 U.S.C. § 2000e-2(l));
    ask who knows. Probabilities are not changed. Lines are fixed, so that a person who asks twice is answered alike.
    """

    libraries: ClassVar[tuple[str, ...]] = ("numpy",)

    constraint: Constraint = Field(
        default="demographic_parity", description="what is held alike: shares predicted positive; hits among the positive; or hits and false alarms"
    )
    per_group: bool = Field(description="one line for each group, or one for all; see above before you say true")
    max_difference: float = Field(default=0.05, ge=0, le=1, description="how far groups may be apart on the validation rows; a gate looks at the test rows")
    minimum: int = Field(default=30, ge=1, description="validation rows that a group must have to be looked at; smaller ones get the line of all")

    def decide(self, scored: Scored) -> Decision | None:
        """The lines with the highest accuracy among those that hold groups alike; None with fewer than two groups of enough rows, or no class."""
        import numpy as np

        names, counts = np.unique(scored.groups, return_counts=True)
        large = [str(name) for name, count in zip(names, counts, strict=True) if count >= self.minimum and name != ""]
        masks = [scored.groups == name for name in large]
        masks = [mask for mask in masks if not np.isnan(self._rates(scored, mask, np.array([0.5]))).any()]
        if len(masks) < 2:
            return None
        if not self.per_group:
            return Decision(self._common(scored, masks), {})
        lines = self._own(scored, masks)
        named = [str(scored.groups[mask][0]) for mask in masks]
        return Decision(self._common_free(scored), dict(zip(named, lines, strict=True)))

    def apart(self, scored: Scored, positive: np.ndarray) -> float | None:
        """The largest difference in any rate that is held alike, among groups of enough rows."""
        import numpy as np

        moved = Scored(positive.astype(float), scored.target, scored.groups, scored.weight)
        names, counts = np.unique(scored.groups, return_counts=True)
        rates = [self._rates(moved, scored.groups == name, np.array([0.5]))[0] for name, count in zip(names, counts, strict=True) if count >= self.minimum]
        defined = np.array([one for one in rates if not np.isnan(one).any()])
        return float((defined.max(axis=0) - defined.min(axis=0)).max()) if len(defined) >= 2 else None

    def _common(self, scored: Scored, masks: list[np.ndarray]) -> float:
        """One line: the most accurate that holds the groups alike. The largest always does: nobody is predicted positive."""
        import numpy as np

        cuts = _cuts(scored.positive)
        rates = np.stack([self._rates(scored, mask, cuts) for mask in masks])  # [groups, cuts, rates]
        alike = (rates.max(axis=0) - rates.min(axis=0)).max(axis=1) <= self.max_difference
        right = np.where(alike, _right(scored, np.ones(len(scored.target), dtype=bool), cuts), -1.0)
        return float(cuts[int(right.argmax())])

    @staticmethod
    def _common_free(scored: Scored) -> float:
        import numpy as np

        cuts = _cuts(scored.positive)
        return float(cuts[int(_right(scored, np.ones(len(scored.target), dtype=bool), cuts).argmax())])

    def _own(self, scored: Scored, masks: list[np.ndarray]) -> list[float]:
        """A line for each group: for every band of rates, each group's most accurate line within it; the best band wins."""
        import numpy as np

        cuts = [_cuts(scored.positive[mask]) for mask in masks]
        rates = [self._rates(scored, mask, some) for mask, some in zip(masks, cuts, strict=True)]
        right = [_right(scored, mask, some) for mask, some in zip(masks, cuts, strict=True)]
        starts = np.linspace(0, max(0.0, 1 - self.max_difference), _STARTS)
        best, chosen = -1.0, [len(some) - 1 for some in cuts]  # nobody positive: alike in every way
        for corner in product(starts, repeat=rates[0].shape[1]):
            low, high = np.array(corner) - 1e-9, np.array(corner) + self.max_difference + 1e-9
            places, total = [], 0.0
            for one, hits in zip(rates, right, strict=True):
                within = np.where(((one >= low) & (one <= high)).all(axis=1), hits, -1.0)
                place = int(within.argmax())
                if within[place] < 0:
                    break
                places.append(place)
                total += float(within[place])
            if len(places) == len(masks) and total > best:
                best, chosen = total, places
        return [float(some[place]) for some, place in zip(cuts, chosen, strict=True)]

    def _rates(self, scored: Scored, mask: np.ndarray, cuts: np.ndarray) -> np.ndarray:
        """The rates that are held alike, by line: [cuts, rates]; NaN where the group has no such rows."""
        import numpy as np

        of = {
            "demographic_parity": [np.ones(int(mask.sum()), dtype=bool)],
            "equal_opportunity": [scored.target[mask]],
            "equalised_odds": [scored.target[mask], ~scored.target[mask]],
        }[self.constraint]
        called = scored.positive[mask][None, :] >= cuts[:, None]
        weight = scored.weight[mask]
        totals = [float(weight[rows].sum()) for rows in of]
        return np.stack(
            [(called * (weight * rows)).sum(axis=1) / total if total > 0 else np.full(len(cuts), np.nan) for rows, total in zip(of, totals, strict=True)],
            axis=1,
        )


def _cuts(scores: np.ndarray) -> np.ndarray:
    """Lines between the scores, from one that all are above to one that none is, as float32 so that the graph compares the same numbers."""
    import numpy as np

    inner = np.unique(np.quantile(scores, np.linspace(0, 1, _CUTS), method="lower"))
    return np.unique(np.concatenate([[0.0, 0.5], inner, [2.0]]).astype(np.float32))


def _right(scored: Scored, mask: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    """Weight of the rows of a group that each line puts on the right side."""
    called = scored.positive[mask][None, :] >= cuts[:, None]
    right: np.ndarray = ((called == scored.target[mask][None, :]) * scored.weight[mask]).sum(axis=1)
    return right
