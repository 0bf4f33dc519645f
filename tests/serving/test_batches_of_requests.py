"""Requests that are here together go together; nobody waits for one that is not, and nobody suffers for another."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from mlforge.serving.batcher import Answer, Batch, Batcher, Columns, Outputs, Poisoned
from mlforge.serving.http import Refused
from mlforge.serving.pace import Pace
from mlforge.serving.request_rows import Rejected, RequestRows


def _columns(loads: Sequence[RequestRows]) -> Columns:
    return (np.array([row[0] for load in loads for row in load.rows or ()]).reshape(-1, 1),)


def _load(*values: float) -> RequestRows:
    return RequestRows(len(values), [(value,) for value in values])


class Graph:
    """Doubles numbers; fails on negative ones; waits where it is told to."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.gate = threading.Event()
        self.gate.set()

    def run(self, columns: Columns) -> Outputs:
        self.gate.wait(20)
        (column,) = columns
        if (column < 0).any():
            raise ValueError("negative")
        self.sizes.append(len(column))
        return {"prediction": column[:, 0] * 2}


def _within(work: Callable[[Batcher, Graph], Coroutine[Any, Any, None]], *, objective: float = 1.0, first: float = 1e-6, threaded: bool = False) -> None:
    """Run a test in a loop, with a batcher over a graph."""

    async def main() -> None:
        graph = Graph()
        with ThreadPoolExecutor(2) as threads:
            batcher = Batcher(graph.run, _columns, Pace(objective, first), asyncio.get_running_loop(), threads=threads)
            batcher.threaded = threaded
            try:
                await asyncio.wait_for(work(batcher, graph), 20)
            finally:
                graph.gate.set()

    asyncio.run(main())


def _soon() -> float:
    return time.perf_counter() + 10


def test_requests_of_one_turn_go_together_and_each_gets_its_own_answer() -> None:
    async def work(batcher: Batcher, graph: Graph) -> None:
        seen: list[Batch] = []
        batcher.observers.append(seen.append)
        answers = await asyncio.gather(*(batcher.ask(_load(*range(size)), str(size), _soon()) for size in (1, 3, 2)))
        assert graph.sizes == [6]
        assert [answer.output("prediction").tolist() for answer in answers] == [[0], [0, 2, 4], [0, 2]]
        assert [ask.id for ask in seen[0].asks] == ["1", "3", "2"]

    _within(work)


def test_a_request_that_is_alone_waits_for_nobody() -> None:
    async def work(batcher: Batcher, graph: Graph) -> None:
        answer = batcher.ask(_load(1), "a", _soon())
        await asyncio.sleep(0)  # one turn of the loop
        assert answer.done()
        assert graph.sizes == [1]

    _within(work)


def test_requests_go_at_once_when_no_other_can_join_and_together_when_one_can() -> None:
    async def work(batcher: Batcher, graph: Graph) -> None:
        under_way = [1.0]
        alone = Batcher(graph.run, _columns, batcher.pace, asyncio.get_running_loop(), under_way=lambda: under_way[0])
        assert alone.ask(_load(1), "a", _soon()).done()  # it is the only one: no turn of the loop is waited for
        under_way[0] = 3
        waiting = [alone.ask(_load(1, 2), name, _soon()) for name in "bc"]
        assert not any(answer.done() for answer in waiting)
        waiting.append(alone.ask(_load(3), "d", _soon()))  # the last of three: nobody is left to wait for
        assert all(answer.done() for answer in waiting)
        under_way[0] = 2
        lonely = alone.ask(_load(5), "e", _soon())
        await asyncio.sleep(0)  # the other one is somewhere else
        assert lonely.done()
        assert graph.sizes == [1, 5, 1]

    _within(work)


def test_a_batch_stays_within_its_share_of_the_objective() -> None:
    async def work(batcher: Batcher, graph: Graph) -> None:
        batcher.pace.fixed, batcher.pace.each, batcher.pace.rows = 0.0, 0.001, 10
        await asyncio.gather(*(batcher.ask(_load(*range(4)), "", _soon()) for _ in range(5)))
        assert graph.sizes[0] == 8  # a third one would have made it 12; what comes next is sized by what this one took
        assert sum(graph.sizes) == 20

    _within(work)


