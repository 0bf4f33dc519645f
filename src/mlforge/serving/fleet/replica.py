"""One replica: the application in an actor of Ray Serve, which passes it requests by ASGI."""

from __future__ import annotations

import asyncio
import logging
import uuid
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from mlforge.errors import MissingRequirement, RunFailed
from mlforge.serving.fleet.coordinator import Report, Update
from mlforge.serving.fleet.replica_config import ACTOR, NAMESPACE, ReplicaConfig
from mlforge.serving.fleet.replica_roster import ReplicaRoster
from mlforge.serving.rollout.assignment import KIND, Assignment

if TYPE_CHECKING:
    from mlforge.serving.asgi import Asgi
    from mlforge.serving.offer import Offer

__all__ = ["Replica"]

log = logging.getLogger(__name__)

_TURN = 0.5  # seconds between visits to the coordinator


class Replica:
    """Made by Ray Serve, in the loop that will answer."""

    async def __init__(self, config: ReplicaConfig) -> None:  # type: ignore[misc]  # Ray Serve waits for it
        """Open the models. Raises MlforgeError when that cannot be; the command that leads shows it."""
        import mlforge

        if config.version != mlforge.__version__:
            raise MissingRequirement(f"a machine of the cluster has mlforge {mlforge.__version__}", hint=f"Install mlforge {config.version} there.")
        self._name = uuid.uuid4().hex
        self._folder = TemporaryDirectory(prefix="mlforge-replica-")
        self._seen, self._keys, self._said = 0, b"", True
        self._coordinator: Any = None
        update = await self._visit(Report(self._name, False, (), (), 0))
        self._asgi = await self._opened(config, update)
        await self._attend(update)
        self._visits = asyncio.get_running_loop().create_task(self._go_on())

    async def _opened(self, config: ReplicaConfig, update: Update) -> Asgi:
        from mlforge.serving.asgi import Asgi
        from mlforge.serving.plan import Plan

        settings = config.settings.model_copy(update={"workers": 1, "threads": config.threads, "grpc_port": None, "host": "127.0.0.1"})
        if settings.access.keys is not None:
            self._take_keys(update.keys or b"")
            settings = settings.model_copy(update={"access": settings.access.model_copy(update={"keys": str(self._key_file)})})
        assignments = update.assignments or {}  # they say who serves now; the config says who did at first
        offers = [await self._brought(Assignment.read(assignments[offer.model]).serving if offer.model in assignments else offer) for offer in config.offers]
        plan = Plan.made(offers, settings, config.threads)
        self._roster = ReplicaRoster(config.replicas)
        asgi = Asgi(replace(plan, roster=self._roster))
        asgi.open()
        return asgi

    async def _attend(self, update: Update) -> None:
        """Subscribe the models to assignments, and apply the first update."""
        from mlforge.serving.rollout.agent import attend

        assert self._asgi.context is not None
        attending = asyncio.get_running_loop().create_task(attend(self._asgi.context))
        await asyncio.sleep(0)  # it listens now
        await self._take(update)
        await attending

    async def __call__(self, request: Any) -> Any:
        """One request, and its answer, as starlette has them."""
        from starlette.responses import Response

        status, headers, body = await self._asgi.answer(request.scope, request.receive)
        response = Response(status_code=status)
        response.body, response.raw_headers = body, [pair for pair in headers if pair[0] != b"x-request-id"]  # Ray Serve says it by itself
        return response

    async def check_health(self) -> None:
        """Called by Ray Serve in the event loop, so that a stuck one fails it. Raises RunFailed when the coordinator was not reached for long."""
        if self._visits.done():
            raise RunFailed("the replica has lost its way to the coordinator")

    async def __del__(self) -> None:
        """Called by Ray Serve when no request is under way any more."""
        if hasattr(self, "_visits"):
            self._visits.cancel()
            with suppress(Exception):  # the last figures
                await asyncio.wait_for(self._visit(self._report(ready=False)), 2 * _TURN)
            await self._asgi.close()
        if hasattr(self, "_folder"):
            self._folder.cleanup()

    async def _go_on(self) -> None:
        """Report to the coordinator again and again."""
        while True:
            await asyncio.sleep(_TURN)
            try:
                await self._take(await self._visit(self._report(ready=self._roster.here)))
                self._said = True
            except Exception as error:  # whatever it is: this replica goes on answering as before
                self._coordinator, self._roster.others = None, 0
                if self._said:
                    log.warning("the coordinator does not answer, so that aliases are not followed: %s", str(error).strip().splitlines()[:1])
                self._said = False

    def _report(self, *, ready: bool) -> Report:
        ledger = self._asgi.plan.ledger
        return Report(self._name, ready, ledger.own(), ledger.gauges(), self._seen, self._roster.others)

    async def _visit(self, report: Report) -> Update:
        update: Update = await self._reached().report.remote(report)
        return update

    def _reached(self) -> Any:
        import ray

        if self._coordinator is None:
            self._coordinator = ray.get_actor(ACTOR, namespace=NAMESPACE)
        return self._coordinator

    async def _take(self, update: Update) -> None:
        """What the others have counted, the keys, and who is to answer."""
        self._asgi.plan.ledger.add_others(update.cells)
        self._roster.others = update.others
        if update.keys is not None and update.keys != self._keys:
            self._take_keys(update.keys)
        if update.assignments is None or self._asgi.context is None:
            return
        for model, told in update.assignments.items():
            here = dict(told)
            here["serving"] = await self._placed(told["serving"])
            here["ladder"] = [await self._placed(one) for one in told["ladder"]]
            self._asgi.context.heard(f"{KIND} {model}", here)
        self._seen = update.number

    async def _placed(self, told: dict[str, Any]) -> dict[str, Any]:
        return {**told, "folder": str(await self._fetched(told["digest"], told["model"]))}

    async def _brought(self, offer: Offer) -> Offer:
        return replace(offer, folder=await self._fetched(offer.digest, offer.model))

    async def _fetched(self, digest: str, model: str) -> Path:
        """A bundle's folder on this machine. It is held against its digests when it is opened."""
        into = Path(self._folder.name) / digest.replace(":", "-")[:80] / model
        if not into.exists():
            parcel = await self._reached().parcel.remote(digest)
            if parcel is None:
                raise RunFailed(f"the bundle of {model} is not there any more")
            aside = into.with_name(f".{model}")
            parcel.unpacked(aside)
            aside.rename(into)
        return into

    @property
    def _key_file(self) -> Path:
        return Path(self._folder.name) / "keys.json"

    def _take_keys(self, content: bytes) -> None:
        """The file of keys as it is where the command leads; where it was taken away there, nobody gets in here."""
        self._keys = content
        if not content:
            self._key_file.unlink(missing_ok=True)
            return
        aside = self._key_file.with_suffix(".part")
        aside.touch(0o600)
        aside.write_bytes(content)
        aside.replace(self._key_file)
