"""How many labels tell that labels no longer follow from the scores: worked out on the test rows, when a model is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlforge.builtin.monitors.contradiction import Ratios, Urns
from mlforge.finding import Finding

if TYPE_CHECKING:
    from mlforge.builtin.monitors.scores import Scores

__all__ = ["LABELS", "TURNED", "seen", "telling"]

LABELS = (25, 50, 100, 200, 400, 800)
TURNED = 0.15  # of the labels
_WANTED = 0.8
_DRAWS, _SHARES = 2000, 300
_SEED = 0x74656C6C


def telling(reference: Scores, level: float) -> Finding:
    """The fewest labels of one window that tell, in 80 of 100 cases, of 15 % that are turned around."""
    powers = {count: seen(reference, count, level) for count in LABELS}
    enough = next((count for count in LABELS if powers[count] >= _WANTED), None)
    table = ", ".join(f"{count}: {power:.0%}" for count, power in powers.items())
    what = f"that {TURNED:.0%} of the labels are turned around is seen"
    text = f"{what} within a window that has so many of them ({table}); without any it cannot be known"
    evidence = {"power": {str(count): round(power, 3) for count, power in powers.items()}, "turned": TURNED, "level": level}
    return Finding(name="estimated/detectable", value=enough, unit="labels", text=text, better="lower", rows=int(reference.labels.sum()), evidence=evidence)


def seen(reference: Scores, labels: int, level: float) -> float:
    """How often so many labels of a window alarm, when a share of them is turned around; scores as on the test rows."""
    import numpy as np

    random = np.random.default_rng((_SEED, labels))
    share = reference.yes / np.maximum(reference.labels, 1.0)
    count = random.multinomial(labels, reference.labels / reference.labels.sum()).astype(np.float64)
    urns = Urns.of([reference.labelled(count, count * share)], reference)
    assert urns is not None
    ratios = Ratios(urns)
    usual = ratios.of(urns.drawn(_DRAWS, random))[:, 0]
    before = (urns.all_yes - urns.yes[0]) / (urns.all_labels - urns.labels[0])
    turned = random.binomial(urns.labels[0].astype(np.int64), before + TURNED * (1 - 2 * before), size=(_SHARES, len(before)))
    return float((ratios.of(turned[:, None].astype(np.float64))[:, 0] > np.quantile(usual, 1 - level)).mean())