@pytest.mark.parametrize("threaded", [False, True], ids=["in the loop", "beside the loop"])
def test_a_poisoned_request_in_a_batch_of_32_harms_no_other(threaded: bool) -> None:
    async def work(batcher: Batcher, graph: Graph) -> None:
        blamed: list[str] = []
        batcher.failures.append(lambda asks, how: blamed.extend(f"{ask.id} {how}" for ask in asks))
        values = [float(number) if number != 17 else -1.0 for number in range(32)]
        told = await asyncio.gather(*(batcher.ask(_load(value), str(number), _soon()) for number, value in enumerate(values)), return_exceptions=True)
        for number, answer in enumerate(told):
            if number == 17:
                assert isinstance(answer, Refused)
                assert answer.status == 422
            else:
                assert isinstance(answer, Answer)
                assert answer.output("prediction").tolist() == [2.0 * number]
        assert blamed == ["17 failed"]

    _within(work, threaded=threaded)


@pytest.mark.parametrize("bad", [(17,), (0, 31), ()])
def test_the_poisoned_rows_of_one_request_are_named_and_the_others_can_be_asked_again(bad: tuple[int, ...]) -> None:
    async def work(batcher: Batcher, graph: Graph) -> None:
        load = RequestRows(
            33, [(-1.0 if place in bad else 1.0,) for place in range(32)], None, (Rejected(5, "age is missing"),), [row for row in range(33) if row != 5]
        )
        if not bad:
            assert (await batcher.ask(load, "", _soon())).stop == 32
            return
        with pytest.raises(Poisoned) as poisoned:
            await batcher.ask(load, "", _soon())
        rows = [place + (place >= 5) for place in bad]
        assert poisoned.value.more == {"rows": rows}
        rest = load.without(poisoned.value.places, "the model fails")
        assert [one.row for one in rest.rejected] == sorted([5, *rows])
        answer = await batcher.ask(rest, "", _soon())
        assert answer.output("prediction").tolist() == [2.0] * (32 - len(bad))

    _within(work)


def test_who_waits_longer_than_its_deadline_is_told_so_while_the_graph_still_runs() -> None:
    async def work(batcher: Batcher, graph: Graph) -> None:
        graph.gate.clear()
        first = batcher.ask(_load(1), "first", time.perf_counter() + 0.05)
        with pytest.raises(Refused) as refused:
            await first
        assert refused.value.status == 504
        late = batcher.ask(_load(2), "late", time.perf_counter() + 0.05)  # comes when all before it were told already
        with pytest.raises(Refused):
            await late
        patient = batcher.ask(_load(3), "patient", _soon())
        assert not graph.gate.is_set()
        graph.gate.set()
        assert (await patient).output("prediction").tolist() == [6]
        assert graph.sizes == [1, 1]  # what nobody waits for is not run

    _within(work, threaded=True)


def test_a_request_that_would_come_too_late_is_refused_at_once() -> None:
    async def work(batcher: Batcher, graph: Graph) -> None:
        graph.gate.clear()
        batcher.pace.fixed, batcher.pace.each = 0.01, 0.01
        taken = [batcher.ask(_load(1), "", _soon()) for _ in range(4)]
        await asyncio.sleep(0)
        with pytest.raises(Refused) as refused:
            batcher.ask(_load(1), "", _soon())
        assert refused.value.status == 503
        assert dict(refused.value.headers)["retry-after"] == "1"
        graph.gate.set()
        assert len(await asyncio.gather(*taken)) == 4

    _within(work, objective=0.045, threaded=True)


def test_the_pace_is_learned_from_what_batches_took() -> None:
    pace = Pace(0.1, 0.001)
    for _ in range(200):
        pace.learn(1, 0.002)
        pace.learn(100, 0.002 + 100 * 1e-4)
    assert pace.fixed == pytest.approx(0.002, rel=0.05)
    assert pace.each == pytest.approx(1e-4, rel=0.05)
    assert pace.rows == pytest.approx((0.025 - 0.002) / 1e-4, rel=0.1)
