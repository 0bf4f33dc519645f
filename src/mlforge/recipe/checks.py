"""What must hold between the parts of a recipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from mlforge.components import Component, Exporter, Gate, Model, Probe, Protection, Stage, Sweep, Trainer, Transform, dealt, rules_of
from mlforge.compress import Compress
from mlforge.contract import Contract
from mlforge.errors import Problem, nearest
from mlforge.recipe.lineage import Use
from mlforge.recipe.node import Node
from mlforge.recipe.protecting import protecting
from mlforge.recipe.words import few
from mlforge.runtime.protections import sealed
from mlforge.sections import SECTIONS, active
from mlforge.task import Task

__all__ = ["Facts", "check"]

_WINDOWS = {"evaluators": "test", "checks": "data"}
"""The window on which a section's probes look, which is the first part of their findings' names."""

_CURVES = {"classification": "validation/accuracy", "multilabel": "validation/accuracy", "regression": "validation/rmse"}
"""What a fit measures on the validation rows besides the loss."""

_USUAL = {"classes": "classification", "value": "regression", "labels": "multilabel", "bytes": "language"}
"""The evaluator that comes along for what a task puts out."""

_TIMES = "test/latency/"
"""What is measured of the model and not of the test rows: it spoils nothing."""

_ALWAYS = frozenset({"seed", "task", "champion", "stages"})


@dataclass(frozen=True, slots=True)
class Facts:
    """The recipe as far as it could be typed; what could not be is None or left out."""

    root: Node
    uses: Mapping[str, Use]
    sections: Mapping[str, Component | Mapping[str, Component]]
    stages: Mapping[str, Stage]
    contract: Contract | None
    task: Task | None
    all_stages: bool = True  # False when a plugin could not deliver one
    compress: Compress | None = None

    def place(self, *path: str) -> Node:
        """The node at a path, or the nearest above it."""
        return self.root.nearest(path)

    def present(self) -> frozenset[str]:
        """Sections that the recipe has, whether or not they could be typed."""
        chosen = {where.partition(".")[0] for where in self.uses}
        return frozenset(chosen | {"contract"})  # one that is missing is a problem of its own

    def active(self) -> dict[str, Stage]:
        """The stages that the recipe has sections for."""
        return active(self.stages, self.present())

    def entries(self, section: str) -> Mapping[str, Component]:
        """The components of a section in the plural."""
        found = self.sections.get(section, {})
        return found if isinstance(found, Mapping) else {}


def check(facts: Facts) -> Iterator[Problem]:
    """Everything that does not fit together."""
    misprotected = list(protecting(facts.root, facts.contract, facts.entries("privacy"), facts.entries("references")))
    yield from misprotected
    if facts.contract is not None and not misprotected:  # the rest looks at the rows as they are after protection
        entries = {entry: one for entry, one in facts.entries("privacy").items() if isinstance(one, Protection)}
        facts = replace(facts, contract=sealed(facts.contract, rules_of(facts.contract, entries)))
    yield from _targets(facts)
    yield from _fit(facts)
    yield from _taking_part(facts)
    yield from _taught(facts)
    yield from _objections(facts)
    yield from _untaken(facts)
    yield from _idle(facts)
    yield from _gates(facts)
    yield from _goals(facts)
    yield from _exported(facts)
    yield from _compressed(facts)
    yield from _unread(facts)


def _targets(facts: Facts) -> Iterator[Problem]:
    contract, task = facts.contract, facts.task
    if contract is None and "contract" not in facts.root.items and {"source", "model"} & facts.present():
        yield Problem("contract", "missing: nothing says what the columns are", facts.root.origin, "contract: {columns: {…}}", "Write what each column is.")
    if contract is None or task is None or "model" not in facts.present():
        return
    targets = contract.having("target")
    fewest, most = task.targets
    if not fewest <= len(targets) <= most:
        wanted = f"{fewest}" if fewest == most else f"{fewest} to {most}"
        where = f"contract.columns.{_added(facts, targets)}" if len(targets) > most else "contract.columns"
        listed = f": {', '.join(targets)}" if targets else ""
        found = f"{len(targets) or 'no'} target{'s' * (len(targets) != 1)}{listed}"
        yield Problem(
            where,
            found,
            facts.place(*where.split(".")).place,
            f"{wanted} for {task.name}",
            "Give the column to be predicted `role: target`." if not targets else "",
        )
    for key in targets:
        dtype = contract.columns[key].dtype
        if dtype not in task.target_dtypes:
            place = facts.place("contract", "columns", key, "dtype").origin
            yield Problem(
                f"contract.columns.{key}.dtype", f"{dtype} cannot be the target of a {task.name}", place, f"one of {', '.join(sorted(task.target_dtypes))}"
            )
    for key in targets if len(targets) > 1 else ():
        if contract.columns[key].nullable:
            where = f"contract.columns.{key}.nullable"
            yield Problem(where, "true, and a label that is not known can be neither learned nor judged", facts.place(*where.split(".")).place, "false")
    if not contract.having("feature"):
        yield Problem("contract.columns", "no feature", facts.place("contract", "columns").place, "at least one column with role feature")


def _added(facts: Facts, targets: tuple[str, ...]) -> str:
    """The target that a child recipe or the command line made one; else the last."""
    return max(targets, key=lambda key: (bool(facts.place("contract", "columns", key, "role").displaced), targets.index(key)))


def _fit(facts: Facts) -> Iterator[Problem]:
    model, trainer = facts.sections.get("model"), facts.sections.get("trainer")
    if isinstance(model, Model) and facts.task is not None and facts.task.name not in model.tasks:
        yield Problem(
            "model",
            f"{facts.uses['model'].component} does not do {facts.task.name}",
            facts.place("model", "use").origin,
            f"a model for it; this one does {', '.join(sorted(model.tasks))}",
        )
    if isinstance(model, Model) and isinstance(trainer, Trainer) and model.family not in trainer.fits:
        found = f"{facts.uses['trainer'].component} does not fit {facts.uses['model'].component}, which is a {model.family}"
        yield Problem("trainer", found, facts.place("trainer", "use").origin, f"a trainer for it; this one fits {', '.join(sorted(trainer.fits))}")


def _taking_part(facts: Facts) -> Iterator[Problem]:
    """What a trainer would leave unused, and what it cannot do by itself."""
    trainer = facts.sections.get("trainer")
    if not isinstance(trainer, Trainer):
        return
    for section in ("observers", "loggers"):
        if facts.entries(section) and not trainer.observed:
            found = f"trainer {facts.uses['trainer'].component} calls none"
            yield Problem(section, found, facts.place(section).place, "a trainer of networks, such as lightning")
    if trainer.processes() != (1, 1) and "cluster" not in facts.present():
        each, nodes = trainer.processes()
        found = f"{each} processes on each of {nodes} machines, and the recipe does not say where they run"
        place = facts.place("trainer", "devices" if each > 1 else "nodes").place
        yield Problem(
            "trainer.devices" if each > 1 else "trainer.nodes", found, place, "the section cluster", "Add cluster=local, or another of `mlforge ls cluster`."
        )


def _taught(facts: Facts) -> Iterator[Problem]:
    """A teacher that a sweep's trials could not ask: they run on their own, without the registry."""
    trainer = facts.sections.get("trainer")
    if isinstance(trainer, Trainer) and trainer.teacher() is not None and "sweep" in facts.present():
        place = facts.place("trainer", "distil").place
        yield Problem(
            "trainer.distil", "a sweep's trials ask no teacher", place, "one of the two", "Tune first; then run with what the sweep has found, and a teacher."
        )


