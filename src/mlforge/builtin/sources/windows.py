"""Texts cut into windows: rows that a language model is trained on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

__all__ = ["cut", "framed"]


def cut(text: str, window: int) -> Iterator[str]:
    """The text in pieces of at most so many bytes, each as long as whole characters allow; together they are the text. Blank pieces are left out."""
    raw, start = text.encode(), 0
    while start < len(raw):
        stop = min(len(raw), start + window)
        while stop < len(raw) and raw[stop] & 0xC0 == 0x80:  # within a character
            stop -= 1
        piece = raw[start:stop].decode()
        if piece.strip():  # a blank cell is a missing value
            yield piece
        start = stop


def framed(documents: Iterable[tuple[str, str]], window: int) -> pl.DataFrame:
    """A row for each window: `document`, its `number` within it from 0, and `text`."""
    import polars as pl

    rows = [(name, number, piece) for name, text in documents for number, piece in enumerate(cut(text, window))]
    return pl.DataFrame(rows, schema={"document": pl.String, "number": pl.Int64, "text": pl.String}, orient="row")
