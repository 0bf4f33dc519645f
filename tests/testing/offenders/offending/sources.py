"""Sources that read badly."""

import json
from pathlib import Path

from pydantic import Field, PrivateAttr

from mlforge.components import InputPath, Source
from mlforge.errors import DataError
from offending.general import Fine

_turn = [False]


class Shuffling(Fine):
    """Another order at each scan."""

    def scan(self):
        _turn[0] = not _turn[0]
        return self._rows()

    def batches(self, rows):
        yield from self._rows().collect().iter_slices(rows)

    def _rows(self):
        rows = super().scan()
        return rows.reverse() if _turn[0] else rows


class Eager(Fine):
    """Reads everything when it is asked for the columns."""

    def scan(self):
        import polars as pl

        class Read(pl.DataFrame):
            def collect(self):
                return pl.DataFrame(self)

        return Read({"id": range(9)})

    def batches(self, rows):
        yield from self.scan().collect().iter_slices(rows)


class Lumping(Fine):
    """One frame, whatever size is asked for."""

    def batches(self, rows):
        yield self.scan().collect()
        yield self.scan().collect().clear()


class Fickle(Fine):
    """Another fingerprint at every second question."""

    _asked: int = PrivateAttr(default=0)

    def fingerprint(self):
        self._asked += 1
        return f"fingerprint {self._asked % 2}"


class Hashed(Fine):
    """A fingerprint by Python's own hash, which differs from process to process."""

    def fingerprint(self):
        return str(hash("nine rows"))


class Blindfolded(Fine):
    """Watches a file that is not there."""

    def watched(self):
        return (Path("/nowhere/rows.csv"),)


class Lines(Source):
    """Rows in a JSON file, read as they should be."""

    path: InputPath = Field(description="the file")

    def fingerprint(self):
        return self.text()

    def scan(self):
        import polars as pl

        return pl.LazyFrame(self.read())

    def read(self):
        return json.loads(self.text())

    def text(self):
        try:
            return Path(self.path).read_text()
        except OSError as error:
            raise DataError(f"source.path: {error}") from None


class Tracing(Lines):
    """A missing file is a traceback."""

    def text(self):
        return Path(self.path).read_text()


class Losing(Lines):
    """Loses the last row."""

    def read(self):
        return {name: values[:-1] if len(values) < 100 and values else values for name, values in super().read().items()}


class Crashing(Lines):
    """Looks at the first row of none."""

    def read(self):
        rows = super().read()
        return {name: [values[0], *values[1:]] for name, values in rows.items()}


class Constant(Lines):
    """The same fingerprint for all rows."""

    def fingerprint(self):
        self.text()
        return "rows"
