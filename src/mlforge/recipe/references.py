"""`${trainer.max_epochs}` refers to another key, `${oc.env:NAME}` to an environment variable.

References between keys are replaced in the composed recipe. Variables stay as they are written there, so that it can be recorded; only the components
see their values.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from mlforge.errors import Problem, nearest
from mlforge.recipe.node import Node
from mlforge.secrets import remember

__all__ = ["referred", "with_env"]

_LONGEST = 10_000
_MOST = 1000  # references that are followed; each may lead to others

_REFERENCE = re.compile(r"(?<!\\)\$\{([A-Za-z_][A-Za-z0-9_.-]*)\}")
_TRAVELS = ("contract", "name")
_ENV = re.compile(r"\$\{oc\.env:([A-Za-z_][A-Za-z0-9_]*)\}")


def referred(root: Node) -> tuple[Node, list[Problem]]:
    """The tree with references between its keys replaced."""
    if not any(isinstance(node.value, str) and "${" in node.value for _, node in root.walk()):
        return root, []
    following = _Following(root)
    return following.tree(root, ()), following.problems


@dataclass(slots=True)
class _Following:
    root: Node
    problems: list[Problem] = field(default_factory=list)
    count: int = 0

    def tree(self, node: Node, path: tuple[str, ...]) -> Node:
        if isinstance(node.value, dict):
            return replace(node, value={name: self.tree(child, (*path, name)) for name, child in node.value.items()})
        if isinstance(node.value, tuple):
            return replace(node, value=tuple(self.tree(child, (*path, str(index))) for index, child in enumerate(node.value)))
        return self.value(node, path, ())

    def value(self, node: Node, path: tuple[str, ...], chain: tuple[str, ...]) -> Node:
        if not isinstance(node.value, str):
            return node
        text = node.value
        for found in reversed(list(_REFERENCE.finditer(text))):
            target = self.target(found[1], node, path, chain)
            if target is None:
                return node
            if found[0] == node.value:
                return replace(target, origin=node.origin, key=node.key, displaced=node.displaced)
            if isinstance(target.value, dict | tuple):
                self.problems.append(Problem(".".join(path), f"{found[0]} is not a single value", node.origin))
                return node
            text = text[: found.start()] + str(target.plain()) + text[found.end() :]
        if len(text) > _LONGEST:
            self.problems.append(Problem(".".join(path), f"is longer than {_LONGEST} characters when its references are followed", node.origin))
            return replace(node, value=text[:100])
        return replace(node, value=text)

    def target(self, name: str, node: Node, path: tuple[str, ...], chain: tuple[str, ...]) -> Node | None:
        if name in chain or name == ".".join(path):
            self.problems.append(Problem(".".join(path), f"${{{name}}} refers to itself", node.origin))
            return None
        self.count += 1
        if self.count > _MOST:
            if self.count == _MOST + 1:
                self.problems.append(Problem(".".join(path), f"the recipe follows more than {_MOST} references", node.origin))
            return None
        found = self.root.find(tuple(name.split(".")))
        if found is None:
            known = [".".join(key) for key, _ in self.root.walk() if key]
            self.problems.append(Problem(".".join(path), f"${{{name}}} refers to a key that is not there", node.origin, hint=nearest(name, known)))
            return None
        if isinstance(found.value, dict | tuple):
            return self.tree(found, tuple(name.split("."))) if not ".".join(path).startswith(name) else None
        return self.value(found, tuple(name.split(".")), (*chain, ".".join(path)))


def with_env(root: Node) -> tuple[Node, frozenset[tuple[str, ...]], list[Problem]]:
    """The tree with environment variables' values, the paths at which they stand alone, and those that are not set."""
    problems: list[Problem] = []
    alone: set[tuple[str, ...]] = set()
    for path, node in _variables(root):
        text = str(node.value)
        if path[0] in _TRAVELS:
            found = f"a variable of the environment in {path[0]}, which travels with the model for everyone to read"
            problems.append(Problem(".".join(path), found, node.origin, "a plain value; variables may stand in a component's settings and in store"))
            continue
        for name in _ENV.findall(text):
            value = os.environ.get(name)
            if value is None:
                problems.append(Problem(".".join(path), f"the environment variable {name} is not set", node.origin, hint=f"Set it: {name}=… mlforge …"))
                continue
            remember(value)
            text = text.replace(f"${{oc.env:{name}}}", value)
        if _ENV.fullmatch(str(node.value)):
            alone.add(path)
        root = _put(root, path, replace(node, value=text))
    return root, frozenset(alone), problems


def _variables(root: Node) -> Iterator[tuple[tuple[str, ...], Node]]:
    return ((path, node) for path, node in list(root.walk()) if isinstance(node.value, str) and _ENV.search(node.value))


def _put(node: Node, path: tuple[str, ...], value: Node) -> Node:
    if not path:
        return value
    if isinstance(node.value, tuple):
        index = int(path[0])
        return replace(node, value=(*node.value[:index], _put(node.value[index], path[1:], value), *node.value[index + 1 :]))
    return node.with_items({**node.items, path[0]: _put(node.items[path[0]], path[1:], value)})
