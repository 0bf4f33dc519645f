from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest

from mlforge.errors import RunFailed
from mlforge.store import Store

HOLDER = """
import os, signal, sys
from pathlib import Path
from mlforge.store.lock import hold
with hold(Path(sys.argv[1]), "adult"):
    if sys.argv[2] == "fork" and os.fork() == 0:
        os.write(1, f"{os.getpid()}\\n".encode())
        signal.pause()
    if sys.argv[2] == "alone":
        os.write(1, b"held\\n")
    signal.pause()
"""


def _holder(state: Path, how: str = "alone") -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(state / "locks" / "adult.lock"), how], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


@pytest.fixture
def lone(tmp_path: Path) -> Store:
    return Store.open(None, tmp_path / "state")


def test_a_lock_that_another_process_holds_is_refused_naming_it_and_since_when(lone: Store) -> None:
    process, _ = _holder(lone.state)
    with pytest.raises(RunFailed) as raised, lone.lock("adult"):
        pass
    assert re.search(rf"adult in .* is taken by process {process.pid} since \d{{4}}-\d\d-\d\dT", str(raised.value))
    assert raised.value.exit_code == 6
    with lone.lock("digits"):
        pass
    process.kill()
    process.communicate()


def test_a_lock_is_gone_with_its_killed_process(lone: Store) -> None:
    process, _ = _holder(lone.state)
    process.kill()
    process.communicate()
    with lone.lock("adult"):
        pass


def test_a_forked_worker_that_outlives_the_holder_does_not_keep_the_lock(lone: Store) -> None:
    process, worker = _holder(lone.state, "fork")
    with pytest.raises(RunFailed), lone.lock("adult"):
        pass
    process.kill()
    process.wait()
    with lone.lock("adult"):
        os.kill(int(worker), signal.SIGKILL)
    process.communicate()


def test_two_threads_of_one_process_do_not_hold_one_lock(lone: Store) -> None:
    refused: list[str] = []

    def attempt() -> None:
        try:
            with Store.open(None, lone.state).lock("adult"):
                pass
        except RunFailed as error:
            refused.append(str(error))

    with lone.lock("adult"):
        thread = Thread(target=attempt)
        thread.start()
        thread.join()
    assert len(refused) == 1
    attempt()
    assert len(refused) == 1, "it is free again"


@pytest.mark.parametrize("name", ["../x", "", "a/b", ".hidden", "a b"])
def test_a_name_that_is_no_name_cannot_be_locked(lone: Store, name: str) -> None:
    with pytest.raises(RunFailed, match="cannot name a lock"):
        lone.lock(name)


def test_a_lock_is_the_same_by_whichever_path_the_store_is_reached(lone: Store, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(lone.state)
    with Store.open(None, tmp_path / "link") as other, lone.lock("adult"), pytest.raises(RunFailed, match=r"this one"), other.lock("adult"):
        pass
