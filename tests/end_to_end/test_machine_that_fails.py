"""A store in the way, a full disk, a damaged bundle: what the machine can do to a run, and what is left afterwards."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.end_to_end.buyers import buyers, rows, store_of

from mlforge.testing.project import TestProject


@contextmanager
def _mounted(folder: Path, *arguments: str) -> Iterator[None]:
    """A mount of the test's own; skipped where the machine does not let us."""
    done = subprocess.run(["mount", *arguments, str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"mount is refused here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)  # -l: this process still holds the records open


def _run(project: TestProject, *arguments: str) -> str:
    """A run that the machine ends: exit code 6, a few lines, no traceback."""
    outcome = project.run("run", "buyers", *arguments)
    assert outcome.code == 6, outcome.text
    assert "Traceback" not in outcome.text
    assert len(outcome.err.splitlines()) <= 15
    return outcome.err


@pytest.mark.parametrize("name", [".mlforge", ".mlforge/artifacts", ".mlforge/work", ".mlforge/locks"])
def test_a_file_in_the_way_of_the_store_is_named(project: TestProject, name: str) -> None:
    buyers(project)
    path = project.root / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("in the way")
    assert name.split("/")[-1] in _run(project, "--only", "ingest")
    assert path.read_text() == "in the way"
    path.unlink()
    assert project.run("run", "buyers", "--only", "ingest").code == 0


def test_records_that_are_no_database_are_named(project: TestProject) -> None:
    buyers(project)
    (project.root / ".mlforge").mkdir()
    (project.root / ".mlforge" / "records.db").write_text("no database, but text enough that it cannot be taken for an empty one" * 50)
    assert "records.db" in _run(project, "--only", "ingest")


def test_a_store_that_is_read_only_is_named_and_works_again_afterwards(trained: TestProject) -> None:
    state = trained.root / ".mlforge"
    subprocess.run(["mount", "--bind", str(state), str(state)], capture_output=True, check=False)
    try:
        done = subprocess.run(["mount", "-o", "remount,ro,bind", str(state)], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"a read-only mount is refused here: {done.stderr.strip()}")
        assert ".mlforge" in _run(trained, "seed=9")
    finally:
        subprocess.run(["umount", "-l", str(state)], capture_output=True, check=False)
    assert trained.run("run", "buyers").code == 0


def test_a_disk_that_is_full_ends_the_run_and_with_more_space_the_same_command_continues(project: TestProject) -> None:
    buyers(project, rows(60_000))
    state = project.root / ".mlforge"
    state.mkdir()
    with _mounted(state, "-t", "tmpfs", "-o", "size=600k", "tmpfs"):
        told = _run(project, "--only", "ingest")
        assert "full" in told or "no space" in told.lower()
        subprocess.run(["mount", "-o", "remount,size=64m", str(state)], check=True)
        assert project.run("run", "buyers", "--only", "ingest").code == 0
        with store_of(project) as store:
            for digest in store.artifacts.digests():
                store.artifacts.verify(digest)
            assert store.audit.verify() == 0
        assert list((state / "work").iterdir()) == []
        assert list((state / "artifacts").glob("tmp-*")) == []


@pytest.mark.parametrize("kilobytes", [64, 200, 320, 400])
def test_wherever_the_disk_fills_up_nothing_half_written_is_visible(project: TestProject, kilobytes: int) -> None:
    buyers(project)
    state = project.root / ".mlforge"
    state.mkdir()
    with _mounted(state, "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs"):
        told = _run(project)
        assert "full" in told or "no space" in told.lower(), told
        subprocess.run(["mount", "-o", "remount,size=64m", str(state)], check=True)
        with store_of(project) as store:
            assert store.registry.models() == []
            for digest in store.artifacts.digests():
                store.artifacts.verify(digest)
            assert store.audit.verify() == 0


@pytest.mark.parametrize("how", ["changed", "cut", "gone"])
def test_a_bundle_that_was_damaged_on_the_disk_is_not_used_and_its_file_is_named(trained: TestProject, how: str) -> None:
    with store_of(trained) as store:
        model = next(store.artifacts.path(store.registry.resolve("buyers").bundle).rglob("*.onnx"))
    content = bytearray(model.read_bytes())
    model.chmod(0o644)
    if how == "changed":
        content[len(content) // 2] ^= 1
        model.write_bytes(content)
    elif how == "cut":
        model.write_bytes(content[:-1])
    else:
        model.unlink()
    outcome = trained.run("predict", "buyers", "--source", "buyers.csv", "--sink", "out.csv")
    assert outcome.code in (3, 6), outcome.text
    assert "Traceback" not in outcome.text
    assert model.name in outcome.err
    assert not (trained.root / "out.csv").exists()


def test_a_lost_bundle_is_said_to_be_lost(trained: TestProject) -> None:
    with store_of(trained) as store:
        shutil.rmtree(store.artifacts.path(store.registry.resolve("buyers").bundle))
    outcome = trained.run("predict", "buyers", "--source", "buyers.csv", "--sink", "out.csv")
    assert outcome.code == 6, outcome.text
    assert not (trained.root / "out.csv").exists()
