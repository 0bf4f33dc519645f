"""What `check` can see of the key `serve.log`: the columns that it names."""

from __future__ import annotations

from collections.abc import Iterator

from mlforge.contract import Contract
from mlforge.errors import Problem, nearest
from mlforge.recipe.node import Node
from mlforge.service.serve import Serve

__all__ = ["request_log"]

_COLUMNS = ("serve", "log", "columns")


def request_log(serve: Serve | None, contract: Contract | None, root: Node) -> Iterator[Problem]:
    """Every column to be written that no request brings."""
    if serve is None or serve.log is None or contract is None:
        return
    asked = contract.projected("predict").columns
    for column in serve.log.columns or ():
        if column not in asked:
            expected = f"one of {', '.join(list(asked)[:12])}"
            yield Problem(".".join(_COLUMNS), f"{column} is no column of a request", root.nearest(_COLUMNS).place, expected, nearest(column, asked))
