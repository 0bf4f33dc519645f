"""What the loop notes of a batch: copies of its cells, in order, and nothing else of a request."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading

import numpy as np

from mlforge.serving.batcher import Ask, Batch
from mlforge.serving.request_log.cells import Cells
from mlforge.serving.request_rows import Rejected, RequestRows
from mlforge.serving.row_buffer import Chunk, ColumnBuffer, RowBuffer


def _ask(ident: str, load: RequestRows, loop: asyncio.AbstractEventLoop) -> Ask:
    return Ask(load, ident, 1.0, 2.0, loop.create_future())


def _batch(first: int, *sizes: int) -> Batch:
    """Requests of so many rows; the cells of a row are its number."""
    loop = asyncio.new_event_loop()
    asks = [_ask(f"r{first + place}", RequestRows(size, [()] * size), loop) for place, size in enumerate(sizes)]
    loop.close()
    numbers = np.arange(first, first + sum(sizes))
    columns = (numbers.reshape(-1, 1).astype(float), np.array([str(one) for one in numbers], object).reshape(-1, 1), np.stack([numbers, -numbers], 1) / 2)
    return Batch(asks, sum(sizes), columns, {"prediction": columns[1][:, 0], "probability": columns[2].astype(np.float32)}, 0.1, 3.0)


def _cells(chunk: Chunk) -> list[tuple[float, str, float, float, str]]:
    numbers, texts, pairs = chunk.columns
    return list(zip(_array(numbers)[:, 0].tolist(), texts.texts, *_array(pairs).T.tolist(), chunk.outputs["prediction"].texts, strict=True))


def _array(column: ColumnBuffer) -> np.ndarray:
    return np.frombuffer(column.bytes, column.dtype).reshape(-1, *column.shape)


def test_rows_of_many_batches_lie_behind_each_other_as_they_were() -> None:
    buffer = RowBuffer((0, 1, 2))
    for first, sizes in ((0, (1,)), (1, (2, 1)), (4, (100,))):
        buffer.append(_batch(first, *sizes), "champion")
    assert buffer.rows == 104
    (chunk,) = buffer.take()
    assert _cells(chunk) == [(float(one), str(one), one / 2, -one / 2, str(one)) for one in range(104)]
    assert chunk.outputs["probability"].dtype == np.float32
    assert list(chunk.counts) == [1, 2, 1, 100]
    assert chunk.ids == ["r0", "r1", "r2", "r4"]
    assert list(chunk.waited) == [2.0] * 4
    assert not buffer.take()


def test_what_becomes_of_an_array_after_it_was_noted_changes_nothing() -> None:
    buffer, batch = RowBuffer((0,)), _batch(0, 3)
    buffer.append(batch, "champion")
    batch.columns[0][:] = 99.0
    (chunk,) = buffer.take()
    assert _array(chunk.columns[0])[:, 0].tolist() == [0.0, 1.0, 2.0]


def test_no_request_outlives_its_answer() -> None:
    buffer, batch = RowBuffer((0, 1, 2)), _batch(0, 2, 2)
    kept = (batch, *batch.asks, *(ask.load for ask in batch.asks), *batch.columns, *batch.outputs.values())
    before = [sys.getrefcount(one) for one in kept]
    buffer.append(batch, "champion")
    assert [sys.getrefcount(one) for one in kept] == before


def test_what_was_noted_is_free_as_soon_as_its_page_is_gone() -> None:
    """Without the garbage collector, which would let pages column up for minutes."""
    buffer, batch = RowBuffer((0, 1, 2)), _batch(0, 2, 2)
    text = batch.columns[1][0, 0]
    before = sys.getrefcount(text)
    gc.disable()
    try:
        buffer.append(batch, "champion")
        cells = Cells.of(buffer.take().pop().columns[1])
        assert cells.words == ["0", "1", "2", "3"]
        del cells
        assert sys.getrefcount(text) == before
    finally:
        gc.enable()


def test_another_page_is_begun_when_one_is_full() -> None:
    full: list[int] = []
    buffer = RowBuffer((0,), full=lambda: full.append(buffer.rows))
    for number in range(10):
        buffer.append(_batch(1000 * number, 1000), "champion")
    assert [chunk.rows for chunk in buffer.take()] == [5000, 5000]
    assert full == [5000, 10_000]
    assert buffer.rows == 0


def test_where_rows_were_rejected_the_places_of_the_others_are_noted() -> None:
    buffer, batch = RowBuffer(()), _batch(0, 1, 2)
    loop = asyncio.new_event_loop()
    batch.asks[1] = _ask("gaps", RequestRows(4, [(), ()], rejected=(Rejected(0, "no"), Rejected(2, "no")), accepted=[1, 3]), loop)  # type: ignore[index]
    loop.close()
    buffer.append(batch, "champion")
    (chunk,) = buffer.take()
    assert chunk.places == {1: [1, 3]}
    assert list(chunk.counts) == [1, 2]


def test_while_one_thread_notes_and_another_takes_no_row_is_lost_or_torn() -> None:
    buffer, over = RowBuffer((0, 1, 2)), threading.Event()
    seen: list[tuple[list[tuple[float, str, float, float, str]], int, int]] = []

    def take() -> None:
        while not over.is_set() or buffer.rows:
            seen.extend((_cells(chunk), chunk.rows, len(chunk.ids)) for chunk in buffer.take())  # looked at as soon as they are there

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        taker = threading.Thread(target=take)
        taker.start()
        for batch in [_batch(3 * number, 1, 2) for number in range(2000)] * 5:
            buffer.append(batch, "champion")
        over.set()
        taker.join(30)
    finally:
        sys.setswitchinterval(before)
    assert len(seen) > 1
    assert all(rows == len(cells) for cells, rows, _ in seen)
    assert sum(ids for *_, ids in seen) == 20_000
    assert [cell[0] for cells, *_ in seen for cell in cells] == list(range(6000)) * 5