def _objections(facts: Facts) -> Iterator[Problem]:
    """What components say against the contract."""
    if facts.contract is None:
        return
    for where in facts.uses:
        section, _, entry = where.partition(".")
        one = facts.entries(section).get(entry) if entry else facts.sections.get(section)
        for objection in one.objections(facts.contract) if isinstance(one, Component) else ():
            path = f"{where}.{objection.field}" if objection.field else where
            yield Problem(path, objection.found, facts.place(*path.split(".")).place, objection.expected, objection.hint)


def _untaken(facts: Facts) -> Iterator[Problem]:
    """Features that no transform would take, and those that two of them name."""
    transforms = {entry: one for entry, one in facts.entries("features").items() if isinstance(one, Transform)}
    if facts.contract is None or not transforms or len(transforms) < _count(facts, "features"):
        return
    shares = dealt(transforms, facts.contract)
    takers = {key: entry for entry, keys in shares.items() for key in keys}
    for entry, transform in transforms.items():
        for key in set(transform.takes(facts.contract)) & set(getattr(transform, "columns", ())):
            if takers.get(key, entry) != entry:
                where = f"features.{entry}.columns"
                yield Problem(where, f"{takers[key]} names {key} too", facts.place(*where.split(".")).place, "each column in one entry")
    for key in facts.contract.having("feature"):
        if key not in takers:
            dtype, place = facts.contract.columns[key].dtype, facts.place("contract", "columns", key, "dtype").place
            hint = "Add a transform for it (`mlforge ls features`), or give it the role ignore."
            yield Problem(f"contract.columns.{key}", f"{dtype}, and no entry of features takes it", place, f"a type that {', '.join(transforms)} take", hint)


