"""Rows of one pass over a store, kept on the disk until the next pass wants them."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal

from mlforge.builtin.sources.spool import Spool

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Kept", "digested"]

_LENGTH = 8  # bytes before each frame that say how long it is


class Kept:
    """Frames in a file without a name, which goes with the process, and their digest: so that what was read to tell the rows apart need not be read again."""

    def __init__(self, frames: Iterable[pl.DataFrame], what: str) -> None:
        digest = hashlib.sha256()
        self._spool = Spool(_blocks(digested(frames, digest)), what)
        self.digest = digest.hexdigest()

    def frames(self) -> Iterator[pl.DataFrame]:
        """The frames, as they were read."""
        import polars as pl

        with self._spool.path.open("rb") as file:
            while length := file.read(_LENGTH):
                yield pl.read_ipc_stream(io.BytesIO(file.read(int.from_bytes(length))))

    def close(self) -> None:
        """Give the rows up."""
        self._spool.close()


def digested(frames: Iterable[pl.DataFrame], digest: hashlib._Hash) -> Iterator[pl.DataFrame]:
    """The frames as they come; their columns and values are added to a digest."""
    for frame in frames:
        digest.update(str(frame.schema).encode())
        digest.update(_packed(_bare(frame), "uncompressed"))
        yield frame


def _bare(frame: pl.DataFrame) -> pl.DataFrame:
    """The values, and which of them are missing, in whole bytes: what a driver leaves in the place of a missing value, or after the last bit, is no part."""
    import polars as pl
    import polars.selectors as cs

    lacks = [pl.col(name).is_null().cast(pl.UInt8).alias(f"{index} lacks") for index, name in enumerate(frame.columns)]
    booleans, others = cs.boolean().cast(pl.UInt8).fill_null(0), (cs.all() - cs.boolean() - cs.string()).to_physical().fill_null(0)
    return frame.select(others, booleans, cs.string().fill_null(""), *lacks)


def _blocks(frames: Iterable[pl.DataFrame]) -> Iterator[bytes]:
    for frame in frames:
        packed = _packed(frame, "lz4")
        yield len(packed).to_bytes(_LENGTH)
        yield packed


def _packed(frame: pl.DataFrame, compression: Literal["uncompressed", "lz4"]) -> bytes:
    """A frame in Arrow's stream format, in its plainest layout: the same values are the same bytes."""
    import polars as pl

    packed = io.BytesIO()
    frame.rechunk().write_ipc_stream(packed, compression=compression, compat_level=pl.CompatLevel.oldest())
    return packed.getvalue()
