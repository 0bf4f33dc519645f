"""Which models are watched, and with which overrides their recipes are composed."""

from __future__ import annotations

from mlforge.store import Store

__all__ = ["declaring", "own_overrides"]


def declaring(store: Store) -> list[str]:
    """Models whose champion's recipe says when they are trained again, or taken back."""
    found = []
    for model in store.registry.models():
        champion = store.registry.champion(model)
        plain = store.records.run(champion.run).plain if champion is not None else {}
        rollout = plain.get("rollout")
        if plain.get("retrain") or (isinstance(rollout, dict) and rollout.get("rollback")):
            found.append(model)
    return found


def own_overrides(store: Store, model: str) -> tuple[str, ...]:
    """What the command line said when somebody made the newest version by hand: a retraining says the same, with other rows."""
    made = {one.run for one in store.triggers.of(model)}
    by_hand = [version.run for version in store.registry.versions(model) if version.run not in made]
    return store.records.run(by_hand[-1]).overrides if by_hand else ()
