"""What `check` can see of the keys `retrain` and `rollout.rollback`: monitors that they name, and what a retraining needs besides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlforge.components import Gate
from mlforge.contract import Contract
from mlforge.errors import Problem, nearest
from mlforge.recipe.header import Header
from mlforge.recipe.node import Node
from mlforge.task import TASKS

__all__ = ["retraining"]

_SERVED = ("protected", "weight", "group", "id", "part")
"""Roles of columns that a request need not have, and its log then has not."""
_TOLD = 6  # columns that are named


def retraining(header: Header, sections: Mapping[str, object], root: Node) -> Iterator[Problem]:
    """Every problem, with its place."""
    yield from _named(header, _written("monitors", root), root)
    retrain = header.retrain
    if retrain is None:
        return
    if retrain.logged and (header.serve is None or header.serve.log is None):
        yield _problem(root, ("retrain",), "there is no request log to take rows and labels from", "serve.log, such as serve.log.path=served",
                       "Or, when the source is kept up elsewhere: retrain.training.rows=source")  # fmt: skip
    gates = sections.get("gates") or {}
    if not _written("gates", root):
        yield _problem(root, ("retrain",), "the recipe has no gates, so a retraining would register nothing", "gates: [no_regression]")
    elif retrain.then in ("canary", "promote") and not _compared(gates, _written("gates", root), header.task):
        yield _problem(root, ("retrain", "then"), f"{retrain.then}, and no gate holds the new version against the champion", "a gate no_regression")
    for name in ("canary", "shadow"):
        if retrain.then == name and (header.rollout is None or getattr(header.rollout, name) is None):
            yield _problem(root, ("retrain", "then"), f"{name}, and the recipe says nothing of one", f"rollout.{name}", f"Write rollout: {{{name}: {{}}}}.")
    if retrain.training.rows == "log" and header.contract is not None:
        yield from _of_the_log(header, header.contract, sections, root)


def _written(section: str, root: Node) -> tuple[str, ...]:
    """The entries of a section; one whose own keys are wrong is among them, though no component could be made of it."""
    node = root.find((section,))
    return () if node is None else tuple(node.items)


def _compared(gates: object, written: tuple[str, ...], task: str) -> bool:
    """Does a gate hold the candidate against the champion."""
    if task not in TASKS or not isinstance(gates, Mapping) or any(name not in gates for name in written):
        return True  # that is told elsewhere
    needed = [name for gate in gates.values() if isinstance(gate, Gate) for name in gate.needs(TASKS[task]).values()]
    return any(name.endswith("/gain") for name in needed)


def _named(header: Header, entries: tuple[str, ...], root: Node) -> Iterator[Problem]:
    """Monitors that are named, and are not there."""
    named: list[tuple[tuple[str, ...], str]] = []
    if header.retrain is not None:
        when = header.retrain.when
        named += [(("retrain", "when", key, "monitor"), alarm.monitor) for key, alarm in (("drift", when.drift), ("performance", when.performance)) if alarm]
    if header.rollout is not None and header.rollout.rollback is not None:
        named += [(("rollout", "rollback", "monitors"), monitor) for monitor in header.rollout.rollback.monitors]
    for path, monitor in named:
        if monitor not in entries:
            expected = f"one of {', '.join(entries)}" if entries else f"an entry of monitors, and the recipe has none; monitors: [{monitor}]"
            yield _problem(root, path, f"{monitor} is no monitor of this recipe", expected, nearest(monitor, entries))


def _of_the_log(header: Header, contract: Contract, sections: Mapping[str, object], root: Node) -> Iterator[Problem]:
    """Why rows of the log could not be learned from."""
    elsewhere = "Or, when the source is kept up elsewhere: retrain.training.rows=source"
    where = ("retrain", "training", "rows")
    if sections.get("privacy"):
        found = "log, whose rows are protected already, and the section privacy would protect them once more"
        yield _problem(root, where, found, "a recipe without privacy", elsewhere)
    kept = header.serve.log.columns if header.serve is not None and header.serve.log is not None else None
    asked = contract.projected("predict").columns
    needed = [key for key, column in contract.columns.items() if column.role not in ("ignore", "time", "target") and not column.nullable]
    if kept is not None and (absent := [key for key in needed if key not in kept]):
        named = ", ".join(absent[:_TOLD]) + (f" and {len(absent) - _TOLD} more" if len(absent) > _TOLD else "")
        yield _problem(root, ("serve", "log", "columns"), f"the log leaves out {named}, which a retraining needs", "null, which writes all columns")
    for key, column in contract.columns.items():
        if key in needed and key not in asked and column.role in _SERVED and (kept is None or key in kept):
            yield _problem(root, where, f"log, whose rows have no {key} (role {column.role}): requests do not bring it",
                           f"contract.columns.{key}.nullable=true", elsewhere)  # fmt: skip
    if contract.having("group"):
        yield _problem(
            root, where, "log, whose newest rows judge the new version, and the contract keeps groups whole", "a contract without a group", elsewhere
        )


def _problem(root: Node, path: tuple[str, ...], found: str, expected: str, hint: str = "") -> Problem:
    return Problem(".".join(path), found, root.nearest(path).place, expected, hint)
