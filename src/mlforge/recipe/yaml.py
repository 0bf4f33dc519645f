"""YAML as its 1.2 core schema reads it, with the place of every value.

Only `true` and `false` are booleans (`no`, `on` and `yes` are strings), there are no dates, no base-60 numbers, no tags and no merge keys, and a
key that is given twice is a problem. Depth, size and the expansion of aliases are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mlforge.errors import Origin, Problem
from mlforge.recipe.node import Node, Scalar

__all__ = ["Parsed", "parse", "read", "scalar"]

LONGEST = 1_000_000  # bytes of a file
DEEPEST = 30
MOST = 50_000  # nodes, aliases counted as often as they stand

_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = {".inf": float("inf"), "+.inf": float("inf"), "-.inf": float("-inf"), ".nan": float("nan")}
_MARK = re.compile(r"\?(?=[^\s,\[\]{}])|(?<=\?)\?")
_STAND_IN = "\ue9f3"  # for question marks that 1.2 takes as text and libyaml, inside {}, as the start of a key: {path: ???}
_PACKAGE = re.compile(r"^[ \t]*#[ \t]*@package\b", re.MULTILINE)
_WORDS: dict[str, Scalar] = {word: value for name, value in (("null", None), ("true", True), ("false", False)) for word in (name, name.title(), name.upper())}


class _StopError(Exception):
    """The rest cannot be read."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a file says, and what is wrong with it as YAML."""

    root: Node
    problems: tuple[Problem, ...] = ()
    whole: bool = True  # False when it could not be read to its end


def scalar(text: str) -> Scalar:
    """A plain (unquoted) scalar under the core schema."""
    if text in ("", "~"):
        return None
    if text in _WORDS:
        return _WORDS[text]
    if _OCTAL.fullmatch(text):
        return int(text[2:], 8)
    if _HEX.fullmatch(text):
        return int(text[2:], 16)
    if _INT.fullmatch(text) and len(text) < 400:
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return _SPECIAL.get(text.lower(), text)


def read(path: Path, shown: str) -> Parsed:
    """Read a file; `shown` is how messages call it."""
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST + 1)
    except OSError as error:
        return _failed(shown, Problem(shown, f"cannot be read: {error.strerror}", Origin(shown)))
    if len(data) > LONGEST:
        return _failed(shown, Problem(shown, f"is longer than {LONGEST:,} bytes", Origin(shown)))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return _failed(shown, Problem(shown, "is not UTF-8", Origin(shown, line), hint="Save it as UTF-8."))
    return parse(text, shown)


def parse(text: str, shown: str) -> Parsed:
    """Parse a text; `shown` is how messages call it."""
    builder = _Builder(shown)
    if found := _PACKAGE.search(text):
        line = text.count("\n", 0, found.start()) + 1
        builder.problems.append(Problem(shown, "a `# @package` header is not part of the recipe language", Origin(shown, line, 1), hint="Delete the line."))
    try:
        return Parsed(builder.document(text), tuple(builder.problems))
    except _StopError as stop:
        return _failed(shown, *builder.problems, stop.problem)


def _failed(shown: str, *problems: Problem) -> Parsed:
    return Parsed(Node({}, Origin(shown)), problems, whole=False)


