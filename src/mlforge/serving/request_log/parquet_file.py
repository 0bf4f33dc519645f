"""A Parquet file in memory that rows are added to: they are encoded a row group at a time, so that the work is spread and little memory is held."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

__all__ = ["ParquetFile"]

_TOGETHER = 16_384  # rows that are encoded at a time


class ParquetFile:
    """One file; all rows have the same columns."""

    def __init__(self) -> None:
        self.rows = 0
        self._loose: list[pa.Table] = []  # not encoded yet
        self._rows = 0  # of them
        self._file: pq.ParquetWriter | None = None
        self._done: memoryview | None = None  # the whole file, once it was asked for

    def add(self, rows: pa.Table) -> None:
        """More rows; their texts may be dictionaries."""
        self.rows += rows.num_rows
        self._rows += rows.num_rows
        self._loose.append(rows)
        if self._rows >= _TOGETHER:
            self._encode()

    @property
    def closed(self) -> bool:
        """Was it asked for, so that nothing can be added."""
        return self._done is not None

    def content(self) -> memoryview:
        """The whole file."""
        if self._done is None:
            self._encode()
            assert self._file is not None
            self._file.close()
            self._file, self._done = None, memoryview(self._into.getvalue())
        return self._done

    def _encode(self) -> None:
        """Texts have dictionaries, as they came; numbers seldom repeat, and a dictionary of them costs more than it saves."""
        import pyarrow as pa

        if not self._loose:
            return
        if self._file is None:
            self._begin(self._loose[0].schema)
        assert self._file is not None
        self._file.write_table(pa.concat_tables(self._loose).unify_dictionaries(), row_group_size=2 * self._rows)
        self._loose, self._rows = [], 0

    def _begin(self, schema: pa.Schema) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        texts = [field.name for field in schema if pa.types.is_dictionary(field.type)]
        self._into = pa.BufferOutputStream()
        self._file = pq.ParquetWriter(self._into, schema, compression="snappy", use_dictionary=texts, write_statistics=False, store_schema=False)
        self._file.add_key_value_metadata({"ARROW:schema": _described(schema)})


def _described(schema: pa.Schema) -> str:
    """Arrow's own schema, from which readers learn the size of arrays. Texts are plain in it, or every reader would make dictionaries of them."""
    import pyarrow as pa

    plain = pa.schema([field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field for field in schema])
    return base64.b64encode(plain.serialize()).decode()
