"""Misspell every key of every shipped recipe, and every field of every component: each is reported where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from mlforge.contract import Column, Contract, Length
from mlforge.errors import RecipeError
from mlforge.recipe.header import Header
from mlforge.recipe.node import Node
from mlforge.recipe.typed import models_in
from mlforge.recipe.yaml import parse
from mlforge.sections import SECTIONS

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "recipes").glob("*.yaml")) + sorted((ROOT / "conf").glob("*.yaml"))
OWN_NAMES = (
    ("sweep", "space", "*"), ("contract", "columns", "*"), ("gates", "thresholds", "rules", "*"), ("evaluators", "slices", "where", "*"),
    *(("evaluators", "behaviour", kind, "*") for kind in ("perturbations", "minimum", "invariance", "direction")),
)  # fmt: skip
"""Keys that an author invents: no check can know them."""


def misspelt(word: str) -> str:
    """The word with two letters swapped, or its last one doubled."""
    for index in range(len(word) // 2, len(word) - 1):
        if word[index] != word[index + 1]:
            return word[:index] + word[index + 1] + word[index] + word[index + 2 :]
    return word + word[-1]


def keys(root: Node) -> Iterator[tuple[tuple[str, ...], int, int]]:
    """Every key of the language in a file, once: its path, line and column."""
    seen = set()
    for path, node in root.walk():
        invented = any(len(path) == len(own) and all(part in ("*", here) for part, here in zip(own, path, strict=True)) for own in OWN_NAMES)
        if node.key is None or invented or (node.key.line, node.key.column) in seen:
            continue
        line, column = node.key.line or 0, node.key.column or 0
        seen.add((line, column))
        yield path, line, column


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_of_every_key_of_a_shipped_recipe(bench: Any, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = file.read_text(encoding="utf-8")
    lines = text.splitlines()
    count = 0
    for path, line, column in keys(parse(text, file.name).root):
        word = path[-1].removeprefix("override ")
        start = column - 1 + len(path[-1]) - len(word)
        wrong = misspelt(word)
        assert lines[line - 1][start:].startswith(word)
        changed = [*lines]
        changed[line - 1] = lines[line - 1][:start] + wrong + lines[line - 1][start + len(word) :]
        bench.write({"recipes/mutant.yaml": "\n".join(changed) + "\n"})
        with pytest.raises(RecipeError) as caught:
            bench.compose("mutant", *(["name=x"] if file.stem == "lifecycle" else []))
        told = [problem for problem in caught.value.problems if problem.where.endswith(wrong) and problem.origin and problem.origin.line == line]
        assert told, f"{'.'.join(path)} as {wrong}:\n{caught.value}"
        count += 1
        assert told[0].hint == f"Did you mean {word}?", str(told[0])
    with capsys.disabled():
        print(f" {file.stem}: {count} of {count} keys reported with the right name", end="")  # noqa: T201  how many is what the reader wants to know
    assert count


def fields(kind: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every field of a model and of the models in it, with the path of its parent; `*` stands for an entry."""
    for name, info in kind.model_fields.items():
        yield path, name
        for below in models_in(info.annotation, ()):
            yield from fields(below, (*path, name))
        for below in models_in(info.annotation, ("*",)):
            if below not in models_in(info.annotation, ()):
                yield from fields(below, (*path, name, "entry"))


def nested(path: tuple[str, ...], wrong: str) -> dict[str, Any]:
    made: Any = {wrong: 1}
    for part in reversed(path):
        made = {part: made}
    return dict(made)


def flow(value: Any) -> str:
    return "{" + ", ".join(f"{key}: {flow(child)}" for key, child in value.items()) + "}" if isinstance(value, dict) else str(value)


def test_of_every_field_of_every_component(bench: Any, capsys: pytest.CaptureFixture[str]) -> None:
    count = 0
    for section in SECTIONS.values():
        for option in bench.catalog.options(section.name):
            address = (section.name, option) if section.plural else (section.name,)
            for path, name in fields(bench.catalog.load(section.name, option)):
                wrong = misspelt(name)
                head = f"{'.'.join(address)}.use={option}" if section.plural else f"{section.name}={option}"
                with pytest.raises(RecipeError) as caught:
                    bench.compose("adult", head, f"{'.'.join(address)}={flow(nested(path, wrong))}")
                where = ".".join((*address, *path, wrong))
                told = [problem for problem in caught.value.problems if problem.where == where]
                assert told, f"{where}:\n{caught.value}"
                assert told[0].hint == f"Did you mean {name}?", str(caught.value)
                count += 1
    with capsys.disabled():
        print(f" {count} of {count} fields of components reported", end="")  # noqa: T201  how many is what the reader wants to know
    assert count > 30


@pytest.mark.parametrize(("kind", "path"), [(Contract, "contract"), (Column, "contract.columns.age"), (Length, "contract.columns.sex.length"), (Header, "")])
def test_of_every_field_of_the_contract_and_the_header(bench: Any, kind: type[BaseModel], path: str) -> None:
    for name in kind.model_fields:
        wrong = misspelt(name)
        where = f"{path}.{wrong}" if path else wrong
        told = [problem for problem in bench.problems("adult", "source.path=rows.csv", f"{where}=1") if problem.where == where]
        assert told, where
        assert told[0].hint == f"Did you mean {name}?"
