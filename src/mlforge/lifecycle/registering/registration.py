"""From a verdict that has passed to a version: by a run, or by the signature that was still missing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from mlforge.artifact import Bundles, Verdict
from mlforge.components import Ruling
from mlforge.errors import GateRefused
from mlforge.lifecycle.effect import Done
from mlforge.lifecycle.registering.card import publish_card
from mlforge.lifecycle.registering.standing import Standing
from mlforge.store import RunRecord, Store

__all__ = ["Candidate"]


@dataclass(frozen=True)
class Candidate:
    """What a run would register: a bundle, the verdict on it, and whom it was compared with."""

    model: str
    run: str
    bundles: Bundles
    verdict: Verdict
    judged_against: str | None  # digest of the champion's `Bundles`

    @classmethod
    def of(cls, store: Store, run: RunRecord) -> Candidate | None:
        """The candidate of a recorded run, its artifacts verified; None when the run did not come to a verdict."""
        made = {port: (digest, use.key) for use in run.stages for port, digest in use.outputs.items()}
        if "bundles" not in made or "verdict" not in made:
            return None
        bundles, (verdict, key) = made["bundles"][0], made["verdict"]
        for digest in (bundles, verdict):
            store.artifacts.verify(digest)
        stage = store.records.stage(key)
        champion = None if stage is None else stage.parts.get("outside champion")
        places = store.artifacts.path
        return cls(run.recipe, run.id, Bundles(places(bundles), bundles), Verdict(places(verdict), verdict), None if champion == "none" else champion)

    def standing(self, store: Store) -> Standing:
        """What the gates and people say of it."""
        return Standing.of(store, self.model, self.bundles.digest, self.verdict)

    @property
    def rulings(self) -> tuple[Ruling, ...]:
        """What the gates said."""
        return tuple(Ruling.model_validate(raw) for raw in self.verdict.json("verdict.json")["rulings"])

    def register(self, store: Store) -> Done:
        """Make it a version; the same bundle again is the same version. Raises GateRefused when it has not passed."""
        if not self.standing(store).passed:
            raise GateRefused("the gates said no, or somebody has still to sign, so nothing is registered")
        known = any(version.bundle == self.bundles.digest for version in store.registry.versions(self.model))
        key = None if known else store.vouched.trust.signer()  # a key that is not there is told before anything is made
        card = None if known else publish_card(self, store)
        told = {"bundle": self.bundles.digest, "verdict": self.verdict.digest, "run": self.run, "judged_against": self.judged_against, "card": card}
        sign = None if key is None else partial(store.vouched.made, key=key)
        version, new = store.registry.register(self.model, **told, sign=sign)  # type: ignore[arg-type]
        aliases = ", ".join(version.aliases)
        text = f"{version.model} {version.version}" + (f", {aliases}" if aliases else "") + ("" if new else " (registered before)")
        text += f", {store.vouched.told(version)}" if store.vouched.trust else ""
        details = {"model": version.model, "version": version.version, "aliases": list(version.aliases), "run": version.run}
        details |= {"bundle": str(self.bundles.bundle()), "digest": version.bundle}
        return Done(str(version), "registered", text, new, details)
