"""The account of a run when it is over: what each stage did and made, for people, programs and the report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlforge.artifact import Artifact, Quarantine, Table, Trained, Tuned, Verdict, write_json
from mlforge.components import Ruling
from mlforge.lifecycle.engine import Outcome
from mlforge.lifecycle.plan import Lifecycle
from mlforge.lifecycle.sweep.view import sweep_view
from mlforge.recipe import show
from mlforge.report.figures import moment
from mlforge.report.kept import write_report
from mlforge.report.view import RunView, StageView
from mlforge.store import RunRecord

__all__ = ["Account"]


@dataclass(frozen=True)
class Account:
    """What a run did, drawn from its records."""

    outcome: Outcome
    lifecycle: Lifecycle
    record: RunRecord

    @classmethod
    def of(cls, outcome: Outcome, lifecycle: Lifecycle) -> Account:
        """The account of an outcome."""
        return cls(outcome, lifecycle, lifecycle.store.records.run(outcome.run))

    @property
    def rulings(self) -> tuple[Ruling, ...]:
        """What the gates said; nothing when the recipe has none, or the run did not come that far."""
        verdict = self._made(Verdict)
        if not verdict:
            return ()
        whole = {one.name: one.evidence["ruling"] for stage in self._stages() for one in stage.findings if one.volatile and "ruling" in one.evidence}
        rulings = [Ruling.model_validate(whole.get(f"gate/{raw['rule']}", raw)) for raw in verdict.json("verdict.json")["rulings"]]
        return self.outcome.standing.signed(rulings)

    def as_json(self) -> dict[str, Any]:
        """For `--json` and `summary.json`: every output by name, digest and place."""
        artifacts = self.lifecycle.store.artifacts
        stages = []
        for step in self.outcome.steps:
            outputs = dict(self.outcome.outputs.get(step.name, {}))
            state = "done" if step.node.stage.effect else step.state
            stages.append({"name": step.name, "state": state, "outputs": outputs, "folders": {port: str(artifacts.path(d)) for port, d in outputs.items()}})
        done = [{"subject": done.subject, "event": done.event, "new": done.new} for done in self.outcome.done]
        return {
            "recipe": self.record.recipe,
            "run": self.record.id,
            "passed": self.outcome.standing.passed,
            "waits": list(self.outcome.standing.waits),
            "stages": stages,
            "done": done,
            "warnings": self.warnings,
        }

    @property
    def warnings(self) -> list[str]:
        """What went wrong in plugins that only looked on."""
        return [str(mishap) for mishap in self.outcome.mishaps]

    def when_unchanged(self) -> dict[str, Any]:
        """What `as_json` would tell of the same command once more."""
        told = self.as_json()
        stages = [stage | {"state": "reuse" if stage["state"] == "run" else stage["state"]} for stage in told["stages"]]
        return told | {"stages": stages, "done": [done | {"new": False} for done in told["done"]], "warnings": []}

    def view(self) -> RunView:
        """What the report shows."""
        recipe, table, quarantine = self.lifecycle.recipe, self._made(Table), self._made(Quarantine)
        rulings = self.rulings
        return RunView(
            recipe=recipe.name,
            run=self.record.id,
            started=moment(self.record.started),
            stages=tuple(self._stages()),
            description=recipe.description,
            passed=self.outcome.standing.passed if rulings else None,
            waits=self.outcome.standing.waits,
            rulings=rulings,
            options=dict(_flat(recipe.options)),
            overrides=self.record.overrides,
            source="\n".join(show(recipe).lines()),
            rows=table.rows if table else None,
            quarantine=dict(quarantine.json("summary.json")["reasons"]) if quarantine else {},
            curves=self._curves(),
            champion=self._champion(),
            registered=" · ".join(done.text for done in self.outcome.done),
            sweep=sweep_view(tuned) if (tuned := self._made(Tuned)) is not None else None,
            next=self.next,
            warnings=tuple(self.warnings),
        )

    @property
    def next(self) -> tuple[str, ...]:
        """Commands that one may want now."""
        name = self.record.recipe
        if self.outcome.done:
            return self._next_of_version(name)
        if self.outcome.standing.waits:
            return tuple(f"mlforge approve {self.record.id} --role {role}" for role in self.outcome.standing.waits)
        return (f"mlforge runs {self.record.id}",) if self.outcome.refused else ()

    def _next_of_version(self, name: str) -> tuple[str, ...]:
        """What a version is for: the champion is put to use, a challenger is held against it."""
        told = self.outcome.done[-1].details
        if "challenger" in told.get("aliases", ()):
            version = told["version"]
            return (f"mlforge diff {name}@champion {name}@{version}", f"mlforge promote {name} {version}")
        watch = (f"mlforge monitor {name} --source FILE",) if self.lifecycle.recipe.sections.get("monitors") else ()
        return (f"mlforge predict {name} --source FILE --sink FILE", f"mlforge serve {name}", *watch)

    def write(self, folder: Path) -> Path:
        """Write `report.html`, `report.md`, `report.json` and `summary.json`; the path of the page."""
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "summary.json", self.as_json())
        return write_report(self.view(), folder)

    def _stages(self) -> Iterable[StageView]:
        seconds = {use.name: use.seconds for use in self.record.stages}
        for step in self.outcome.steps:
            outputs = self.outcome.outputs.get(step.name, {})
            findings = self.lifecycle.store.records.findings(step.key) if step.key else []
            state = "done" if step.node.stage.effect else step.state
            yield StageView(step.name, state, seconds.get(step.name), outputs, tuple(findings))

    def _curves(self) -> tuple[tuple[int, str, float], ...]:
        trained = self._made(Trained)
        if trained is None or not (trained.folder / "curves.parquet").exists():
            return ()
        import polars as pl

        return tuple(pl.read_parquet(trained.folder / "curves.parquet", columns=["epoch", "name", "value"]).rows())

    def _champion(self) -> str:
        for outputs in self.outcome.outputs.values():
            if "bundles" in outputs and (champion := self.lifecycle.champion(outputs)) is not None:
                return f"{champion.model} {champion.version}"
        return ""

    def _made(self, kind: type[Artifact]) -> Any:
        for step in self.outcome.steps:
            for port, made in step.node.stage.outputs.items():
                if issubclass(made, kind):
                    return made(self.lifecycle.store.artifacts.path(self.outcome.outputs[step.name][port]))
        return None


def _flat(options: Mapping[str, str | Mapping[str, str]]) -> Iterable[tuple[str, str]]:
    for section, option in options.items():
        if isinstance(option, str):
            yield section, option
        else:
            yield from ((f"{section}.{entry}", one) for entry, one in option.items())
