"""Carries out a plan: stage by stage, each published whole and then recorded, so that a run that is killed anywhere continues."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlforge.artifact import Bundles, Made, Verdict, write_json
from mlforge.components import Job
from mlforge.errors import GateRefused, Interrupted, MlforgeError, RecipeError, RunFailed, Vetoed
from mlforge.lifecycle.costs.limits import interruptible, machine_limits, time_limit
from mlforge.lifecycle.costs.spending import Spending
from mlforge.lifecycle.effect import Done, Effect
from mlforge.lifecycle.graph import Node, upstream
from mlforge.lifecycle.job import StageJob
from mlforge.lifecycle.plan import FINDINGS, Lifecycle, Planned
from mlforge.lifecycle.registering.standing import Standing
from mlforge.lifecycle.reporter import Quiet, Reporter
from mlforge.plugins import Hooks, Mishap

__all__ = ["Engine", "Outcome"]

log = logging.getLogger(__name__)


@dataclass
class Outcome:
    """What a run came to."""

    run: str
    steps: list[Planned] = field(default_factory=list)
    outputs: dict[str, Mapping[str, str]] = field(default_factory=dict)  # by stage: digest by port
    keys: dict[str, str] = field(default_factory=dict)
    done: list[Done] = field(default_factory=list)
    standing: Standing = field(default_factory=Standing)  # what gates and people say; of a smoke run nothing
    mishaps: tuple[Mishap, ...] = ()  # of plugins that only looked on

    @property
    def refused(self) -> bool:
        """A gate said no, or a person did."""
        return self.standing.refused

    @property
    def ran(self) -> list[str]:
        """Stages that were not reused."""
        return [step.name for step in self.steps if step.state == "run"]


@dataclass
class Engine:
    """Runs a lifecycle."""

    lifecycle: Lifecycle
    hooks: Hooks
    reporter: Reporter = field(default_factory=Quiet)
    report: Callable[[Outcome], Path | None] = lambda outcome: None  # writes what came of a run, and says where; called when it is recorded
    _verified: set[str] = field(default_factory=set)
    _spending: Spending | None = None

    def run(self, overrides: tuple[str, ...] = (), only: str | None = None) -> Outcome:
        """Run what is not there yet.

        A refusal by a gate is an outcome (`refused`), and so is waiting for somebody to sign; each is recorded like any other. Raises
        Interrupted, RunFailed and DataError as they come; each leaves what was finished in place.
        """
        recipe, store, smoke = self.lifecycle.recipe, self.lifecycle.store, self.lifecycle.smoke
        with store.lock(recipe.name), interruptible():
            run = store.records.begin_run(recipe.name, recipe.plain, overrides, smoke)
            outcome, began = Outcome(run), time.perf_counter()
            try:
                names = [node.name for node in self.lifecycle.nodes]
                self.reporter.begun(recipe.name, run, tuple(names))
                plain = store.records.run(run).plain
                with self._within_budget():
                    self.hooks.run_recipe(recipe.name, run, names, plain, overrides, smoke, lambda: self._stages(outcome, only))
            except BaseException as error:
                self._ended(run, error)
                with suppress(Vetoed):  # what ended the run is what is told
                    self._tell(outcome, time.perf_counter() - began, None)
                raise
            finally:
                with suppress(OSError):  # a cache: on a full disk it must not hide what really happened
                    self.lifecycle.code.save()
            if outcome.refused:
                store.records.end_run(run, "refused", GateRefused.exit_code)
            elif outcome.standing.waits:
                store.records.end_run(run, "waiting", GateRefused.exit_code, f"waits for approval by {', '.join(outcome.standing.waits)}")
            else:
                store.records.end_run(run, "done", 0)
            self._tell(outcome, time.perf_counter() - began, self.report(outcome))
            return outcome

    def _tell(self, outcome: Outcome, seconds: float, report: Path | None) -> None:
        """Tell plugins that the run is over and recorded; a report is written once more when that goes wrong, so that it says so."""
        record, before = self.lifecycle.store.records.run(outcome.run), self.hooks.mishaps
        outcome.mishaps = before
        told: dict[str, Any] = {"recipe": record.recipe, "state": record.state, "exit_code": record.exit_code, "message": record.message, "smoke": record.smoke}
        told |= {"ran": outcome.ran, "seconds": seconds, "report": str(report) if report else None}
        registered = next((dict(done.details) for done in outcome.done if done.event == "registered"), None)
        try:
            self.hooks.event("finished", outcome.run, told | {"registered": registered})
        finally:
            outcome.mishaps = self.hooks.mishaps
            if report and outcome.mishaps != before:
                self.report(outcome)

    @contextmanager
    def _within_budget(self) -> Iterator[None]:
        """Keeps what runs within the recipe's budget, where it has one; a smoke run is none of it."""
        recipe, store = self.lifecycle.recipe, self.lifecycle.store
        if recipe.budget is None or self.lifecycle.smoke:
            yield
            return
        self._spending = Spending.of(recipe.budget, store.spending_file(recipe.name))
        with self._spending.watched():
            yield
        self._spending.finished()

    def _stages(self, outcome: Outcome, only: str | None) -> None:
        waiting = list(self.lifecycle.nodes)
        while waiting:
            node = waiting.pop(0)
            if only is not None and node not in upstream(self.lifecycle.nodes, only):
                continue
            step = self.lifecycle.step(node, outcome.outputs, outcome.keys)
            if only is not None and node.name != only and step.state == "run":
                raise RecipeError(
                    f"--only {only} needs stage {node.name}, and that has to run: {step.reason}", hint=f"Run without --only, or --from {node.name}."
                )
            self._carry_out(step, outcome)
            if node.steers:
                self.lifecycle = self.lifecycle.steered(self.lifecycle.found(node, outcome.outputs[node.name]))
                waiting = self.lifecycle.after(node)

    def _carry_out(self, step: Planned, outcome: Outcome) -> None:
        if isinstance(step.node.stage, Effect):
            if outcome.standing.passed and not self.lifecycle.smoke:
                self._perform(step, step.node.stage, outcome)
            return
        if step.state == "reuse":
            self.lifecycle.store.records.reuse_stage(step.key, outcome.run)
            self.reporter.reused_stage(step)
            shutil.rmtree(self._folder(step), ignore_errors=True)  # of a run that was killed after the stage was recorded and before it was cleared
            outputs = step.outputs
        else:
            outputs = self._run(step, outcome)
        outcome.steps.append(step)
        outcome.outputs[step.name] = outputs
        outcome.keys[step.name] = step.key
        made = Made(step.node.stage.outputs, outputs, self.lifecycle.store.artifacts.path)
        self.hooks.findings(outcome.run, step.name, self.lifecycle.store.records.findings(step.key), made, step.state == "reuse")
        verdict = made.first(Verdict)
        if verdict is not None and not self.lifecycle.smoke:
            inputs = {kind: outcome.outputs[step.node.sources[port]][port] for port, kind in step.node.stage.inputs.items()}
            outcome.standing = Standing.of(self.lifecycle.store, self.lifecycle.recipe.name, inputs.get(Bundles, ""), verdict)

    def _run(self, step: Planned, outcome: Outcome) -> Mapping[str, str]:
        store = self.lifecycle.store
        inputs = {port: outcome.outputs[source][port] for port, source in step.node.sources.items()}
        folder = self._folder(step)
        job = self.lifecycle.job(step.node, inputs, outcome.keys, folder)
        job.beside = store.state / "runs" / outcome.run / step.name
        job.tell = lambda done, total, note: self.reporter.progressed(step, done, total, note)
        self.reporter.started(step)
        began = time.perf_counter()
        self._verify(inputs.values())
        store.records.start_stage(step.key, step.name, self.lifecycle.recipe.name, outcome.run, step.parts)
        try:
            with machine_limits(step.name):
                with self._spending.stage(step.name, job.findings) if self._spending else nullcontext():
                    self._try(step, job, outcome.run)
                    told = tuple(job.findings)  # what it has used is no headline
                self._as_before(step, job)
                outputs = self._publish(step.node, job)
                seconds = time.perf_counter() - began
                store.records.finish_stage(step.key, outcome.run, outputs, job.findings, seconds)
        except Exception as error:
            store.records.fail_stage(step.key, outcome.run, str(error))
            raise
        shutil.rmtree(folder, ignore_errors=True)
        self.reporter.finished(step, seconds, step.node.stage.headline(told))
        return outputs

    def _verify(self, digests: Iterable[str]) -> None:
        """Inputs are compared with their manifests before they are worked with, each once in a run."""
        for digest in set(digests) - self._verified:
            self.lifecycle.store.artifacts.verify(digest)
            self._verified.add(digest)

    def _as_before(self, step: Planned, job: StageJob) -> None:
        """What the stage has read is what its key speaks of, or nothing is published under that key."""
        for what, value in step.node.stage.witnessed(job).items():
            if step.parts[f"outside {what}"] != value:
                raise RunFailed(f"stage {step.name}: {what} changed while it was read", hint="Run again when it is at rest.")

    def _folder(self, step: Planned) -> Path:
        """Where a stage works: the same for the same key, so that it can continue."""
        return self.lifecycle.folder(step)

    def _try(self, step: Planned, job: StageJob, run: str) -> None:
        stage = step.node.stage
        for attempt in range(stage.retries + 1):
            job.begin()
            try:
                self.hooks.run_stage(stage, step.name, job, run, lambda: self._limited(step, job))
            except (RunFailed, OSError) as error:
                if attempt == stage.retries:
                    raise
                log.warning("stage %s failed (%s); try %d of %d", step.name, error, attempt + 2, stage.retries + 1)
            else:
                return

    def _limited(self, step: Planned, job: StageJob) -> None:
        """The work itself: what plugins do around it does not count against its limit."""
        with time_limit(step.name, step.node.stage.timeout):
            step.node.stage.run(job)

    def _publish(self, node: Node, job: StageJob) -> dict[str, str]:
        artifacts = self.lifecycle.store.artifacts
        lasting = [finding.model_dump(mode="json", exclude_defaults=True) for finding in job.findings if not finding.volatile]
        findings = job.folder / "drafts" / FINDINGS
        findings.mkdir(parents=True, exist_ok=True)
        write_json(findings / "findings.json", lasting)
        digests = {}
        for port in node.stage.outputs:
            draft = job.folder / "drafts" / port
            if not draft.is_dir() or not any(draft.iterdir()):
                raise TypeError(f"stage {node.name} has left its output {port!r} empty")
            digests[port] = artifacts.publish(draft)
        digests[FINDINGS] = artifacts.publish(findings)
        return digests

    def _perform(self, step: Planned, effect: Effect, outcome: Outcome) -> None:
        inputs = {port: outcome.outputs[source][port] for port, source in step.node.sources.items()}
        job: Job = self.lifecycle.job(step.node, inputs, outcome.keys, self.lifecycle.store.state / "work" / step.name)
        self.reporter.started(step)
        began = time.perf_counter()
        done = effect.perform(job, self.lifecycle.store, outcome.run)
        outcome.steps.append(step)
        outcome.done.append(done)
        self.reporter.finished(step, time.perf_counter() - began, done.text)
        if done.new:
            self.hooks.event(done.event, done.subject, done.details)

    def _ended(self, run: str, error: BaseException) -> None:
        records = self.lifecycle.store.records
        if isinstance(error, (Interrupted, KeyboardInterrupt)):
            records.end_run(run, "interrupted", Interrupted.exit_code, "")
        elif isinstance(error, MlforgeError):
            records.end_run(run, "failed", error.exit_code, str(error))
        else:
            records.end_run(run, "failed", 1, f"{type(error).__name__}: {error}")