def _gates(facts: Facts) -> Iterator[Problem]:
    contract, task = facts.contract, facts.task
    if contract is None or task is None or any(len(facts.entries(section)) < _count(facts, section) for section in _WINDOWS):
        return  # a probe could not be made: what it declares is not known
    if not task.targets[0] <= len(contract.having("target")) <= task.targets[1]:
        return
    declared = list(_declared(facts, contract, task))
    for entry, gate in facts.entries("gates").items():
        for key, name in gate.needs(task).items() if isinstance(gate, Gate) else ():
            if not any(_matches(name, known) for known in declared):
                where = f"gates.{entry}.{key}" if key else f"gates.{entry}"
                there = f"the recipe measures {few(declared, 8)}" if declared else "nothing measures anything"
                yield Problem(where, f"nothing measures {name}", facts.place(*where.split(".")).origin, there, nearest(name, declared))


def _exported(facts: Facts) -> Iterator[Problem]:
    """Exporters that cannot export what the model is."""
    model = facts.sections.get("model")
    for entry, exporter in facts.entries("exporters").items():
        if isinstance(exporter, Exporter) and isinstance(model, Model) and model.family not in exporter.families:
            where = f"exporters.{entry}"
            found = f"it exports no {model.family}, and {facts.uses['model'].component} is one"
            yield Problem(where, found, facts.place(*where.split(".")).place, f"an exporter for it; this one is for {', '.join(sorted(exporter.families))}")


def _compressed(facts: Facts) -> Iterator[Problem]:
    """A compression contract that nobody can keep, or that nobody would ask about."""
    asked, place = facts.compress, facts.place("compress").place
    if asked is None:
        return
    count = _count(facts, "exporters")
    if not count:
        yield Problem("compress", "nothing is exported, so there is no variant to choose", place, "exporters: [onnx, onnx_int8]")
        return
    if count == 1 and asked.min_speedup is not None and asked.min_speedup > 1:
        where = facts.place("compress", "min_speedup").place
        found = "there is one exporter, and nothing is faster than itself"
        yield Problem("compress.min_speedup", found, where, "two or more: the first listed is what the others are compared with")
    if "gates" not in facts.present():
        yield Problem("compress", "the recipe has no gates, so that nothing says no when no variant keeps it", place, "gates: [thresholds], or others")


