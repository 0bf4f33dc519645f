"""From a composed tree to a typed recipe, with everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from mlforge.components import Component, Stage
from mlforge.errors import Problem, nearest
from mlforge.recipe.checks import Facts, check
from mlforge.recipe.composer import Composed
from mlforge.recipe.deprecations import deprecated
from mlforge.recipe.header import HEADER, Header
from mlforge.recipe.migrate import VERSION
from mlforge.recipe.node import Node, Plain
from mlforge.recipe.parts import parts
from mlforge.recipe.paths import placed, read_paths, variables
from mlforge.recipe.recipe import Recipe
from mlforge.recipe.references import with_env
from mlforge.recipe.request_log import request_log
from mlforge.recipe.retraining import retraining
from mlforge.recipe.rolling_out import rolling_out
from mlforge.recipe.sweeping import sweeping, with_space
from mlforge.recipe.typed import made, pruned
from mlforge.recipe.words import few
from mlforge.sections import SECTIONS, TOP
from mlforge.task import TASKS

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["Finishing", "finish"]

_MISSING = "???"


def finish(composed: Composed) -> tuple[Recipe | None, list[Problem]]:
    """The typed recipe and its problems. No recipe and no problems: a plugin cannot deliver a component, and the shelf knows why."""
    finishing = Finishing(composed)
    return finishing.recipe(), finishing.problems


@dataclass(slots=True)
class Finishing:
    """The work on one tree: what it makes, and the problems that it meets."""

    composed: Composed
    problems: list[Problem] = field(default_factory=list)
    deprecations: list[str] = field(default_factory=list)
    secret: frozenset[tuple[str, ...]] = frozenset()

    def recipe(self) -> Recipe | None:
        """The whole as a recipe."""
        composed = self.composed
        self.problems += composed.problems
        self.problems += list(self._unknown_keys())
        composed.root = self._pruned(with_space(composed))
        header = self._header(composed.root)
        sections = self._sections(composed.root)
        stages = self._stages()
        facts = Facts(
            composed.root,
            composed.uses,
            sections,
            stages,
            header.contract if header else None,
            TASKS.get(header.task) if header else None,
            self._all_stages(stages),
            header.compress if header else None,
        )
        self.problems += check(facts)
        self.problems += list(sweeping(self, sections))
        self.problems += list(rolling_out(header.rollout, header.contract, composed.root)) if header else []
        self.problems += list(request_log(header.serve, header.contract, composed.root)) if header else []
        self.problems += list(retraining(header, sections, composed.root)) if header else []
        for (section, name), why in composed.shelf.problems.items():
            self.problems.append(
                Problem(f"{section}", why.replace("\n", " ").rstrip("."), next((use.origin for use in composed.uses.values() if use.component == name), None))
            )
        if header is None or facts.task is None or self.problems or composed.shelf.missing:
            return None
        return self._assemble(header, {**sections, **({"stages": facts.active()} if facts.active() else {})})

    def _assemble(self, header: Header, sections: Mapping[str, Component | Mapping[str, Component]]) -> Recipe:
        composed = self.composed
        documents = composed.documents
        shadows = [f"{one.shown} hides {one.name} of {' and '.join(who)}" for one in documents if (who := composed.library.shadowed(one.name))]
        return Recipe(
            header.name, header.description, header.seed, TASKS[header.task], header.store, header.contract, sections,
            options=self._by_section("option"), uses=self._by_section("component"),
            plain={"mlforge": VERSION, **cast("dict[str, Plain]", composed.root.plain())}, root=composed.root,
            dropped=tuple(composed.switch.dropped), files=tuple(one.path.absolute() for one in documents), shadows=tuple(shadows),
            migrations=tuple(line for one in documents for line in one.report),
            deprecations=tuple(self.deprecations), requires=header.requires, budget=header.budget, compress=header.compress,
            rollout=header.rollout, serve=header.serve, retrain=header.retrain, providers=self._providers(),
        )  # fmt: skip

    def _providers(self) -> dict[str, str]:
        table = self.composed.shelf.catalog
        return {where: table.options(where.partition(".")[0])[str(use.component)].plugin for where, use in self.composed.uses.items()}

    def _by_section(self, attribute: str) -> dict[str, str | Mapping[str, str]]:
        found: dict[str, str | Mapping[str, str]] = {}
        for where, use in self.composed.uses.items():
            section, _, entry = where.partition(".")
            name = str(getattr(use, attribute))
            found[section] = {**cast("dict[str, str]", found.get(section, {})), entry: name} if entry else name
        return found

    def _unknown_keys(self) -> Iterator[Problem]:
        known = ["mlforge", "defaults", *HEADER, *TOP]
        for name, node in self.composed.root.items.items():
            if name not in known:
                hint = f"They stand within {SECTIONS[name].within}." if name in SECTIONS else nearest(name, known)
                there = few(known, 12) if hint else ", ".join(known)  # of a long line the end is cut off, and the hint is what helps
                yield Problem(name, "no such section or key", node.place, f"one of {there}", hint)

    def _pruned(self, root: Node) -> Node:
        """Without the entries of maps that were deleted with null."""
        entries = dict(root.items)
        if (contract := root.items.get("contract")) is not None and contract.items:
            from mlforge.contract import Contract

            entries["contract"] = pruned(Contract, contract)
        for where, use in self.composed.uses.items():
            section, _, entry = where.partition(".")
            kind = self.composed.shelf.get(section, use.component) if use.component else None
            if kind is not None and section in entries:
                here = entries[section]
                entries[section] = here.with_items({**here.items, entry: pruned(kind, here.items[entry])}) if entry else pruned(kind, here)
        return root.with_items(entries)

    def _complete(self, node: Node, path: tuple[str, ...], known: Iterable[str]) -> tuple[Node, bool]:
        """A part of the recipe with the values of the environment, and whether nothing is missing in it."""
        absent = [(below, leaf) for below, leaf in node.walk() if leaf.value == _MISSING and below[:1] and below[0] in known]
        for below, leaf in absent:
            where = ".".join((*path, *below))
            self.problems.append(Problem(where, "has no value yet", leaf.place, hint=f"Give one: mlforge run {self._called()} {where}=…"))
        filled, self.secret, unset = with_env(node)
        self.problems += [replace(problem, where=".".join((*path, problem.where))) for problem in unset]
        return filled, not absent and not unset

    def _written(self, path: tuple[str, ...]) -> object:
        """A value as it stands in the recipe."""
        node = self.composed.root.find(path)
        return node.value if node is not None else None

    def _called(self) -> str:
        return self.composed.reference

    def _header(self, root: Node) -> Header | None:
        node, complete = self._complete(root.with_items({name: child for name, child in root.items.items() if name in HEADER}), (), HEADER)
        if "name" not in node.items and "name" not in root.items:
            self.problems.append(
                Problem("name", "missing", root.origin if root.origin.line else None, "the recipe's name, which is the model's", "Write `name: …`.")
            )
        if "task" in node.items and node.items["task"].value not in (*TASKS, _MISSING):
            task = node.items["task"]
            self.problems.append(Problem("task", f"no such task: {task.plain()}", task.origin, f"one of {', '.join(TASKS)}", nearest(str(task.value), TASKS)))
            complete = False
        if (store := node.items.get("store")) is not None and isinstance(store.value, str):
            placed_store, problem = placed(store, self.composed.project, "store", self._written(("store",)), vouched=("store",) in self.secret)
            node = node.with_items({**node.items, "store": placed_store})
            self.problems += [problem] if problem else []
        node = self._placed(Header, node, "")
        header, problems = made(Header, node, "", "a recipe", self.secret)
        self.problems += [one for one in problems if self._new(one)]
        return header if complete else None

    def _new(self, problem: Problem) -> bool:
        """Is nothing said about this place yet."""
        return not any(known.where == problem.where for known in self.problems)

    def _sections(self, root: Node) -> dict[str, Component | Mapping[str, Component]]:
        sections: dict[str, Component | Mapping[str, Component]] = {}
        for where, use in self.composed.uses.items():
            section, _, entry = where.partition(".")
            node = root.find(tuple(where.split(".")))
            one = self.component(where, section, use.component, node) if node is not None and use.component else None
            if one is not None and entry:
                sections[section] = {**cast("dict[str, Component]", sections.get(section, {})), entry: one}
            elif one is not None:
                sections[section] = one
        return sections

    def component(self, where: str, section: str, name: str, node: Node) -> Component | None:
        """The component at an address; None when it cannot be made, and `problems` or the shelf know why."""
        kind = self.composed.shelf.get(section, name)
        if kind is None:
            self._no_component(where, section, name, node)
            return None
        self.deprecations += [f"{where}.{line}" for line in deprecated(kind, node)]
        node, within = self._parts(where, kind, node.without("use"))
        node, complete = self._complete(node, tuple(where.split(".")), kind.model_fields)
        self.problems += list(variables(kind, node, self.composed.project, where))
        node = self._placed(kind, node, where)
        if complete or node.items:
            known = {problem.where for problem in self.problems}
            one, problems = made(kind, node, where, f"{section}/{name}", self.secret, within)
            self.problems += [problem for problem in problems if problem.where not in known]
            return one if complete and None not in within.values() else None
        return None

    def _placed(self, kind: type[BaseModel], node: Node, where: str) -> Node:
        """With the paths of its files made absolute, where they may be read."""
        start = tuple(where.split(".")) if where else ()
        for path in read_paths(kind, node):
            leaf = node.find(path)
            if leaf is not None and leaf.value != _MISSING:
                written, vouched = self._written((*start, *path)), path in self.secret
                absolute, problem = placed(leaf, self.composed.project, ".".join((*start, *path)), written, vouched=vouched)
                node = node.updated(path, absolute)
                self.problems += [problem] if problem else []
        return node

    def _parts(self, where: str, kind: type[Component], node: Node) -> tuple[Node, dict[str, Component | None]]:
        """The components within one, by the name that stands for each in its place."""
        within: dict[str, Component | None] = {}
        for path, section, below in list(parts(kind, node)):
            place, used = ".".join((where, *path)), below.items.get("use")
            within[place] = None
            if used is None or not isinstance(used.value, str):
                near = next((key for key in below.items if nearest(key, ["use"])), None)
                at = below.place if near is None else below.items[near].key or below.place
                hint = nearest(near, ["use"]) if near else ""
                told = place if near is None else f"{place}.{near}"
                self.problems.append(Problem(told, "names no component", at, f"{{use: …}}, a component of the section {section}", hint))
            else:
                within[place] = self.component(place, section, used.value, below)
            node = node.updated(path, Node(place, below.origin, below.key))
        return node, within

    def _no_component(self, where: str, section: str, name: str, node: Node) -> None:
        if name not in self.composed.shelf.catalog.options(section) and not any(problem.where == where for problem in self.problems):
            self.problems.append(self.composed.library.no_option(section, name, f"{where}.use", node.items["use"].place, "component"))

    def _all_stages(self, stages: Mapping[str, Stage]) -> bool:
        """Is every stage known. One that could not be made for its settings is among the problems already, and so is a plugin that cannot deliver one."""
        shelf = self.composed.shelf
        return all(name in stages for name in shelf.catalog.options("stages"))

    def _stages(self) -> dict[str, Stage]:
        """Every stage that there is, with the recipe's settings where it has any."""
        stages: dict[str, Stage] = {}
        for name in self.composed.shelf.catalog.options("stages"):
            kind = self.composed.shelf.get("stages", name)
            if kind is None:
                continue
            settings = self.composed.root.find(("stages", name))
            one, _ = made(kind, settings.without("use") if settings else Node({}, self.composed.root.origin), f"stages.{name}", f"stages/{name}")
            if isinstance(one, Stage):
                stages[name] = one
        return stages
