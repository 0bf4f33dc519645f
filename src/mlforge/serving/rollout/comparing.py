"""How the decisions of two versions are counted so that they can be compared: classes by name, values by the fifths of what training has seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from mlforge.runtime.bundle import Bundle, read_bundle
from mlforge.serving.offer import Offer
from mlforge.serving.rollout.figures import DECISIONS
from mlforge.serving.rollout.trial import Decisions

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Decider", "comparable"]

_FIFTHS = (-0.8416, -0.2533, 0.2533, 0.8416)  # of a standard normal target


@dataclass(frozen=True, slots=True)
class Decider:
    """Maps predictions to codes. The incumbent's bundle defines them for both versions, so that both are counted alike."""

    codes: Mapping[object, int]  # class → code
    edges: NDArray[np.float64] | None = None  # of a value's fifths

    @classmethod
    def of(cls, bundle: Bundle) -> Self:
        """As this bundle's output suggests."""
        if bundle.output.kind == "value":
            return cls({}, np.asarray(_FIFTHS) * bundle.output.scale + bundle.output.offset)
        return cls({name: position for position, name in enumerate(bundle.output.classes)})

    def decided(self, predictions: NDArray[np.generic]) -> NDArray[np.int64]:
        """The code of each prediction; a class that the incumbent does not know counts as the last."""
        if self.edges is not None:
            return np.searchsorted(self.edges, predictions.astype(float).ravel()).astype(np.int64)
        return np.asarray([self.codes.get(one, DECISIONS - 1) for one in predictions.ravel().tolist()], np.int64)


def comparable(incumbent: Offer, newcomer: Offer) -> Decisions:
    """What of their decisions can be compared; nothing when they predict different things."""
    old, new = (read_bundle(offer.folder).output for offer in (incumbent, newcomer))
    if (old.kind, old.target, set(map(str, old.classes))) != (new.kind, new.target, set(map(str, new.classes))):
        return Decisions()
    if old.kind == "value":
        edges = [f"{edge * old.scale + old.offset:.4g}" for edge in _FIFTHS]
        return Decisions((*edges, "all"), ordered=True)
    return Decisions(tuple(map(str, old.classes[:DECISIONS]))) if old.kind == "classes" else Decisions()
