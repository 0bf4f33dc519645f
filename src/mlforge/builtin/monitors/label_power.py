"""The power of the test for concept drift: how many labels it needs, computed on the test rows when a model is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlforge.builtin.monitors.contradiction import Ratios, Urns
from mlforge.finding import Finding

if TYPE_CHECKING:
    import numpy as np

    from mlforge.builtin.monitors.scores import Scores

__all__ = ["LABELS", "TURNED", "fewest_labels", "seen"]

LABELS = (25, 50, 100, 200, 400, 800, 1600)
TURNED = 0.15  # of the labels
_WANTED, _CERTAIN = 0.8, 0.95
_WINDOWS, _DRAWS = 80, 300
_SEED = 0x74656C6C


def fewest_labels(reference: Scores, level: float) -> Finding:
    """The fewest labels of one window that tell, in 80 of 100 cases, of 15 % that are turned around."""
    powers: dict[int, float] = {}
    for count in LABELS:
        powers[count] = seen(reference, count, level)
        if powers[count] >= _CERTAIN:
            break
    enough = next((count for count, power in powers.items() if power >= _WANTED), None)
    table = ", ".join(f"{count}: {power:.0%}" for count, power in powers.items())
    what = f"that {TURNED:.0%} of the labels are turned around is seen"
    text = f"{what} within a window that has so many of them ({table}); without any it cannot be known"
    evidence = {"power": {str(count): round(power, 3) for count, power in powers.items()}, "turned": TURNED, "level": level}
    return Finding(name="estimated/detectable", value=enough, unit="labels", text=text, better="lower", rows=int(reference.labels.sum()), evidence=evidence)


def seen(reference: Scores, labels: int, level: float) -> float:
    """How often a window with so many labels alarms, when a share of them is turned around; scores as on the test rows."""
    import numpy as np

    random = np.random.default_rng((_SEED, labels))
    return float(np.mean([_chance(reference, labels, random) <= level for _ in range(_WINDOWS)]))


def _chance(reference: Scores, labels: int, random: np.random.Generator) -> float:
    """As `agreement` has it, of one window, by fewer draws."""
    import numpy as np

    count = random.multinomial(labels, reference.labels / reference.labels.sum())
    share = reference.yes / np.maximum(reference.labels, 1.0)
    yes = random.binomial(count, share + TURNED * (1 - 2 * share))
    urns = Urns.of([reference.labelled(count.astype(np.float64), yes.astype(np.float64))], reference)
    if urns is None:
        return 1.0
    ratios = Ratios(urns)
    return float((1 + (ratios.of(urns.drawn(_DRAWS, random)) >= ratios.of(urns.yes[None]) - 1e-9).sum()) / (_DRAWS + 1))
