"""Which files a recipe may reach: those below the project's roots, and those that the command line names.

A path in a recipe is relative to the project, one on the command line to where the user stands. Links and `..` are followed before the roots are compared.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

from mlforge.errors import COMMAND_LINE, Problem
from mlforge.recipe.node import Node
from mlforge.recipe.words import shown

if TYPE_CHECKING:
    from pydantic import BaseModel

    from mlforge.project import Project

__all__ = ["placed", "read_paths"]

_GLOB = re.compile(r"[*?\[]")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(//|:)|[A-Za-z0-9+.-]*::")


def read_paths(kind: type[BaseModel], node: Node) -> Iterator[tuple[str, ...]]:
    """Paths of all values that name a file to be read."""
    for name, info in kind.model_fields.items():
        child = node.items.get(name)
        if child is not None and (_marked(info.metadata) or _has_mark(info.annotation)):
            yield from ((name, *below) for below, leaf in child.walk() if isinstance(leaf.value, str))


def _marked(metadata: Any) -> bool:
    from mlforge.components import Reads

    return any(isinstance(mark, Reads) for mark in metadata)


def _has_mark(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated and _marked(get_args(annotation)[1:]):
        return True
    return any(_has_mark(part) for part in get_args(annotation))


def placed(node: Node, project: Project, where: str) -> tuple[Node, Problem | None]:
    """A path made absolute, and why it may not be read."""
    text = str(node.value)
    typed = node.origin == COMMAND_LINE
    if _URL.match(text) or "://" in text:
        return node, None if typed else _refused(node, where, "is a URL, and a recipe may read only below the project's roots")
    if "\0" in text or not text.strip():
        return node, Problem(where, f"{shown(text)} is not a path", node.origin)
    try:
        path = Path(text).expanduser() if typed else Path(text)
        made = (Path.cwd() if typed else project.root) / path
        absolute = replace(node, value=_normal(made))
        return absolute, None if typed else _outside(absolute, node, project, where)
    except (OSError, RuntimeError, ValueError):  # a name too long, links in a circle, a home that is not known
        return node, Problem(where, f"{shown(text)} is not a path that can be followed", node.origin)


def _normal(path: Path) -> str:
    """An absolute path. Links stay in it, so that one that is pointed elsewhere is noticed; `..` is followed as the file system does."""
    fixed, rest = _fixed(path)
    if ".." in fixed.parts:
        fixed = fixed.resolve()
    return str(fixed / rest) if rest.parts else str(fixed)


def _fixed(path: Path) -> tuple[Path, Path]:
    parts = path.parts
    first = next((index for index, part in enumerate(parts) if _GLOB.search(part)), len(parts))
    if path.exists():
        first = len(parts)  # a name with a bracket in it
    return Path(*parts[:first]), Path(*parts[first:])


def _outside(made: Node, node: Node, project: Project, where: str) -> Problem | None:
    fixed, rest = _fixed(Path(str(made.value)))
    roots = [root.resolve() for root in project.roots]
    if ".." in rest.parts:
        return _refused(node, where, "has .. after a wildcard")
    found = glob.iglob(str(made.value), recursive=True) if rest.parts else iter(())  # noqa: PTH207 - as sources do: `**` follows links
    for path in chain([fixed], map(Path, found)):
        if not any(path.resolve().is_relative_to(root) for root in roots):
            leads = "" if path.resolve() == path else " (a link)"
            return _refused(node, where, f"lies outside the project's roots{leads}")
    return None


def _refused(node: Node, where: str, why: str) -> Problem:
    hint = f"Name it on the command line ({where}=…), or add its folder to [tool.mlforge] roots."
    return Problem(where, f"{shown(node.value)} {why}", node.origin, "a path relative to the project", hint)
