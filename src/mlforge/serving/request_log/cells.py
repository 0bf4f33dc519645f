"""Columns as a graph takes them, made into columns as the contract types them: the inverse of `mlforge.runtime.feed`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from mlforge.runtime.casts import STRINGS

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from mlforge.serving.row_buffer import ColumnBuffer

__all__ = ["Cells", "encoded", "plain", "typed"]


class Cells(msgspec.Struct, array_like=True, frozen=True):
    """One column as a graph takes or gives it, in a form that another process can read."""

    dtype: str  # numpy's
    shape: tuple[int, ...]  # [rows] or [rows, size]
    data: bytes
    words: list[str] | None = None  # distinct texts; `data` then has an index into them a cell

    @classmethod
    def of(cls, buffer: ColumnBuffer) -> Cells:
        """The cells of a buffer, whose memory is not copied."""
        if not buffer.is_text:
            return cls(buffer.dtype.str, (-1, *buffer.shape), buffer.bytes)  # type: ignore[arg-type]  # encoded as bytes are
        return encoded(buffer.texts)

    def array(self) -> np.ndarray:
        """Numbers, or indices into `words`."""
        import numpy as np

        return np.frombuffer(self.data, self.dtype).reshape(self.shape)


def encoded(texts: Sequence[str]) -> Cells:
    """Texts as indices into the distinct ones."""
    import numpy as np

    indices: defaultdict[str, int] = defaultdict()
    indices.default_factory = indices.__len__
    codes = np.fromiter(map(indices.__getitem__, texts), np.int32, len(texts))
    indices.default_factory = None  # it refers to the dictionary, which would wait for the garbage collector
    return Cells(codes.dtype.str, codes.shape, codes.tobytes(), list(indices))


def typed(dtype: str, cells: Cells) -> pa.Array:
    """A column of the contract, of what a graph took for it: null where that stood for a missing value. Floats keep the width that the graph has."""
    if cells.words is not None or dtype in STRINGS or dtype == "image":
        return _text(cells)
    values = cells.array()
    if dtype.startswith("array"):
        return _array(values)
    return {"int": _int, "bool": _bool, "datetime": _datetime}.get(dtype, _float)(values.ravel())


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column without a dictionary."""
    import pyarrow as pa

    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _text(cells: Cells) -> pa.Array:
    import pyarrow as pa

    if cells.words is None:  # rows of bytes
        cells = encoded([bytes(row).rstrip(b"\0").decode("utf-8", "replace") for row in cells.array()])
    assert cells.words is not None
    codes = cells.array()
    absent = codes == cells.words.index("") if "" in cells.words else None
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=absent), pa.array(cells.words, pa.string()))


def _float(values: np.ndarray) -> pa.Array:
    import numpy as np
    import pyarrow as pa

    return pa.array(values if values.dtype == np.float32 else values.astype(np.float64), from_pandas=True)


def _int(values: np.ndarray) -> pa.Array:
    import numpy as np
    import pyarrow as pa

    return pa.array(np.nan_to_num(values).astype(np.int64), mask=_absent(values))


def _bool(values: np.ndarray) -> pa.Array:
    import numpy as np
    import pyarrow as pa

    return pa.array(values if values.dtype == bool else np.nan_to_num(values) != 0, mask=_absent(values))


def _datetime(values: np.ndarray) -> pa.Array:
    import numpy as np
    import pyarrow as pa

    return pa.array(np.round(np.nan_to_num(values) * 1e6).astype("datetime64[us]"), mask=_absent(values))


def _array(values: np.ndarray) -> pa.Array:
    import numpy as np
    import pyarrow as pa

    absent = np.isnan(values).all(axis=1)
    flat = pa.array(values.ravel() if values.dtype == np.float32 else values.ravel().astype(np.float64))
    return pa.FixedSizeListArray.from_arrays(flat, values.shape[1], mask=pa.array(absent) if absent.any() else None)


def _absent(values: np.ndarray) -> np.ndarray | None:
    import numpy as np

    absent: np.ndarray = np.isnan(values)
    return absent if absent.any() else None