def _idle(facts: Facts) -> Iterator[Problem]:
    """Evaluators that have nothing to say of such a task: they would be silent, and seem to have found nothing."""
    contract, task = facts.contract, facts.task
    if contract is None or task is None or not task.targets[0] <= len(contract.having("target")) <= task.targets[1]:
        return
    for entry, probe in facts.entries("evaluators").items():
        objected = isinstance(probe, Probe) and any(True for _ in probe.objections(contract))
        if isinstance(probe, Probe) and not objected and not any(True for _ in probe.declares(contract, task)):
            where = f"evaluators.{entry}"
            found = f"{facts.uses[where].component} measures nothing for {task.name}"
            yield Problem(where, found, facts.place("evaluators", entry).place, f"an evaluator that does, such as {_USUAL[task.output]}")


def _goals(facts: Facts) -> Iterator[Problem]:
    """What a sweep looks at and no trial measures; and what would spoil the test rows for their purpose."""
    sweep, contract, task = facts.sections.get("sweep"), facts.contract, facts.task
    if not isinstance(sweep, Sweep) or contract is None or task is None or any(len(facts.entries(one)) < _count(facts, one) for one in _WINDOWS):
        return
    curves = ["validation/loss", "train/loss", *([_CURVES[task.name]] if task.name in _CURVES else [])]
    known = [*curves, *(name for name in _declared(facts, contract, task) if not name.startswith(("tune/", "gate/", "data/")))]
    looks = {f"objectives.{name}": one.finding for name, one in sweep.objectives.items()}
    looks |= {f"constraints.{name}": one.finding for name, one in sweep.constraints.items()}
    for entry, name in looks.items():
        where = f"sweep.{entry}.finding"
        place = facts.place(*where.split(".")).place
        if entry == f"objectives.{next(iter(sweep.objectives), '')}" and name.startswith(_TIMES):
            yield Problem(where, f"{name} differs from one time to the next, and the first objective decides", place, f"one of {few(curves)} before it")
        elif entry.startswith("objectives.") and name.startswith("test/") and not name.startswith(_TIMES):
            yield Problem(where, f"{name} is measured on the test rows, which judge what a sweep has chosen", place, f"one of {few(curves)}")
        elif not any(_matches(name, one) for one in known):
            yield Problem(where, f"no trial measures {name}", place, f"there are {few(known, 10)}", nearest(name, known))


def _declared(facts: Facts, contract: Contract, task: Task) -> Iterator[str]:
    for section, window in _WINDOWS.items():
        for probe in facts.entries(section).values():
            if isinstance(probe, Probe):
                yield from (f"{window}/{name}" for name in probe.declares(contract, task))
    for stage in facts.active().values():
        yield from stage.declares


def _count(facts: Facts, section: str) -> int:
    return sum(where.startswith(section + ".") for where in facts.uses)


def _matches(name: str, declared: str) -> bool:
    parts, known = name.split("/"), declared.split("/")
    return len(parts) == len(known) and all(part == other or other == "*" for part, other in zip(parts, known, strict=True))


def _unread(facts: Facts) -> Iterator[Problem]:
    if not facts.stages or not facts.all_stages:
        return
    active = facts.active()
    read = {section for stage in active.values() for section in (*stage.needs, *stage.reads, *stage.asides)} | _ALWAYS
    for section in SECTIONS:
        if section in facts.present() and section not in read:
            yield Problem(section, "no stage reads it", facts.place(section).place, _lacking(facts, section))
    for where in facts.uses:
        name = where.removeprefix("stages.")
        if name != where and name in facts.stages and name not in active:
            lacking = [section for section in facts.stages[name].needs if section not in facts.present()]
            yield Problem(where, f"the recipe has no stage {name}", facts.place("stages", name).place, f"it needs {', '.join(lacking)} too")


def _lacking(facts: Facts, section: str) -> str:
    for name, stage in facts.stages.items():
        if section in (*stage.needs, *stage.reads, *stage.asides):
            lacking = [need for need in stage.needs if need not in facts.present()]
            return f"the stage {name} would, with {', '.join(lacking)} too"
    return ""
