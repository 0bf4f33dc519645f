"""What every component is: a frozen model of its own keys, and the marks that a field may carry."""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, get_args

from pydantic import BaseModel, ConfigDict

from mlforge.contract import Contract

__all__ = ["Component", "Deprecated", "InputPath", "Names", "Objection", "Reads", "Variable", "parts_of", "reads_of", "summary"]


@dataclass(frozen=True)
class Reads:
    """Marks a field that names a file or folder to be read: it is resolved against the project, checked against its roots, and no part of a stage's key."""


InputPath = Annotated[str, Reads()]
"""A path, glob or URL that a component reads. When the component is made, it is absolute and lies within the project's roots."""


@dataclass(frozen=True)
class Names:
    """Marks a field that names an environment variable: the project must allow it."""


Variable = Annotated[str, Names()]
"""The name of an environment variable that a component reads when it runs. What it holds is no part of a recipe, a key or a record."""


@dataclass(frozen=True)
class Deprecated:
    """Marks a field that will go; a recipe that writes it is warned: `rows: Annotated[int, Deprecated("0.3", "write count")]`."""

    since: str  # version of the component's distribution
    instead: str = ""  # what to do

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        """An editor strikes it through."""
        made: dict[str, Any] = handler(schema)
        return {**made, "deprecated": True}


@dataclass(frozen=True)
class Objection:
    """Why a component does not suit a contract: a problem of the recipe, told before anything runs."""

    field: str  # the component's field that is wrong, or "" for the component as a whole
    found: str
    expected: str = ""
    hint: str = ""


class Component(BaseModel, ABC):
    """What a recipe's section can name. The first line of the docstring is what `mlforge ls` prints."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), hide_input_in_errors=True, allow_inf_nan=False)

    requires: ClassVar[tuple[str, ...]] = ()
    """Distributions beyond mlforge's base install, as pip names them: `("torch", "pytorch-lightning")`. Missing ones are reported before anything runs."""

    libraries: ClassVar[tuple[str, ...]] = ()
    """Distributions whose version decides the result: a new version re-runs the stages that use the component."""

    def objections(self, contract: Contract) -> Iterable[Objection]:
        """What speaks against it under this contract, such as a column that is not there; looked at by `check`, without data."""
        return ()


def summary(component: type[Component]) -> str:
    """One line on a component: the first of its docstring."""
    return (component.__doc__ or "").strip().partition("\n")[0]


def reads_of(component: Component) -> dict[str, Any]:
    """The fields that name what is read, with their values."""
    fields = type(component).model_fields.items()
    return {name: getattr(component, name) for name, info in fields if any(isinstance(mark, Reads) for mark in (*info.metadata, *_within(info.annotation)))}


def _within(annotation: Any) -> tuple[Any, ...]:
    """The marks within an annotation such as `InputPath | None`."""
    return tuple(mark for part in get_args(annotation) for mark in getattr(part, "__metadata__", ()))


def parts_of(component: Component) -> dict[str, Component]:
    """The components within a component, by their place in it: "sources.orders"."""
    fields = {name: getattr(component, name) for name in type(component).model_fields}
    held = {name: value for name, value in fields.items() if isinstance(value, Mapping)}
    return {f"{name}.{entry}": part for name, value in held.items() for entry, part in value.items() if isinstance(part, Component)}
