"""Do the labels that have arrived follow from the scores as they did on the test rows? An exact test with few labels, over several windows at once.

Where nothing has changed, the labels of rows with one score are exchangeable, whoever they belong to: which of them came true among the window's rows, given
how many did among the window's and the test rows together, is drawn without replacement (Fisher's exact test, in each bin of scores). So chances need no model
of the curve and keep their level with a handful of labels as with thousands, whatever is used to tell strange draws from usual ones.

What is used is the likelihood of what may have happened over that of nothing: labels turned around at random, in one direction or both, the whole curve moved
or flatter, or one part of it moved; in the newest window, the newest two, four, and so on. The mean of all these ratios is the most powerful test against
their mixture (Neyman and Pearson). Draws stop as soon as it is clear that nothing is strange (Besag and Clifford, 1991).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import numpy as np

    from mlforge.builtin.monitors.scores import Scores
    from mlforge.builtin.monitors.tails import Array

__all__ = ["Agreement", "Ratios", "Urns", "agreement"]

_LEAST = 8  # labels of the reference in a group of bins
_PARTS = 10
_SEED = 0x6C61626C
_HITS = 20  # draws as strange as what was seen, after which it is not strange
_DRAWS = 20  # of the level's inverse, at most: a chance at the level itself has had as many hits by then
_FIRST, _AT_ONCE = 64, 512
_END = 1e-6


@dataclass(frozen=True)
class Agreement:
    """What the labels say."""

    chance: float  # of labels at least so strange where nothing has changed
    labels: int  # of the windows in which they look strangest
    windows: int  # the newest so many


def agreement(windows: Sequence[Scores], reference: Scores, level: float) -> Agreement:
    """Of windows, the newest first, against the test rows; exact as far as is needed to know on which side of `level` the chance is."""
    import numpy as np

    urns = Urns.of(windows, reference)
    if urns is None:
        return Agreement(1.0, 0, len(windows))
    ratios = Ratios(urns)
    seen = ratios.of(urns.yes[None])
    strange, random = float(_sum(seen)[0]), np.random.default_rng(_SEED)
    hits = done = 0
    while hits < _HITS and done < _DRAWS / level:
        count = min(max(_FIRST, done), _AT_ONCE)
        hits += int((_sum(ratios.of(urns.drawn(count, random))) >= strange - 1e-9).sum())
        done += count
    strangest = int(seen[0].argmax())
    return Agreement((hits + 1) / (done + 1), int(urns.labels[: strangest + 1].sum()), min(1 << strangest, len(windows)))


@dataclass(frozen=True)
class Urns:
    """Groups of bins: how many labels there are of the reference and of the windows, and how many of them came true.

    Windows are in stretches: the newest, the one before it, the two before those, then four, and so on.
    """

    labels: Array  # [stretches, groups]
    yes: Array  # likewise
    all_labels: Array  # [groups], those of the reference included
    all_yes: Array

    @classmethod
    def of(cls, windows: Sequence[Scores], reference: Scores) -> Self | None:
        """None where no label can be compared."""
        import numpy as np

        group = _grouped(reference.labels)
        begins = [0, *(1 << place for place in range(len(windows).bit_length()) if 1 << place < len(windows))]
        labels, yes = (np.add.reduceat(np.stack([_folded(group, getattr(one, name)) for one in windows]), begins) for name in ("labels", "yes"))
        theirs, true = _folded(group, reference.labels), _folded(group, reference.yes)
        here = (labels.sum(axis=0) > 0) & (theirs > 0)
        if not here.any():
            return None
        labels, yes = labels[:, here], yes[:, here]
        return cls(labels, yes, theirs[here] + labels.sum(axis=0), true[here] + yes.sum(axis=0))

    def drawn(self, count: int, random: np.random.Generator) -> Array:
        """[draws, stretches, groups]: how many might have come true, were all labels of a group alike."""
        import numpy as np

        left, there = np.tile(self.all_yes.astype(np.int64), (count, 1)), self.all_labels.astype(np.int64)
        told = np.zeros((count, *self.labels.shape))
        for place, taken in enumerate(self.labels.astype(np.int64)):
            some = np.flatnonzero(taken)
            one = random.hypergeometric(left[:, some], there[some] - left[:, some], taken[some])
            left[:, some] -= one
            there[some] -= taken[some]
            told[:, place, some] = one
        return told


class Ratios:
    """Likelihood ratios of what may have happened."""

    def __init__(self, urns: Urns) -> None:
        import numpy as np

        share = _rising(urns.all_yes, urns.all_labels)
        shares, weights = zip(*_alternatives(share, urns.all_labels), strict=True)
        others = np.clip(np.array(shares), _END, 1 - _END)
        no = np.log((1 - others) / (1 - share)).T
        self._of_yes = np.log(others / share).T - no
        self._fixed = np.log(np.array(weights)) + np.cumsum(urns.labels @ no, axis=0)

    def of(self, yes: Array) -> Array:
        """[draws, reaches]: logarithms, over all that may have happened; up to the first stretch, the second …"""
        import numpy as np

        return _sum(np.cumsum(yes @ self._of_yes, axis=1) + self._fixed)


def _alternatives(share: Array, labels: Array) -> Iterator[tuple[Array, float]]:
    """What the curve may have become, with how much each counts; the weights add up to 1."""
    import numpy as np

    odds = np.log(share / (1 - share))

    def curve(moved: Array) -> Array:
        told: Array = 1 / (1 + np.exp(-moved))
        return told

    yield from ((share + (1 - 2 * share) * turned, 0.35 / 6) for turned in (0.02, 0.05, 0.1, 0.2, 0.35, 0.5))
    yield from ((share * (1 - turned), 0.1 / 3) for turned in (0.1, 0.3, 0.6))
    yield from ((share + (1 - share) * turned, 0.1 / 3) for turned in (0.03, 0.1, 0.3))
    yield from ((curve(odds + moved), 0.2 / 6) for moved in (-1.5, -0.7, -0.3, 0.3, 0.7, 1.5))
    yield from ((curve(odds * steeper), 0.1 / 3) for steeper in (0.3, 0.6, 1.6))
    part = np.minimum((np.cumsum(labels) - labels / 2) / labels.sum() * _PARTS, _PARTS - 1).astype(np.int64)
    yield from ((curve(odds + moved * (part == place)), 0.15 / (2 * _PARTS)) for place in range(_PARTS) for moved in (-1.0, 1.0))


def _rising(yes: Array, labels: Array) -> Array:
    """The share that comes true, never falling with the score (pool adjacent violators); of all labels together, and so the same for every draw."""
    import numpy as np

    groups: list[tuple[float, float, int]] = []
    for one, count in zip(yes.tolist(), labels.tolist(), strict=True):
        groups.append((one, count, 1))
        while len(groups) > 1 and groups[-2][0] * groups[-1][1] >= groups[-1][0] * groups[-2][1]:
            last, before = groups.pop(), groups.pop()
            groups.append((before[0] + last[0], before[1] + last[1], before[2] + last[2]))
    told: Array = np.repeat([(one + 0.5) / (count + 1) for one, count, _ in groups], [width for _, _, width in groups])
    return told


def _grouped(labels: Array) -> np.ndarray:
    """Bins side by side, until each group has enough labels of the reference."""
    import numpy as np

    told, group, count = np.zeros(len(labels), dtype=np.int64), 0, 0.0
    for place, here in enumerate(labels.tolist()):
        told[place], count = group, count + here
        if count >= _LEAST:
            group, count = group + 1, 0.0
    return np.minimum(told, max(group - 1, 0))


def _folded(group: np.ndarray, of: Array) -> Array:
    import numpy as np

    return np.bincount(group, weights=of, minlength=int(group.max()) + 1).astype(np.float64)


def _sum(logs: Array) -> Array:
    """Of the last axis, in logarithms."""
    import numpy as np

    most = logs.max(axis=-1, keepdims=True)
    told: Array = np.log(np.exp(logs - most).sum(axis=-1)) + most[..., 0]
    return told
