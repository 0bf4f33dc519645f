"""Rows that were decoded for one version, converted for another."""

from __future__ import annotations

from msgspec.structs import replace

from mlforge.serving.engine import Engine
from mlforge.serving.request_rows import RequestRows

__all__ = ["carried"]


def carried(load: RequestRows, source: Engine, target: Engine) -> RequestRows | None:
    """The same rows as the target takes them; None when it needs what the source does not have, or has it otherwise."""
    if source is target or (source.inputs == target.inputs and source.graph.inputs == target.graph.inputs and _alike(source, target, source.inputs)):
        return load
    if not set(target.inputs) <= set(source.inputs) or not _alike(source, target, target.inputs):
        return None
    places = [source.inputs.index(name) for name in target.inputs]
    if load.columns is not None:
        return replace(load, columns=tuple(load.columns[place] for place in places))
    assert load.rows is not None
    return replace(load, rows=[tuple(row[place] for place in places) for row in load.rows])


def _alike(source: Engine, target: Engine, names: tuple[str, ...]) -> bool:
    """Are these columns of one type, and protected in one way."""
    one, other = source.bundle, target.bundle
    return all(source.graph.inputs[name] == target.graph.inputs[name] and one.protections.get(name) == other.protections.get(name) for name in names)
