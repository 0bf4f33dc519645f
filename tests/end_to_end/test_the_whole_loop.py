"""The whole loop on real processes: a server, its clients, and a watch; the world changes, and later somebody promotes a model of yesterday."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from tests.end_to_end.buyers import RECIPE, rows, store_of
from tests.serving.running import Running, serving, until
from tests.watching.test_watching_models import said, watching
from tests.watching.traffic import opposite, usual

from mlforge.store import AuditEntry
from mlforge.testing.project import TestProject

LOOP = RECIPE.replace("- _self_", "- monitors: [performance]\n      - _self_", 1).replace(
    "trainer: {max_epochs: 6, batch_size: 32, lr: 0.05, accelerator: cpu}",
    """trainer: {max_epochs: 4, batch_size: 32, lr: 0.05, accelerator: cpu}
    monitors: {performance: {windows: 3s, false_alarms: 1/hour}}
    serve: {workers: 1, log: {path: served, flush_seconds: 0.2}}
    rollout:
      canary: {steps: [0.5, 1], requests: 60, shift: 5, slower: 20}
      rollback: {monitors: [performance]}
    retrain:
      when: {performance: {monitor: performance, loss: 5%}}
      training: {window: sliding, newest: 400}
      cool_down: 1s
      a_day: 50
      every: 0.5s
      then: canary
    """,
)


class Customers:
    """Ask again and again, and say later what was true."""

    def __init__(self, server: Running) -> None:
        self.world: Callable[[float, float, str], bool] = usual
        self.versions: list[int] = []
        self.failed: list[int] = []
        self._server, self._over, self._chance = server, threading.Event(), random.Random(7)

    @contextmanager
    def asking(self) -> Iterator[Customers]:
        """Until the end of the block."""
        thread = threading.Thread(target=self._ask, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join(30)

    def _ask(self) -> None:
        while not self._over.wait(0.05):
            raw = [(self._chance.randint(18, 80), round(self._chance.gauss(3e4, 1e4), 2), self._chance.choice(["Bern", "Oslo", "Rom"])) for _ in range(10)]
            with suppress(OSError):
                status, answer, _ = self._server.ask("/predict", {"rows": [dict(zip(("age", "income", "city"), one, strict=True)) for one in raw]})
                if status != 200:
                    self.failed.append(status)
                    continue
                self.versions.append(int(answer["version"]))
                labels = [{"id": answer["id"], "row": place, "label": "yes" if self.world(*one) else "no"} for place, one in enumerate(raw)]
                self._server.ask("/feedback", {"labels": labels})


def story(project: TestProject) -> list[AuditEntry]:
    with store_of(project) as store:
        return list(reversed(store.audit.entries(500)))


def champion(project: TestProject) -> int:
    with store_of(project) as store:
        return store.registry.resolve("buyers@champion").version


def told(project: TestProject, event: str, subject: str = "") -> list[AuditEntry]:
    return [entry for entry in story(project) if entry.event == event and entry.subject.startswith(subject)]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_world_changes_and_the_model_with_it_and_a_model_of_yesterday_is_taken_back(project: TestProject, tmp_path: Path) -> None:
    project.write(buyers=LOOP)
    (project.root / "buyers.csv").write_text("\n".join(["age,income,city,bought", *rows(600)]) + "\n", encoding="utf-8")
    assert project.command("run", "buyers").code == 0
    with serving("buyers", cwd=project.root) as server, Customers(server).asking() as customers, watching(project, "buyers") as watch:
        until(lambda: len(customers.versions) > 40, 60)
        assert (set(customers.versions), told(project, "alert")) == ({1}, []), "while the world is as it was, nobody is told of anything"

        customers.world = opposite
        until(lambda: told(project, "alert"), 90)
        until(lambda: told(project, "rolled_out"), 240, every=0.5)
        until(lambda: customers.versions[-20:] == [champion(project)] * 20, 60)

        old = project.command("run", "buyers", "seed=5")  # on rows of yesterday, where it is the better one
        assert old.code == 0, old.text
        yesterday, new = int(told(project, "registered")[-1].details["version"]), champion(project)
        assert project.command("promote", "buyers", str(yesterday), "--reason", "I liked it better").code == 0
        until(lambda: told(project, "rolled_back"), 240, every=0.5)
        until(lambda: customers.versions[-20:] == [new] * 20, 30)
        assert customers.failed == [], "no request failed in all of it"
        watch.terminate()
        assert watch.wait(90) in (0, 130), said(watch)

    entries = story(project)
    (back,) = (entry for entry in entries if entry.event == "rolled_back")
    assert (back.actor, back.details["version"], back.details["before"]) == ("mlforge watch", new, yesterday)
    assert re.match(r"alert \d+: ", back.details["reason"])
    promoted = next(entry for entry in entries if entry.event == "alias" and entry.details["version"] == new)
    assert promoted.actor == "mlforge watch"
    said_why = re.match(r"retraining (\d+): alert (\d+): ", promoted.details["reason"])
    assert said_why is not None
    chapters = [
        ("alert", said_why[2], {}),
        ("retraining", "buyers", {"trigger": int(said_why[1]), "alert": int(said_why[2])}),
        ("registered", f"buyers {new}", {"alias": "challenger"}),
        ("alias", f"buyers {new}", {"alias": "champion"}),
        ("rolled_out", f"buyers {new}", {}),
        ("registered", f"buyers {yesterday}", {}),
        ("alias", f"buyers {yesterday}", {"reason": "I liked it better"}),
        ("rolled_back", f"buyers {new}", {"before": yesterday}),
    ]
    numbers = [next(one.number for one in entries if (one.event, one.subject) == key[:2] and key[2].items() <= one.details.items()) for key in chapters]
    assert numbers == sorted(numbers), "the audit log tells the story in its order"
    retrained = next(one for one in entries if one.event == "retrained" and one.details["trigger"] == int(said_why[1]))
    assert (retrained.details["state"], retrained.details["version"]) == ("done", new)
    with store_of(project) as store:
        assert store.audit.verify() == len(entries)
    assert f"buyers {yesterday} was rolled back, and buyers {new} is champion: alert " in said(watch)
