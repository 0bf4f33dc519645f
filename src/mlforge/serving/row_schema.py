"""The JSON Schema of a row under a contract, and an example row."""

from __future__ import annotations

from typing import Any

from mlforge.contract import Column, Contract
from mlforge.runtime.casts import STRINGS, array_size

__all__ = ["example_row", "row_schema"]

_TYPES = {"int": "integer", "float": "number", "bool": "boolean"}
_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
_LARGEST = 2**63 - 1


def row_schema(contract: Contract) -> dict[str, Any]:
    """A row by real names: types, ranges, allowed values; what may be missing may be left out."""
    columns = {column.name or key: column for key, column in contract.columns.items() if column.role != "ignore"}
    return {
        "type": "object",
        "properties": {name: _cell(column, contract.nulls) for name, column in columns.items()},
        "required": [name for name, column in columns.items() if not column.nullable],
        "examples": [example] if (example := example_row(contract)) else [],
    }


def _cell(column: Column, nulls: tuple[str, ...]) -> dict[str, Any]:
    said = _type(column, nulls)
    if column.nullable:
        said["type"] = [said["type"], "null"]
        if "enum" in said:
            said["enum"] = [*said["enum"], None]
    about = [text for text in (column.description, f"in {column.unit}" if column.unit else None, _unsaid(column)) if text]
    return said | ({"description": "; ".join(about)} if about else {})


def _type(column: Column, nulls: tuple[str, ...]) -> dict[str, Any]:
    size = array_size(column.dtype)
    if size is not None:
        return {"type": "array", "items": {"type": "number"}, "minItems": size, "maxItems": size}
    said: dict[str, Any] = {"type": _TYPES.get(column.dtype, "string")}
    if column.dtype == "datetime":
        return said | {"format": "date-time"}
    if column.dtype in ("int", "float"):
        said |= {name: getattr(column, rule) for rule, name in _BOUNDS.items() if getattr(column, rule) is not None}
        if column.dtype == "int":
            said |= {} if {"minimum", "exclusiveMinimum"} & set(said) else {"minimum": -_LARGEST}
            said |= {} if {"maximum", "exclusiveMaximum"} & set(said) else {"maximum": _LARGEST}
    if column.values is not None:
        said["enum"] = [str(one).lower() if isinstance(one, bool) else str(one) for one in column.values] if column.dtype in STRINGS else list(column.values)
    elif column.dtype in STRINGS:
        said |= {"pattern": r"\S" if column.regex is None else f"^(?:{column.regex})$"} | ({"not": {"enum": list(nulls)}} if nulls else {})
        if column.length is not None:
            said |= {"minLength": column.length.min} | ({"maxLength": column.length.max} if column.length.max is not None else {})
    return said


def _unsaid(column: Column) -> str | None:
    """Bounds that the schema's words do not reach."""
    if column.dtype != "datetime":
        return None
    bounds = [f"{words} {getattr(column, rule)}" for rule, words in (("ge", "from"), ("gt", "after"), ("le", "to"), ("lt", "before")) if getattr(column, rule)]
    return ", ".join(bounds) or None


def example_row(contract: Contract) -> dict[str, Any] | None:
    """A row that keeps the contract; None where one cannot be made up, as with patterns."""
    row: dict[str, Any] = {}
    for key, column in contract.columns.items():
        if column.role == "ignore":
            continue
        if column.regex is not None:
            return None
        row[column.name or key] = _value(column)
    return row


def _value(column: Column) -> Any:
    size = array_size(column.dtype)
    if size is not None:
        return [0.0] * size
    if column.values:
        first = column.values[0]
        return (str(first).lower() if isinstance(first, bool) else str(first)) if column.dtype in STRINGS else first
    if column.dtype in ("int", "float"):
        return _number(column)
    if column.dtype == "datetime":
        return str(column.ge or column.le or "2024-06-01T12:00:00")
    if column.dtype == "bool":
        return True
    least = column.length.min if column.length is not None else 0
    most = column.length.max if column.length is not None and column.length.max is not None else 4
    return "text"[:most].ljust(least, "x")


def _number(column: Column) -> float | int:
    """Between its bounds; near the lower one where there is but one."""
    low, high = (next((float(value) for rule in rules if (value := getattr(column, rule)) is not None), None) for rules in (("ge", "gt"), ("le", "lt")))
    middle = (low + high) / 2 if low is not None and high is not None else low + 1 if low is not None else high - 1 if high is not None else 0.0
    return round(middle) if column.dtype == "int" else middle
