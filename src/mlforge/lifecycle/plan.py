"""What a run would do, and why: each stage's key against what the store has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

from mlforge.artifact import Artifact, Bundles, Tuned
from mlforge.components import Champion, Sweep
from mlforge.errors import MissingRequirement, RecipeError, nearest
from mlforge.finding import Finding
from mlforge.lifecycle.code import CodeIndex
from mlforge.lifecycle.graph import Node
from mlforge.lifecycle.job import StageJob
from mlforge.lifecycle.keys import changes, key_of, parts_of
from mlforge.lifecycle.steering import nodes_of
from mlforge.recipe import Recipe, spelled
from mlforge.sections import SECTIONS
from mlforge.store import StageRecord, Store

__all__ = ["FINDINGS", "Lifecycle", "Planned", "State"]

FINDINGS = "findings"  # the output port that every pure stage has
State = Literal["reuse", "run", "after", "once", "done"]


@dataclass(frozen=True)
class Planned:
    """What is to happen with one stage: reused, run, run after another one has, or done once."""

    node: Node
    state: State
    reason: str = ""
    key: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)  # of a stage that is reused: digest by port
    seconds: float | None = None  # median of earlier runs

    @property
    def name(self) -> str:
        """The stage's name."""
        return self.node.name


@dataclass
class Lifecycle:
    """One recipe over one store."""

    recipe: Recipe
    store: Store
    nodes: tuple[Node, ...]
    smoke: bool = False
    forced: frozenset[str] = frozenset()  # stages to run even where they could be reused
    rival: tuple[Champion | None] | None = None  # whom to compare with, where that is settled beforehand
    _champions: dict[str, Champion | None] = field(default_factory=dict)  # by the candidate's bundles

    @cached_property
    def code(self) -> CodeIndex:
        """The source digests, remembered beside the store."""
        return CodeIndex(self.store.state / "cache" / "code.json")

    def afresh(self) -> Lifecycle:
        """The same, with nothing remembered of who is champion."""
        return replace(self, _champions={})

    def plan(self) -> list[Planned]:
        """What a run would do with each stage, in order."""
        outputs: dict[str, Mapping[str, str]] = {}
        keys: dict[str, str] = {}
        planned = []
        lifecycle, waiting = self, list(self.nodes)
        while waiting:
            node = waiting.pop(0)
            try:
                step = lifecycle.step(node, outputs, keys)
            except MissingRequirement as error:  # a machine without the extra can plan; a run says at once what to install
                step = Planned(node, "run", str(error.args[0]), seconds=self._seconds(node))
            if step.state == "reuse":
                outputs[node.name] = step.outputs
                keys[node.name] = step.key
                if node.steers:
                    lifecycle = lifecycle.steered(lifecycle.found(node, step.outputs))
                    waiting = lifecycle.after(node)
            planned.append(step)
        with suppress(OSError):  # a cache: that it cannot be written hides nothing
            self.code.save()
        return planned

    def step(self, node: Node, outputs: Mapping[str, Mapping[str, str]], keys: Mapping[str, str]) -> Planned:
        """What to do with a stage, given the outputs and keys of those before it, as far as they are known."""
        seconds = self._seconds(node)
        waits = [name for name in node.waits if name not in outputs]
        if node.stage.effect:
            return self._effect(node, outputs, waits, seconds)
        if waits:
            return Planned(node, "after", f"after {waits[-1]}", seconds=seconds)
        inputs = {port: outputs[source][port] for port, source in node.sources.items()}
        gathered = {f"findings of {name}": outputs[name][FINDINGS] for name in node.after}
        job = self.job(node, inputs, keys, self.store.state / "work" / node.name)
        external = dict(node.stage.external(job))
        if "champion" in node.stage.reads:
            champion = self.champion(inputs)
            external["champion"] = champion.bundle.digest if champion else "none"
        parts = parts_of(node.name, node.stage, self.recipe, inputs | gathered, external, self.code, self.store.state / "salt", smoke=self.smoke)
        parts |= self._of_trials(node, parts)
        key = key_of(parts)
        if node.name in self.forced:
            return Planned(node, "run", "asked for", key, parts, seconds=seconds)
        record = self.store.records.stage(key)
        if record is not None and record.state == "done":
            missing = [port for port, digest in record.outputs.items() if not self.store.artifacts.has(digest)]
            if not missing:
                return Planned(node, "reuse", "", key, parts, record.outputs, seconds)
            return Planned(node, "run", f"its {missing[0]} is gone from the store", key, parts, seconds=seconds)
        return Planned(node, "run", self._why(node, parts, record), key, parts, seconds=seconds)

    def steered(self, overrides: Sequence[str]) -> Lifecycle:
        """The same with more overrides: what a search has found joins the recipe."""
        recipe = self.recipe.again(overrides)
        made = replace(self, recipe=recipe, nodes=nodes_of(recipe))
        made.__dict__["code"] = self.code  # one memory of what was read
        return made

    def found(self, node: Node, outputs: Mapping[str, str]) -> tuple[str, ...]:
        """The overrides that a search has found."""
        port = next(port for port, kind in node.stage.outputs.items() if issubclass(kind, Tuned))
        return Tuned(self.store.artifacts.path(outputs[port])).overrides

    def after(self, node: Node) -> list[Node]:
        """The stages behind this one."""
        names = [one.name for one in self.nodes]
        return list(self.nodes[names.index(node.name) + 1 :])

    def _of_trials(self, node: Node, own: Mapping[str, str]) -> dict[str, str]:
        """What decides the outcome of a search's trials besides what it reads itself."""
        found: dict[str, str] = {}
        sweep = self.recipe.sections.get("sweep")
        if not node.trials or not isinstance(sweep, Sweep):
            return found
        recipes = {"": self.recipe}
        for one in sweep.space.values():
            if one.key in SECTIONS:
                recipes |= {f"{text}: ": self.recipe.trial([text]) for value in one.choice or () for text in (spelled(one.key, value),)}
        for label, recipe in recipes.items():
            for trial in node.trials:
                parts = parts_of(trial.name, trial.stage, recipe, {}, {}, self.code, self.store.state / "salt", smoke=self.smoke)
                found |= {f"{label}{name}": value for name, value in parts.items() if f"{label}{name}" not in own}
        return found

    def folder(self, step: Planned) -> Path:
        """Where a stage works: the same for the same key, so that it can continue."""
        return self.store.state / "work" / f"{self.recipe.name}.{step.name}.{step.key[:16]}"

    def job(self, node: Node, inputs: Mapping[str, str], keys: Mapping[str, str], folder: Path) -> StageJob:
        """The job of a stage whose inputs are in the store."""
        kinds = node.ports
        return StageJob(
            node=node,
            recipe=self.recipe,
            inputs={port: kinds[port](self.store.artifacts.path(digest), digest) for port, digest in inputs.items()},
            folder=folder,
            smoke=self.smoke,
            tell=lambda done, total, note: None,
            gathered=lambda: self.findings(node, keys),
            champions=lambda: self.champion(inputs),
            lifecycle=self,
        )

    def findings(self, node: Node, keys: Mapping[str, str]) -> list[Finding]:
        """The findings of every stage that `node` gathers from."""
        return [finding for name in node.after for finding in self.store.records.findings(keys[name])]

    def version(self, reference: str) -> Champion:
        """A registered model. RecipeError when there is none of that name."""
        found = self.store.registry.resolve(reference)
        return Champion(found.model, found.version, Bundles(self.store.artifacts.path(found.bundle), found.bundle))

    def champion(self, inputs: Mapping[str, str]) -> Champion | None:
        """The version to compare these bundles with: who was champion when they were judged before, else who is now.

        A candidate that has become champion would otherwise be judged again, against itself. Looked up once: a promotion while the run goes on does not
        change what it compares with. A champion whose bundle is lost is one that nothing can be compared with, and not none.
        """
        if self.rival is not None:
            return self.rival[0]
        candidate = inputs.get("bundles", "")
        if candidate not in self._champions:
            self._champions[candidate] = self._rival(candidate)
        return self._champions[candidate]

    def _rival(self, candidate: str) -> Champion | None:
        versions = self.store.registry.versions(self.recipe.name)
        judged = next((version for version in versions if version.bundle == candidate), None)
        if judged is not None:
            rival = next((version for version in versions if version.bundle == judged.judged_against), None)
        else:
            rival = self.store.registry.champion(self.recipe.name)
        if rival is None:
            return None
        there = self.store.artifacts.has(rival.bundle)
        folder = self.store.artifacts.path(rival.bundle) if there else self.store.state / "lost" / rival.bundle
        return Champion(rival.model, rival.version, Artifact(folder, rival.bundle))

    def named(self, stage: str) -> Node:
        """The node of that name; RecipeError when the recipe has no such stage."""
        for node in self.nodes:
            if node.name == stage:
                return node
        names = [node.name for node in self.nodes]
        raise RecipeError(f"recipe {self.recipe.name} has no stage {stage!r}; it has {', '.join(names)}", hint=nearest(stage, names))

    def _effect(self, node: Node, outputs: Mapping[str, Mapping[str, str]], waits: list[str], seconds: float | None) -> Planned:
        if not waits:
            known = [v for v in self.store.registry.versions(self.recipe.name) if v.bundle == outputs[node.sources["bundles"]].get("bundles")]
            if known:
                return Planned(node, "done", f"{known[0].model} {known[0].version}", seconds=seconds)
        return Planned(node, "once", "if the gates pass", seconds=seconds)

    def _why(self, node: Node, parts: Mapping[str, str], record: StageRecord | None) -> str:
        if record is not None:
            return "failed the last time" if record.state == "failed" else "was begun and not finished"
        before = self.store.records.latest(self.recipe.name, node.name, self.smoke)
        if before is None:
            return "never run before"
        told = changes(parts, before.parts)
        return ", ".join(told[:3]) + (f" and {len(told) - 3} more" if len(told) > 3 else "")

    def _seconds(self, node: Node) -> float | None:
        seen = sorted(self.store.records.seconds(self.recipe.name, node.name, self.smoke))
        return seen[len(seen) // 2] if seen else None
