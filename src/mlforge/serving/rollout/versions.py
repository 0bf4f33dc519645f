"""What the store has of one model: which version an alias points at, what its recipe says of rollouts, where its bundle lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from mlforge.errors import MlforgeError
from mlforge.runtime.bundle import read_bundle
from mlforge.service.rollout import Rollout
from mlforge.serving.monitors.references import watched_by
from mlforge.serving.offer import Offer

if TYPE_CHECKING:
    from mlforge.store import Store, Version

__all__ = ["Versions"]


class Versions:
    """The registered versions of one model, as rollouts need them."""

    def __init__(self, store: Store, model: str, alias: str = "") -> None:
        self._store, self.model, self.alias = store, model, alias

    def newest(self) -> int:
        """The number of the newest audit entry: it rises with whatever is registered or moved."""
        return self._store.audit.newest()

    def pointed(self) -> Version | None:
        """The version that the alias points at; None when the server does not follow one."""
        return self._store.registry.resolve(f"{self.model}@{self.alias}") if self.alias else None

    def version(self, number: int) -> Version:
        """A version by its number."""
        return self._store.registry.resolve(f"{self.model}@{number}")

    def found(self, reference: str) -> Version | None:
        """A version of any model, as `adult_simple@champion` names it; None when there is none."""
        try:
            return self._store.registry.resolve(reference)
        except MlforgeError:
            return None

    def before(self, number: int) -> Version | None:
        """The version that a rollback from this one would lead to."""
        stack = self._store.registry.standing(self.model, self.alias or "champion")
        earlier = stack[: stack.index(number)] if number in stack else [one for one in stack if one != number]
        return self.version(earlier[-1]) if earlier else None

    def promoted(self, number: int) -> bool:
        """Was the alias promoted to this version, whose rollout is not over yet; otherwise it went back to it, or has served."""
        return self._store.registry.unsettled(self.model, self.alias) == number

    def offer(self, version: Version) -> Offer:
        """Where its bundle lies, every digest verified, and its signature where the project signs.

        Raises DataError or RunFailed when it is damaged, Untrusted when nobody has signed it whose signature counts.
        """
        folder, described = self._store.vouched.opened(version)
        read_bundle(folder, described)
        alias = self.alias if version.model == self.model else ""
        return Offer(version.model, version.version, version.bundle, folder, alias, watched_by(self._store, version), described)

    def settings(self, version: Version) -> Rollout:
        """What its recipe says, as it was recorded; the defaults where an older mlforge wrote something else."""
        try:
            return Rollout.model_validate(self._store.records.run(version.run).plain.get("rollout") or {})
        except (ValidationError, MlforgeError):
            return Rollout()

    def roll_back(self, newcomer: int, to: int, reason: str) -> tuple[Version, Version] | None:
        """Point the alias back. None when somebody has moved it meanwhile."""
        return self._store.registry.roll_back(self.model, to, alias=self.alias, reason=reason, actor="mlforge serve", only=newcomer)

    def settle(self, number: int, reason: str) -> None:
        """The rollout of this version is over, and it stays."""
        self._store.registry.settle(self.model, self.alias, number, reason=reason, actor="mlforge serve")
