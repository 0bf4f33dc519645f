from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlforge.store import Store


def _killed_after(seconds: float, state: Path, drafts: Path) -> list[list[str]]:
    """What the loop said it had done before `kill -9`, counted from when it had begun to work."""
    command = [sys.executable, str(Path(__file__).with_name("publishing.py")), str(state), str(drafts)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.readline()
        time.sleep(seconds)  # the instant of the kill, not a wait for something
        process.kill()
        lines = [first, *process.stdout.read().splitlines()]
        assert process.stderr.read() == ""
    return [line.split() for line in lines]


def _check(state: Path, said: list[list[str]], registered: int) -> int:
    store = Store.open(None, state)
    with store.lock("adult"):  # it went with its process
        names = [path.name for path in (state / "artifacts").iterdir()]
        assert sorted(names) == store.artifacts.digests(), "what was half-done is swept away"
        for digest in names:
            store.artifacts.verify(digest)
        done = [line[1] for line in said if line[0] == "finished"]
        assert {line[1] for line in said if line[0] == "published"} <= set(names)
        for key in done:
            record = store.records.stage(key)
            assert record is not None
            assert record.state == "done"
        run = said[0][1]
        uses = store.records.run(run).stages
        assert len(done) <= sum(use.state == "done" for use in uses) <= len(done) + 1, "a stage that was running is not done"
        assert all(store.artifacts.has(use.outputs["out"]) for use in uses if use.state == "done")
        versions = [version.version for version in store.registry.versions("adult")]
        assert versions == list(range(1, len(versions) + 1))
        assert len(versions) >= registered + sum(line[0] == "registered" for line in said)
        assert store.audit.verify() == len(versions)
        store.records.begin_run("adult", {}, [], False)
        assert store.records.run(run).state == "interrupted", "the next run notes that this one was killed"
    store.close()
    return len(versions)


def _kill_repeatedly(tmp_path: Path, times: int) -> int:
    chance, registered = random.Random(2), 0
    for _ in range(times):
        said = _killed_after(chance.uniform(0, 0.25), tmp_path / "state", tmp_path / "drafts")
        registered = _check(tmp_path / "state", said, registered)
    return registered


def test_killed_at_random_instants_the_store_is_whole_each_time(tmp_path: Path) -> None:
    assert _kill_repeatedly(tmp_path, 6) > 0


@pytest.mark.slow
def test_killed_a_hundred_times_the_store_is_whole_each_time(tmp_path: Path) -> None:
    assert _kill_repeatedly(tmp_path, 100) > 20
