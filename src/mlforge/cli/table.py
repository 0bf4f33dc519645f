"""Rows of text in columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mlforge.secrets import mask

__all__ = ["columns"]


def columns(rows: Iterable[Sequence[str]], indent: int = 0) -> list[str]:
    """The rows as lines, each column as wide as its longest cell; the last column is as long as it likes."""
    table = [list(row) for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*(row[:-1] for row in table), strict=True)]
    return [mask(" " * indent + "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()) for row in table]
