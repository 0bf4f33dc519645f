"""Which versions answer for a model right now, as the supervisor tells its workers: the whole state, not a change, so that a late worker needs one message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from mlforge.service.rollout import Rollout
from mlforge.serving.offer import Offer

__all__ = ["KIND", "Assignment", "offer_of", "plain_offer"]

KIND = "rollout"  # of the message: "rollout adult" is about adult


@dataclass(frozen=True, slots=True)
class Assignment:
    """The versions of one model that answer, stand by as fallbacks, or shadow."""

    generation: int  # each assignment has a higher one than those before it
    serving: Offer
    settings: Rollout
    newcomer: Offer | None = None  # on trial
    share: float = 0.0  # of the requests that the newcomer answers
    ladder: tuple[Offer, ...] = ()  # asked in this order when the one that serves fails
    shadow: Offer | None = None

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "generation": self.generation, "serving": plain_offer(self.serving), "settings": self.settings.model_dump(mode="json"),
            "newcomer": plain_offer(self.newcomer) if self.newcomer else None, "share": self.share, "ladder": [plain_offer(one) for one in self.ladder],
            "shadow": plain_offer(self.shadow) if self.shadow else None,
        }  # fmt: skip

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Self:
        """From JSON."""
        return cls(
            told["generation"], offer_of(told["serving"]), Rollout.model_validate(told["settings"]),
            offer_of(told["newcomer"]) if told["newcomer"] else None, told["share"], tuple(offer_of(one) for one in told["ladder"]),
            offer_of(told["shadow"]) if told["shadow"] else None,
        )  # fmt: skip


def plain_offer(offer: Offer) -> dict[str, Any]:
    """An offer as JSON has it."""
    return {"model": offer.model, "version": offer.version, "digest": offer.digest, "folder": str(offer.folder), "alias": offer.alias,
            "reference": str(offer.reference) if offer.reference else None, "described": offer.described}  # fmt: skip


def offer_of(told: Mapping[str, Any]) -> Offer:
    """An offer from JSON."""
    reference = Path(told["reference"]) if told["reference"] else None
    return Offer(told["model"], told["version"], told["digest"], Path(told["folder"]), told["alias"], reference, told["described"])
