"""What `check` can see of the key `rollout`: columns that it names and predictions that it makes up."""

from __future__ import annotations

from collections.abc import Iterator

from mlforge.contract import Contract
from mlforge.errors import Problem, nearest
from mlforge.recipe.node import Node
from mlforge.service.rollout import Fallback, Rollout, Value

__all__ = ["rolling_out"]


def rolling_out(rollout: Rollout | None, contract: Contract | None, root: Node) -> Iterator[Problem]:
    """Every problem, with its place."""
    if rollout is None or contract is None:
        return
    asked = contract.projected("predict").columns
    named: dict[tuple[str, ...], str | None] = {("canary", "key"): rollout.canary.key if rollout.canary else None}
    if rollout.fallback is not None:
        named |= {("fallback", "rules", name, "column"): rule.column for name, rule in rollout.fallback.rules.items()}
        yield from _made_up(rollout.fallback, contract, root)
    for path, column in named.items():
        if column is not None and column not in asked:
            place = root.nearest(("rollout", *path)).origin
            hint = nearest(column, asked)
            yield Problem(".".join(("rollout", *path)), f"{column} is no column of a request", place, f"one of {', '.join(list(asked)[:12])}", hint)


def _made_up(fallback: Fallback, contract: Contract, root: Node) -> Iterator[Problem]:
    """Predictions that the model could not make."""
    target = contract.columns[contract.having("target")[0]] if contract.having("target") else None
    made: dict[tuple[str, ...], Value | None] = {("constant",): fallback.constant}
    made |= {("rules", name, "prediction"): rule.prediction for name, rule in fallback.rules.items()}
    for path, value in made.items():
        place = root.nearest(("rollout", "fallback", *path)).origin
        where = ".".join(("rollout", "fallback", *path))
        if value is None or target is None:
            continue
        if target.dtype in ("int", "float") and (isinstance(value, str | bool)):
            yield Problem(where, f"{value!r} is no prediction of this model", place, f"a number: the target is {target.dtype}")
        elif target.values is not None and str(value) not in map(str, target.values):
            yield Problem(
                where,
                f"{value!r} is no class of the target",
                place,
                f"one of {', '.join(map(str, target.values))}",
                nearest(str(value), map(str, target.values)),
            )
