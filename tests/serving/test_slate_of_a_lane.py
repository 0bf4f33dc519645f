"""What the loop notes of a batch: copies of its cells, in order, and nothing else of a request."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading

import numpy as np

from mlforge.serving.batcher import Ask, Batch
from mlforge.serving.journal.typed import Cells
from mlforge.serving.load import Load, Rejected
from mlforge.serving.slate import Page, Pile, Slate


def _ask(ident: str, load: Load, loop: asyncio.AbstractEventLoop) -> Ask:
    return Ask(load, ident, 1.0, 2.0, loop.create_future())


def _batch(first: int, *sizes: int) -> Batch:
    """Requests of so many rows; the cells of a row are its number."""
    loop = asyncio.new_event_loop()
    asks = [_ask(f"r{first + place}", Load(size, [()] * size), loop) for place, size in enumerate(sizes)]
    loop.close()
    numbers = np.arange(first, first + sum(sizes))
    columns = (numbers.reshape(-1, 1).astype(float), np.array([str(one) for one in numbers], object).reshape(-1, 1), np.stack([numbers, -numbers], 1) / 2)
    return Batch(asks, sum(sizes), columns, {"prediction": columns[1][:, 0], "probability": columns[2].astype(np.float32)}, 0.1, 3.0)


def _cells(page: Page) -> list[tuple[float, str, float, float, str]]:
    numbers, texts, pairs = page.columns
    return list(zip(_array(numbers)[:, 0].tolist(), texts.texts, *_array(pairs).T.tolist(), page.outputs["prediction"].texts, strict=True))


def _array(pile: Pile) -> np.ndarray:
    return np.frombuffer(pile.bytes, pile.dtype).reshape(-1, *pile.shape)


def test_rows_of_many_batches_lie_behind_each_other_as_they_were() -> None:
    slate = Slate((0, 1, 2))
    for first, sizes in ((0, (1,)), (1, (2, 1)), (4, (100,))):
        slate.note(_batch(first, *sizes), "champion")
    assert slate.rows == 104
    (page,) = slate.take()
    assert _cells(page) == [(float(one), str(one), one / 2, -one / 2, str(one)) for one in range(104)]
    assert page.outputs["probability"].dtype == np.float32
    assert list(page.counts) == [1, 2, 1, 100]
    assert page.ids == ["r0", "r1", "r2", "r4"]
    assert list(page.waited) == [2.0] * 4
    assert not slate.take()


def test_what_becomes_of_an_array_after_it_was_noted_changes_nothing() -> None:
    slate, batch = Slate((0,)), _batch(0, 3)
    slate.note(batch, "champion")
    batch.columns[0][:] = 99.0
    (page,) = slate.take()
    assert _array(page.columns[0])[:, 0].tolist() == [0.0, 1.0, 2.0]


def test_no_request_outlives_its_answer() -> None:
    slate, batch = Slate((0, 1, 2)), _batch(0, 2, 2)
    kept = (batch, *batch.asks, *(ask.load for ask in batch.asks), *batch.columns, *batch.outputs.values())
    before = [sys.getrefcount(one) for one in kept]
    slate.note(batch, "champion")
    assert [sys.getrefcount(one) for one in kept] == before


def test_what_was_noted_is_free_as_soon_as_its_page_is_gone() -> None:
    """Without the garbage collector, which would let pages pile up for minutes."""
    slate, batch = Slate((0, 1, 2)), _batch(0, 2, 2)
    text = batch.columns[1][0, 0]
    before = sys.getrefcount(text)
    gc.disable()
    try:
        slate.note(batch, "champion")
        cells = Cells.of(slate.take().pop().columns[1])
        assert cells.words == ["0", "1", "2", "3"]
        del cells
        assert sys.getrefcount(text) == before
    finally:
        gc.enable()


def test_another_page_is_begun_when_one_is_full() -> None:
    full: list[int] = []
    slate = Slate((0,), full=lambda: full.append(slate.rows))
    for number in range(10):
        slate.note(_batch(1000 * number, 1000), "champion")
    assert [page.rows for page in slate.take()] == [5000, 5000]
    assert full == [5000, 10_000]
    assert slate.rows == 0


def test_where_rows_were_rejected_the_places_of_the_others_are_noted() -> None:
    slate, batch = Slate(()), _batch(0, 1, 2)
    loop = asyncio.new_event_loop()
    batch.asks[1] = _ask("gaps", Load(4, [(), ()], rejected=(Rejected(0, "no"), Rejected(2, "no")), accepted=[1, 3]), loop)  # type: ignore[index]
    loop.close()
    slate.note(batch, "champion")
    (page,) = slate.take()
    assert page.places == {1: [1, 3]}
    assert list(page.counts) == [1, 2]


def test_while_one_thread_notes_and_another_takes_no_row_is_lost_or_torn() -> None:
    slate, over = Slate((0, 1, 2)), threading.Event()
    seen: list[tuple[list[tuple[float, str, float, float, str]], int, int]] = []

    def take() -> None:
        while not over.is_set() or slate.rows:
            seen.extend((_cells(page), page.rows, len(page.ids)) for page in slate.take())  # looked at as soon as they are there

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        taker = threading.Thread(target=take)
        taker.start()
        for batch in [_batch(3 * number, 1, 2) for number in range(2000)] * 5:
            slate.note(batch, "champion")
        over.set()
        taker.join(30)
    finally:
        sys.setswitchinterval(before)
    assert len(seen) > 1
    assert all(rows == len(cells) for cells, rows, _ in seen)
    assert sum(ids for *_, ids in seen) == 20_000
    assert [cell[0] for cells, *_ in seen for cell in cells] == list(range(6000)) * 5
