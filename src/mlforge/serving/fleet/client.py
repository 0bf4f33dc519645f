"""The leading command's client of the coordinator."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlforge.errors import RunFailed
from mlforge.serving.fleet.coordinator import LEFT, Coordinator
from mlforge.serving.fleet.parcel import Parcel
from mlforge.serving.fleet.replica_config import ACTOR, NAMESPACE
from mlforge.serving.offer import Offer
from mlforge.serving.rollout.assignment import Assignment

__all__ = ["CoordinatorClient"]

_ANSWER = 30.0  # seconds within which the coordinator answers, also on a machine under load
_GONE = 10.0  # seconds in which an old coordinator has gone
_LOOK = 0.1  # seconds between looks at that


class CoordinatorClient:
    """Publishes assignments, uploads bundles, and sends heartbeats. Every call may raise what Ray raises when the coordinator is gone."""

    def __init__(self, offers: Sequence[Offer], keys: str | None) -> None:
        self._offers, self._keys = tuple(offers), keys
        self._name, self._number = uuid.uuid4().hex, 0
        self._coordinator: Any = None

    def open(self) -> None:
        """Start a new coordinator; an old one without a leader is killed. Raises RunFailed when another command keeps leading."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        with suppress(ValueError):  # there is none
            self._coordinator = ray.get_actor(ACTOR, namespace=NAMESPACE)
            if not _within(lambda: self._ask("leader") in ("", self._name), 1.5 * LEFT):
                raise RunFailed("another `mlforge serve` leads on that Ray cluster", hint="Stop it first, or serve its models and these with one command.")
            ray.kill(self._coordinator)
            _within(_gone, _GONE)
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
        actor = ray.remote(Coordinator).options(name=ACTOR, namespace=NAMESPACE, lifetime="detached", num_cpus=0, scheduling_strategy=here)
        self._coordinator = actor.remote()

    def tell(self, assignments: Mapping[str, Assignment]) -> None:
        """Publish the assignments, after uploading the bundles that replicas need for them."""
        offers = {offer.digest: offer for offer in self._offers if offer.model not in assignments}
        for assignment in assignments.values():
            offers |= {offer.digest: offer for offer in (assignment.serving, *assignment.ladder)}
        for digest in self._ask("missing", list(offers)):
            self._ask("bring", digest, Parcel.packed(offers[digest].folder))
        self._number += 1
        self._ask("tell", self._number, {model: assignment.plain() for model, assignment in assignments.items()}, self.keys(), list(offers))

    def alive(self) -> bool:
        """Send a heartbeat; False when the coordinator has lost its state."""
        return not self._ask("lead", self._name, self._number)

    def settled(self) -> int:
        """How many replicas are ready and know of each other."""
        return int(self._ask("settled"))

    def keys(self) -> bytes | None:
        """The file of keys; None when nobody needs one, nothing when it was taken away, so that nobody gets in."""
        try:
            return None if self._keys is None else Path(self._keys).read_bytes()
        except OSError:
            return b""

    def close(self) -> None:
        """Kill the coordinator, if it is this command's."""
        import ray

        if self._coordinator is not None and self._ask("leader") == self._name:
            ray.kill(self._coordinator)

    def _ask(self, what: str, *given: Any) -> Any:
        import ray

        return ray.get(getattr(self._coordinator, what).remote(*given), timeout=_ANSWER)


def _within(condition: Callable[[], bool], seconds: float) -> bool:
    """Does it come true within that time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK)
    return True


def _gone() -> bool:
    import ray

    try:
        ray.get_actor(ACTOR, namespace=NAMESPACE)
    except ValueError:
        return True
    return False