@dataclass(slots=True)
class _Builder:
    shown: str
    problems: list[Problem] = field(default_factory=list)
    anchors: dict[str, Node | None] = field(default_factory=dict)
    sizes: dict[int, int] = field(default_factory=dict)  # by id of a node that an anchor holds
    count: int = 0

    def document(self, text: str) -> Node:
        """The only document of a text; an empty one is an empty map."""
        import yaml

        if _STAND_IN in text:
            raise _StopError(Problem(self.shown, "does not parse as YAML: it has a character that is not allowed", Origin(self.shown)))
        try:
            events = yaml.parse(_MARK.sub(_STAND_IN, text), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
            return self._only(events)
        except yaml.MarkedYAMLError as error:
            ends = "end of stream" in str(error.problem)  # where what is not closed began says more
            mark = (error.context_mark if ends else None) or error.problem_mark or error.context_mark
            place = self.place(mark) if mark else Origin(self.shown)
            if mark and _character(text, mark) == "\t":
                raise _StopError(Problem(self.shown, "does not parse as YAML: there is a tab", place, "spaces: YAML does not indent with tabs")) from None
            said = ", ".join(part for part in (error.context, error.problem) if part)
            raise _StopError(Problem(self.shown, f"does not parse as YAML: {said}", place)) from None
        except yaml.YAMLError as error:
            position = getattr(error, "position", None)
            line = text.count("\n", 0, position) + 1 if isinstance(position, int) else None
            raise _StopError(Problem(self.shown, "does not parse as YAML: it has a character that is not allowed", Origin(self.shown, line))) from None

    def _only(self, events: Iterator[Any]) -> Node:
        root: Node | None = None
        for event in events:
            kind = type(event).__name__
            if kind in ("StreamStartEvent", "StreamEndEvent", "DocumentStartEvent", "DocumentEndEvent"):
                continue
            if root is not None:
                raise _StopError(Problem(self.shown, "has a second YAML document", self.place(event.start_mark), "one document a file"))
            root = self.node(event, events, 0)
        if root is None or root.value is None:
            return Node({}, Origin(self.shown, 1, 1))
        if not isinstance(root.value, dict):
            raise _StopError(Problem(self.shown, "is not a map of keys and values", root.origin))
        return root

    def place(self, mark: Any) -> Origin:
        return Origin(self.shown, mark.line + 1, mark.column + 1)

    def node(self, event: Any, events: Iterator[Any], depth: int) -> Node:
        self.grow(1, event)
        if depth > DEEPEST:
            raise _StopError(Problem(self.shown, f"is nested deeper than {DEEPEST} levels", self.place(event.start_mark)))
        kind = type(event).__name__
        if kind == "AliasEvent":
            return self.alias(event)
        if event.tag is not None and event.tag != "!":
            self.problems.append(Problem(self.shown, f"tag {event.tag!r}: tags are not part of the recipe language", self.place(event.start_mark)))
        before = self.count
        if event.anchor:
            self.anchors[event.anchor] = None  # an alias to it from inside would be endless
        made = self.content(kind, event, events, depth)
        if event.anchor:
            self.anchors[event.anchor] = made
            self.sizes[id(made)] = self.count - before
        return made

    def content(self, kind: str, event: Any, events: Iterator[Any], depth: int) -> Node:
        origin = self.place(event.start_mark)
        if kind == "ScalarEvent":
            text = event.value.replace(_STAND_IN, "?")
            return Node(scalar(text) if not event.style and event.tag is None else text, origin)
        if kind == "SequenceStartEvent":
            return self.sequence(events, origin, depth)
        return self.mapping(events, origin, depth)

    def sequence(self, events: Iterator[Any], origin: Origin, depth: int) -> Node:
        made: list[Node] = []
        for event in events:
            if type(event).__name__ == "SequenceEndEvent":
                break
            made.append(self.node(event, events, depth + 1))
        return Node(tuple(made), origin)

    def mapping(self, events: Iterator[Any], origin: Origin, depth: int) -> Node:
        made: dict[str, Node] = {}
        for event in events:
            if type(event).__name__ == "MappingEndEvent":
                break
            place = self.place(event.start_mark)
            if type(event).__name__ != "ScalarEvent":
                raise _StopError(Problem(self.shown, "a key is not a plain word", place))
            self.node(event, events, depth + 1)
            value = replace(self.node(next(events), events, depth + 1), key=place)
            name = event.value.replace(_STAND_IN, "?")
            if name == "<<" and not event.style:
                self.problems.append(
                    Problem(self.shown, "merge keys (<<) are not part of YAML 1.2", place, hint="Extend a recipe or a preset with its defaults list.")
                )
            elif name in made:
                first = made[name].key
                self.problems.append(Problem(name, f"the key is given twice, first in line {first.line if first else '?'}", place, hint="Delete one of them."))
            else:
                made[name] = value
        return Node(made, origin)

    def alias(self, event: Any) -> Node:
        made = self.anchors.get(event.anchor)
        if made is None:
            said = "refers to itself" if event.anchor in self.anchors else "has no anchor before it"
            raise _StopError(Problem(self.shown, f"the alias *{event.anchor} {said}", self.place(event.start_mark)))
        self.grow(self.sizes[id(made)], event)
        return replace(made, origin=self.place(event.start_mark))

    def grow(self, by: int, event: Any) -> None:
        self.count += by
        if self.count > MOST:
            raise _StopError(Problem(self.shown, f"has more than {MOST:,} values, aliases counted", self.place(event.start_mark)))


def _character(text: str, mark: Any) -> str:
    """What stands at a mark; nothing at the end."""
    lines = text.splitlines()
    return lines[mark.line][mark.column : mark.column + 1] if mark.line < len(lines) else ""
