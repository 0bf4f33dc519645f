"""One run of mlforge as one run of MLflow, from its first stage that has work to do to its end."""

from __future__ import annotations

import getpass
import hashlib
import json
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import yaml

from mlforge.artifact import Bundles, Made, Trained
from mlforge.finding import Finding
from mlforge.secrets import mask
from mlforge_mlflow.experiment import experiment_of, found_run
from mlforge_mlflow.figures import Figure, curves, figures, params
from mlforge_mlflow.models import mirror, send_bundle
from mlforge_mlflow.server import Server
from mlforge_mlflow.settings import Settings

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["Tracker"]

_STATES = {"done": "FINISHED", "refused": "FINISHED", "waiting": "FINISHED", "failed": "FAILED", "interrupted": "KILLED"}
_REPORT = ("report.html", "report.md", "summary.json")
_METRICS, _PARAMS = 1000, 100  # most that one request may have
_LONGEST = 5000  # characters of a tag

T = TypeVar("T")


@dataclass
class Tracker:
    """Follows one run. What is reused is kept back until the run turns out to have anything to tell."""

    settings: Settings
    recipe: str
    run: str
    plain: Mapping[str, Any]
    overrides: tuple[str, ...]
    server: Server = field(init=False)
    mlflow_run: str = ""
    ships: str = ""
    mirrored: bool = False  # the version that this run has registered
    _waiting: list[tuple[str, list[Finding], Made]] = field(default_factory=list)
    _sent: Mapping[str, str] = field(default_factory=dict)  # tags of what an interrupted attempt has sent
    _results: dict[str, Mapping[str, str]] = field(default_factory=dict)  # digests by stage

    def __post_init__(self) -> None:
        """Look up the server's name; nothing is sent yet."""
        self.server = Server.of(self.settings)

    def begin(self) -> None:
        """Show the run, or go on with one of the same recipe that did not come to its end; then send what has waited."""
        if not self.mlflow_run:
            self.server.attempt(self._begin)

    def take(self, stage: str, findings: list[Finding], artifacts: Made) -> None:
        """Send what a stage has found and made, once the run is shown."""
        self._results[stage] = dict(artifacts.digests)
        self._waiting.append((stage, findings, artifacts))
        if self.mlflow_run:
            self.server.attempt(self._flush)

    def register(self, details: Mapping[str, Any]) -> None:
        """Mirror the version that the run has registered."""
        self.server.attempt(lambda client: mirror(client, self.settings, details))
        self.mirrored = not self.server.gone

    def finish(self, details: Mapping[str, Any]) -> None:
        """Send the report and close the run; a run in which all was reused is there already, or is sent now."""
        self.server.attempt(lambda client: self._finish(client, details))

    def _finish(self, client: MlflowClient, details: Mapping[str, Any]) -> None:
        known = None if self.mlflow_run else found_run(client, self.settings, self.recipe, {"mlforge.result": self._result}, ("FINISHED",))
        if known is None:
            if not self.mlflow_run:
                self._begin(client)
            self._flush(client)
            self._report(client, details)
            self._tag(client, {"mlforge.state": str(details["state"]), "mlforge.result": self._result, "mlforge.message": str(details["message"])})
            client.set_terminated(self.mlflow_run, _STATES[str(details["state"])])
        if details["registered"] and self.settings.models and not self.mirrored:
            mirror(client, self.settings, details["registered"])  # the server was away when it was registered, or this process was killed just then

    def _begin(self, client: MlflowClient) -> None:
        tags = {"mlforge.plain": self._digest, "mlforge.place": _place()}
        before = found_run(client, self.settings, self.recipe, tags, ("RUNNING", "FAILED", "KILLED"))
        if before is not None:
            self.mlflow_run, self._sent = before.info.run_id, dict(before.data.tags)
            client.update_run(self.mlflow_run, status="RUNNING")
        else:
            about = {"mlflow.source.name": f"mlforge run {self.recipe}", "mlflow.source.type": "LOCAL", "mlflow.user": _user()}
            made = client.create_run(experiment_of(client, self.settings, self.recipe), tags=tags | about, run_name=self.run)
            self.mlflow_run = made.info.run_id
            self._describe(client)
        self._tag(client, {"mlforge.run": self.run, "mlforge.recipe": self.recipe, "mlforge.overrides": " ".join(self.overrides)})
        self._flush(client)

    def _describe(self, client: MlflowClient) -> None:
        """The recipe: its values as params, all of it and its contract as files."""
        from mlflow.entities import Param

        for some in _portions([Param(name, value) for name, value in params(self.plain).items()], _PARAMS):
            client.log_batch(self.mlflow_run, params=some)
        for name, value in (("recipe.yaml", self.plain), ("contract.yaml", self.plain.get("contract"))):
            if value:
                text = yaml.safe_dump(json.loads(json.dumps(value, default=str)), sort_keys=False, allow_unicode=True)
                client.log_text(self.mlflow_run, mask(text), name)

    def _flush(self, client: MlflowClient) -> None:
        while self._waiting:
            self._send(client, *self._waiting[0])
            del self._waiting[0]

    def _send(self, client: MlflowClient, stage: str, findings: list[Finding], artifacts: Made) -> None:
        """What a stage found and made. Its tag goes with the last of it, so that a run that continues does not send it twice."""
        from mlflow.entities import Metric, RunTag

        trained, bundles = artifacts.first(Trained), artifacts.first(Bundles)
        if bundles is not None:
            self.ships = bundles.ships
        tag, value = f"mlforge.stage.{stage}", hashlib.sha256(json.dumps(dict(artifacts.digests), sort_keys=True).encode()).hexdigest()
        if self._sent.get(tag) == value:
            return
        if bundles is not None and self.settings.models:
            send_bundle(client, self.mlflow_run, bundles)
        found: list[Figure] = [*figures(findings, self.ships), *(curves(trained.folder / "curves.parquet") if trained is not None else ())]
        now = time.time_ns() // 1_000_000
        *earlier, last = _portions([Metric(name, value, now, step) for name, value, step in found], _METRICS) or [[]]
        for some in earlier:
            client.log_batch(self.mlflow_run, metrics=some)
        client.log_batch(self.mlflow_run, metrics=last, tags=[RunTag(tag, value)])

    def _report(self, client: MlflowClient, details: Mapping[str, Any]) -> None:
        folder = Path(details["report"]) if details["report"] else None
        for name in _REPORT if folder is not None else ():
            assert folder is not None
            client.log_artifact(self.mlflow_run, str(folder / name), "report")

    def _tag(self, client: MlflowClient, tags: Mapping[str, str]) -> None:
        from mlflow.entities import RunTag

        client.log_batch(self.mlflow_run, tags=[RunTag(name, mask(value)[:_LONGEST]) for name, value in tags.items() if value])

    @property
    def _digest(self) -> str:
        return hashlib.sha256(json.dumps(self.plain, sort_keys=True, default=str).encode()).hexdigest()

    @property
    def _result(self) -> str:
        """What the run came to, in a digest: the same for a run in which all was reused."""
        return hashlib.sha256(json.dumps([self._digest, self._results], sort_keys=True).encode()).hexdigest()


def _portions(items: list[T], size: int) -> list[list[T]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _place() -> str:
    """This machine and folder: a run that somebody else has under way is not ours to continue."""
    return hashlib.sha256(f"{socket.gethostname()} {Path.cwd()}".encode()).hexdigest()[:16]


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in many containers
        return "unknown"
