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
from mlforge.recipe.urls import below, is_url, password_in, sqlite_path
from mlforge.recipe.words import shown

if TYPE_CHECKING:
    from pydantic import BaseModel

    from mlforge.project import Project

__all__ = ["placed", "read_paths", "variables"]

_GLOB = re.compile(r"[*?\[]")


def read_paths(kind: type[BaseModel], node: Node) -> Iterator[tuple[str, ...]]:
    """Paths of all values that name a file, in a model and in the models that are its fields."""
    from mlforge.components import Reads

    for name, info in kind.model_fields.items():
        child = node.items.get(name)
        if child is None:
            continue
        if _marked(info.metadata, Reads) or _has_mark(info.annotation, Reads):
            yield from ((name, *below) for below, leaf in child.walk() if isinstance(leaf.value, str))
        elif (inner := _model(info.annotation)) is not None:
            yield from ((name, *below) for below in read_paths(inner, child))


def variables(kind: type[BaseModel], node: Node, project: Project, where: str) -> Iterator[Problem]:
    """The fields that name an environment variable which the project does not allow."""
    from mlforge.components import Names

    for name, info in kind.model_fields.items():
        child = node.items.get(name)
        if child is None or not isinstance(child.value, str) or not (_marked(info.metadata, Names) or _has_mark(info.annotation, Names)):
            continue
        if child.value not in project.env:
            expected = f"one that the project allows under [tool.mlforge] env ({', '.join(project.env) or 'none so far'})"
            yield Problem(f"{where}.{name}", f"{shown(child.value)} is an environment variable that the project does not allow", child.origin, expected)


def _marked(metadata: Any, mark: type) -> bool:
    return any(isinstance(one, mark) for one in metadata)


def _model(annotation: Any) -> type[BaseModel] | None:
    """The model that a field holds, if it holds one; components within a component are placed by themselves."""
    from pydantic import BaseModel

    from mlforge.components import Component

    kinds = [kind for kind in (annotation, *get_args(annotation)) if isinstance(kind, type) and issubclass(kind, BaseModel)]
    return kinds[0] if len(kinds) == 1 and not issubclass(kinds[0], Component) else None


def _has_mark(annotation: Any, mark: type) -> bool:
    if get_origin(annotation) is Annotated and _marked(get_args(annotation)[1:], mark):
        return True
    return any(_has_mark(part, mark) for part in get_args(annotation))


def placed(node: Node, project: Project, where: str, written: object = None, *, vouched: bool = False) -> tuple[Node, Problem | None]:
    """A path made absolute, or a URL, and why it may not be read.

    `written` is what stands in the recipe, where a variable of the environment was put in; `vouched`: the variable is all of it.
    """
    text = str(node.value)
    typed = node.origin == COMMAND_LINE
    if (lite := sqlite_path(text)) is not None:
        file, problem = placed(replace(node, value=lite[1]), project, where)
        return replace(file, value=f"{lite[0]}{file.value}"), problem
    if is_url(text):
        return node, _url(node, text, project, where, str(written or text), typed=typed, vouched=vouched)
    if "\0" in text or not text.strip():
        return node, Problem(where, f"{shown(text)} is not a path", node.origin)
    try:
        path = Path(text).expanduser() if typed else Path(text)
        made = (Path.cwd() if typed else project.root) / path
        absolute = replace(node, value=_normal(made))
        return absolute, None if typed else _outside(absolute, node, project, where)
    except (OSError, RuntimeError, ValueError):  # a name too long, links in a circle, a home that is not known
        return node, Problem(where, f"{shown(text)} is not a path that can be followed", node.origin)


def _url(node: Node, text: str, project: Project, where: str, written: str, *, typed: bool, vouched: bool) -> Problem | None:
    if not vouched and password_in(written) and "${" not in written:
        return Problem(where, "is a URL with a password in it, which would be recorded", node.origin, "${oc.env:NAME}, and NAME under [tool.mlforge] env")
    if typed or vouched or below(text, project.urls):
        return None
    return _refused(replace(node, value=written), where, "is a URL, and a recipe may read only below the project's roots")


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
