from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from mlforge.store import Store

PROCESSES, EACH = 32, 4


def test_32_processes_register_consecutive_versions_and_one_audit_chain(url: str, tmp_path: Path) -> None:
    """None is lost, none is doubled; the store is new, so that they also race to create it."""
    script = Path(__file__).with_name("registering.py")
    done = subprocess.run([sys.executable, str(script), url, str(tmp_path / "state"), str(PROCESSES), str(EACH)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    store = Store.open(url, tmp_path / "state")
    versions = store.registry.versions("adult")
    assert [version.version for version in versions] == list(range(1, PROCESSES * EACH + 1))
    assert {version.bundle for version in versions} == {f"{process}-{number}" for process in range(PROCESSES) for number in range(EACH)}
    assert store.audit.verify() == PROCESSES * EACH
    assert [entry.subject for entry in reversed(store.audit.entries(limit=1000))] == [f"adult {version.version}" for version in versions]
    assert versions[0].aliases == ("champion",)
    assert versions[-1].aliases == ("challenger",)
    store.close()
