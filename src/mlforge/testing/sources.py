"""What a source must do.

    class TestOrbital(SourceContract):
        component = Orbital(satellites=3)

A source that reads files or tables writes them in `holding`, and gets clauses on rows that the suite chooses:

    class TestCsv(SourceContract):
        def holding(self, folder, rows):
            rows.write_csv(folder / "rows.csv")
            return Csv(path=str(folder / "rows.csv"))
"""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest

from mlforge.components import Component, Reads, Source, parts_of
from mlforge.errors import DataError, MlforgeError
from mlforge.testing.component import ComponentContract
from mlforge.testing.marks import marked

if TYPE_CHECKING:
    import polars as pl

__all__ = ["SourceContract"]

_ELSEWHERE = """
import importlib, json, sys
sys.path[:] = json.loads(sys.argv[1])
found = importlib.import_module(sys.argv[2])
for part in sys.argv[3].split("."):
    found = getattr(found, part)
print(json.dumps(found.model_validate_json(sys.argv[4]).fingerprint()))
"""


class SourceContract(ComponentContract[Source]):
    """Clauses for a source of rows."""

    kind: ClassVar[type[Component]] = Source

    def holding(self, folder: Path, rows: pl.DataFrame) -> Source | None:
        """A source over these rows (text and whole numbers), written into `folder`; None for a source that has rows of its own."""
        return None

    def make(self, folder: Path) -> Source:
        """`component`, or a source over some rows."""
        if self.component is None and (made := self.holding(folder, _rows(200))) is not None:
            return made
        return super().make(folder)

    def exercise(self, component: Source, folder: Path) -> None:
        """Read it."""
        component.fingerprint()
        component.scan().collect()

    def disturb(self, component: Source, folder: Path) -> None:
        """Begin to read it, and give up."""
        batches = component.batches(1)
        next(batches)
        next(batches)
        batches.close()  # type: ignore[attr-defined]

    def test_its_rows_are_the_same_each_time(self, subject: Source) -> None:
        """Else row numbers in quarantine and evidence speak of other rows, and an unchanged run gives another model."""
        one, other = subject.scan().collect(), subject.scan().collect()
        assert one.equals(other), "two scans differ in rows or order"

    def test_scan_reads_lazily_and_names_its_columns(self, subject: Source) -> None:
        """Else every command that asks for the columns reads all rows."""
        import polars as pl

        rows = subject.scan()
        assert isinstance(rows, pl.LazyFrame), f"scan() gives a {type(rows).__name__}; a LazyFrame was expected"
        names = rows.collect_schema().names()
        assert names, "there are no columns"
        assert names == rows.collect().columns, "the columns are others than the schema says"

    @pytest.mark.parametrize("size", [1, 7, 100_000])
    def test_batches_are_the_rows_of_the_scan_in_frames_of_that_size(self, subject: Source, size: int) -> None:
        """Else ingest, which reads batches, sees other rows than what looks at the scan, or more at a time than memory holds."""
        import polars as pl

        whole = subject.scan().collect().head(20 * size)
        frames = list(islice(subject.batches(size), 20))
        assert all(frame.height == size for frame in frames[:-1]), f"of {[frame.height for frame in frames[:-1]]} rows; {size} were asked for"
        assert all(0 < frame.height <= size for frame in frames), "a frame is empty or too large"
        assert pl.concat(frames).equals(whole) if frames else whole.is_empty(), "the batches are not the rows of the scan"

    def test_its_fingerprint_is_the_same_each_time(self, subject: Source, tmp_path: Path) -> None:
        """Else nothing is ever reused: each run reads, trains and judges anew."""
        one, other = subject.fingerprint(), subject.fingerprint()
        assert isinstance(one, str), f"fingerprint() gives a {type(one).__name__}; a text was expected"
        assert one, "the fingerprint is empty"
        assert one == other, f"{one!r}, then {other!r}"

    def test_its_fingerprint_is_the_same_in_another_process(self, subject: Source) -> None:
        """Else tomorrow's run does not know today's: Python's `hash` and `id` differ from process to process."""
        if parts_of(subject):  # made of other sources, which have clauses of their own
            return
        told = [json.dumps(sys.path), type(subject).__module__, type(subject).__qualname__, subject.model_dump_json()]
        done = subprocess.run([sys.executable, "-c", _ELSEWHERE, *told], capture_output=True, text=True, check=False, timeout=120, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stderr[-500:]
        assert json.loads(done.stdout) == subject.fingerprint()

    def test_what_it_watches_is_there(self, subject: Source) -> None:
        """Else an unchanged command looks at nothing, and does not see that the rows have changed."""
        for path in subject.watched() or ():
            assert path.is_absolute(), f"{path} depends on the current folder"
            assert path.exists(), f"there is no {path}"

    def test_what_is_not_there_is_an_error_for_a_person(self, subject: Source) -> None:
        """Else a mistyped path ends in a traceback."""
        for name in marked(subject, Reads):
            was = getattr(subject, name)
            if not isinstance(was, str):
                continue
            gone = f"{was.rpartition('/')[0]}/surely-not-there{Path(was).suffix}"
            source = subject.model_copy(update={name: gone})
            for work in (source.fingerprint, lambda source=source: source.scan().collect(), lambda source=source: list(source.batches(10))):
                try:
                    work()
                except MlforgeError:
                    continue
                except Exception as error:
                    pytest.fail(f"{type(error).__name__} without a place or a remedy: {error}")
                pytest.fail(f"{name}={gone} is read without an error")

    @pytest.mark.parametrize("rows", [1, 50])
    def test_rows_that_are_written_are_read(self, tmp_path: Path, rows: int) -> None:
        """Else rows are lost, repeated or changed on the way, a single row among them."""
        written = _rows(rows)
        source = self.holding(tmp_path, written)
        if source is None:
            pytest.skip("its rows are its own: no `holding`")
        read = source.scan().collect()
        assert read.columns == written.columns
        assert read.select(_text()).equals(written.select(_text())), "the rows are others"

    def test_no_rows_are_an_error_for_a_person_or_no_rows(self, tmp_path: Path) -> None:
        """Else an empty file ends in a traceback."""
        try:
            source = self.holding(tmp_path, _rows(0))
            if source is None:
                pytest.skip("its rows are its own: no `holding`")
            read = source.scan().collect()
        except DataError:
            return
        assert read.height == 0

    def test_its_fingerprint_changes_when_the_rows_do(self, tmp_path: Path) -> None:
        """Else new rows are never read."""
        prints = []
        for name, rows in (("one", _rows(50)), ("other", _rows(51).tail(50))):
            (tmp_path / name).mkdir()
            source = self.holding(tmp_path / name, rows)
            if source is None:
                pytest.skip("its rows are its own: no `holding`")
            prints.append(source.fingerprint())
        assert prints[0] != prints[1]


def _rows(count: int) -> pl.DataFrame:
    """Text and whole numbers, with what formats trip over."""
    import polars as pl

    words = ["plain", "with, comma", 'with "quotes"', "Æ umlaut ß", " spaces "]
    return pl.DataFrame({"id": pl.Series(range(count), dtype=pl.Int64), "word": pl.Series([words[i % 5] for i in range(count)], dtype=pl.String)})


def _text() -> pl.Expr:
    import polars as pl

    return pl.all().cast(pl.String)
