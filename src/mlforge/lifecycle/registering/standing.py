"""Where a candidate stands between the gates and the registry: what they said, and what people have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mlforge.artifact import Verdict
from mlforge.components import Ruling
from mlforge.store import Signature, Store

__all__ = ["Standing"]


@dataclass(frozen=True)
class Standing:
    """A verdict, with the signatures under it. A verdict that was refused needs none, and none helps it."""

    refused: bool = False  # by a rule, or by a person
    waits: tuple[str, ...] = ()  # roles that have said nothing yet
    signatures: tuple[Signature, ...] = ()  # what counts of what they have said

    @classmethod
    def of(cls, store: Store, model: str, bundle: str, verdict: Verdict) -> Standing:
        """Where this verdict on this bundle of this model stands now."""
        if verdict.refused:
            return cls(refused=True)
        said = store.approvals.of(model, bundle, verdict.digest) if verdict.awaited else {}
        signatures = tuple(said[role] for role in verdict.awaited if role in said)
        rejected = any(not signature.approved for signature in signatures)
        return cls(rejected, () if rejected else tuple(role for role in verdict.awaited if role not in said), signatures)

    @property
    def passed(self) -> bool:
        """May it be registered."""
        return not self.refused and not self.waits

    @property
    def rejections(self) -> tuple[str, ...]:
        """ "risk (alice: the data is from before the merger)"."""
        return tuple(_who(signature) for signature in self.signatures if not signature.approved)

    def signed(self, rulings: Iterable[Ruling]) -> tuple[Ruling, ...]:
        """The rulings, with what people said of those that waited for them."""
        said = {signature.role: signature for signature in self.signatures}
        return tuple(_signed(ruling, said[ruling.role]) if ruling.role in said else ruling for ruling in rulings)


def _signed(ruling: Ruling, signature: Signature) -> Ruling:
    return ruling.model_copy(
        update={"passed": signature.approved, "role": "", "text": f"{'approved' if signature.approved else 'rejected'} by {_who(signature)}"}
    )


def _who(signature: Signature) -> str:
    return f"{signature.role} ({signature.actor}{': ' if signature.reason else ''}{signature.reason})"
