"""Where an alias has pointed, told by the audit log: nothing else keeps it, so that nothing can disagree with it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from mlforge.store.entries import Move
from mlforge.store.tables import audit

__all__ = ["moves", "standing"]

_EVENTS = ("registered", "alias", "rolled_back")


def moves(connection: sa.Connection, model: str, alias: str, also: tuple[str, ...] = ()) -> list[Move]:
    """Every move of an alias of a model, the oldest first; `also` what else was told of it, as if it were one."""
    columns = (audit.c.time, audit.c.actor, audit.c.event, audit.c.details)
    chosen = sa.and_(audit.c.event.in_((*_EVENTS, *also)), audit.c.subject.startswith(f"{model} ", autoescape=True))
    rows = connection.execute(sa.select(*columns).where(chosen).order_by(audit.c.number))
    told = ((row, json.loads(row.details)) for row in rows)
    return [_move(row, details) for row, details in told if details.get("alias") == alias]


def standing(found: Sequence[Move]) -> list[int]:
    """The versions that would serve one after the other if each were rolled back, the one that serves last. What was rolled back is none of them."""
    stack: list[int] = []
    for move in found:
        if move.rolled_back and move.version in stack:
            del stack[stack.index(move.version) + 1 :]
        elif not stack or stack[-1] != move.version:
            stack = [version for version in stack if version != move.version] + [move.version]
    return stack


def _move(row: Any, details: dict[str, Any]) -> Move:
    return Move(
        version=int(details["version"]), before=details.get("before"), event=row.event,
        reason=str(details.get("reason", "")), actor=row.actor, time=row.time,
    )  # fmt: skip
