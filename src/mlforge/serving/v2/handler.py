"""What is said in the protocol, whether over HTTP or over gRPC: about the server, about its models, and by them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from mlforge.serving.http import Headers, Refused, nameable
from mlforge.serving.v2.answer import Said
from mlforge.serving.v2.datatypes import DATATYPES
from mlforge.serving.v2.inference import Inference
from mlforge.serving.v2.intake import Intake
from mlforge.serving.v2.metadata import ModelMetadata, described

if TYPE_CHECKING:
    from mlforge.serving.context import WorkerContext
    from mlforge.serving.lane import Lane

__all__ = ["Handler", "Indexed"]


@dataclass(frozen=True, slots=True)
class Indexed:
    """A model in the index of the repository."""

    name: str
    version: str
    state: str = "READY"
    reason: str = ""


class Handler:
    """Speaks for the models of one context."""

    def __init__(self, context: WorkerContext) -> None:
        self._context = context
        self._intakes: WeakKeyDictionary[Lane, Intake] = WeakKeyDictionary()

    @property
    def ready(self) -> bool:
        """Are all models ready, in all workers."""
        return self._context.roster.ready

    def models(self) -> Iterator[Indexed]:
        """The models that are served."""
        return (Indexed(served.name, _version(served.lane) or "") for served in self._context.models)

    def lane(self, model: str, version: str = "", headers: Headers | None = None) -> Lane:
        """The version that answers for a model, to a request with these headers. Raises Refused, 404, when it is not served here."""
        served = self._context.models.named(model)
        lane = served.choose(headers.get(served.key_header) if headers and served.key_header else None)
        if version and version != _version(lane):
            known = _version(lane)
            told = f"version {known} is served" if known else "it was served from a folder, and has no versions"
            raise Refused(404, f"model {model[:60]} has no version {version[:60]!r} here; {told}")
        return lane

    def metadata(self, model: str, version: str = "") -> ModelMetadata:
        """What a model takes and puts out. Raises Refused, 404, when it is not served here."""
        lane = self.lane(model, version)
        known = _version(lane)
        return described(model, [known] if known else [], lane.engine.bundle, self.intake(lane).signature)

    def intake(self, lane: Lane) -> Intake:
        """The tensors that a version takes."""
        intake = self._intakes.get(lane)
        if intake is None:
            intake = self._intakes[lane] = Intake(lane.engine, lane.decoder, self._context.settings.limits)
        return intake

    async def infer(self, model: str, lane: Lane, asked: Inference, ident: str, patience: float | None = None) -> Said:
        """What a model says to a request, whose client waits for so many seconds. Raises Refused: 400 for rows that break the contract."""
        begun = time.perf_counter()
        served = self._context.models.named(model)
        load = self.intake(lane).load(asked.tensors)
        if served.by_load is not None:
            lane, load = served.by_load(lane, load)
        if load.rejected:
            self._context.figures.rejected.add(len(load.rejected))
            raise Refused(400, load.refusal().message)
        if not load.good:
            return Said(model, _version(lane), self._nothing(lane))
        lane, answer = await served.ask(lane, load, asked.id if asked.id and nameable(asked.id) else ident, begun + self._patience(asked, patience))
        return Said(model, _version(lane), {name: answer.output(name) for name in answer.outputs}, lane.fallback)

    def _patience(self, asked: Inference, client: float | None) -> float:
        """Seconds until an answer is of no use: the shortest of what anybody says."""
        longest: float = self._context.settings.deadline
        if client is not None:
            longest = min(longest, client)
        return longest if (own := asked.timeout_s) is None else min(longest, own)

    def _nothing(self, lane: Lane) -> dict[str, np.ndarray]:
        """The outputs for no rows."""
        outputs = described("", (), lane.engine.bundle, self.intake(lane).signature).outputs
        return {one.name: np.empty([0, *one.shape[1:]], DATATYPES[one.datatype].stored) for one in outputs}


def _version(lane: Lane) -> str | None:
    return str(lane.engine.version) if lane.engine.version else None
