"""Whether a recipe's protections and expectations fit its contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlforge.components import Component, Protection
from mlforge.contract import Contract
from mlforge.errors import Problem, nearest
from mlforge.recipe.node import Node
from mlforge.recipe.words import few

__all__ = ["protecting"]


def protecting(root: Node, contract: Contract | None, privacy: Mapping[str, Component], references: Mapping[str, Component]) -> Iterator[Problem]:
    """Protections that protect nothing, or the same column twice, or cannot do what they are to do; expectations that refer to nothing."""
    if contract is None:
        return
    taken: dict[str, str] = {}
    for entry, protection in privacy.items():
        if isinstance(protection, Protection):
            yield from _selection(root, contract, entry, protection)
            for key in protection.chosen(contract):
                yield from _one(root, contract, entry, protection, key, taken)
    yield from _references(root, contract, references)


def _selection(root: Node, contract: Contract, entry: str, protection: Protection) -> Iterator[Problem]:
    """A name that is misspelt would leave the column as it is, silently."""
    where, classes = f"privacy.{entry}", sorted({column.pii for column in contract.columns.values() if column.pii})
    if not protection.columns and not protection.pii:
        yield Problem(where, "names no column", root.nearest(("privacy", entry)).place, "columns, or classes of personal data under pii")
    for what, names, known in (("columns", protection.columns, list(contract.columns)), ("pii", protection.pii, classes)):
        for name in names:
            if name not in known:
                found = f"there is no column {name}" if what == "columns" else f"no column has the class {name}"
                there = f"{'columns' if what == 'columns' else 'classes'} are {few(known, 8)}" if known else "no column has a class"
                yield Problem(f"{where}.{what}", found, root.nearest(("privacy", entry, what)).origin, there, nearest(name, known))


def _one(root: Node, contract: Contract, entry: str, protection: Protection, key: str, taken: dict[str, str]) -> Iterator[Problem]:
    where, place, column = f"privacy.{entry}", root.nearest(("privacy", entry)).place, contract.columns[key]
    if key in taken:
        yield Problem(where, f"{key} is protected by {taken[key]} already", place, "one protection for each column")
        return
    taken[key] = where
    if column.role == "target":
        yield Problem(where, f"{key} is the target", place, "other columns: what is to be predicted must be seen")
        return
    try:
        rule = protection.rule(key, column)
    except ValueError as error:
        yield Problem(where, str(error), place)
        return
    if column.unique and rule.kind not in ("drop", "pseudonym"):
        yield Problem(f"contract.columns.{key}.unique", f"cannot be seen of a column that {where} makes coarse", place, "a column that keeps its values apart")
    expecting = [name for name, expected in contract.expect.items() if expected.column == key]
    if rule.kind == "drop" and expecting:
        place = root.nearest(("contract", "expect", expecting[0])).place
        yield Problem(f"contract.expect.{expecting[0]}", f"{key} is dropped by {where}", place, "a column that is read")


def _references(root: Node, contract: Contract, references: Mapping[str, Component]) -> Iterator[Problem]:
    for name, expected in contract.expect.items():
        entry = (expected.to or "").partition(".")[0]
        if entry and entry not in references:
            place = root.nearest(("contract", "expect", name, "to")).origin
            yield Problem(f"contract.expect.{name}.to", f"there is no reference {entry}", place, f"references are {few(list(references), 8)}"
                          if references else "an entry of the section references", nearest(entry, references))  # fmt: skip
