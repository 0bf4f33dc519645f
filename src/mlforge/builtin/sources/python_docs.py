"""The python_docs source."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pydantic import Field

from mlforge.components import Source
from mlforge.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

__all__ = ["PythonDocs"]


class PythonDocs(Source):
    """Half a megabyte of text that comes with Python, for language models: what `help("topics")` shows, cut into windows.

    Columns: `document` (the topic), `number` (of the window within it, from 0), `text`. Another version of Python has another text.
    """

    window: int = Field(default=128, ge=4, le=1_048_576, description="bytes of a row's text at most; whole characters")

    def watched(self) -> tuple[Path, ...]:
        """The file of the standard library."""
        from pathlib import Path
        from pydoc_data import topics

        return (Path(topics.__file__),)

    def fingerprint(self) -> str:
        """Digest of the text."""
        digest = hashlib.sha256()
        for name, text in _topics():
            digest.update(f"{name}\0{text}\0".encode())
        return f"pydoc_data {digest.hexdigest()}"

    def scan(self) -> pl.LazyFrame:
        """The windows: the first of every topic in the order of their names, then the second, so that the first rows tell of all topics."""
        from mlforge.builtin.sources.windows import framed

        return framed(_topics(), self.window).sort("number", "document").lazy()


def _topics() -> list[tuple[str, str]]:
    try:
        from pydoc_data.topics import topics
    except ImportError:
        raise DataError("source: this Python comes without pydoc_data.topics", hint="Install Python's documentation, or take source=text_files.") from None
    return sorted(topics.items())
