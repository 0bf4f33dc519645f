"""Publishing, with every single step failing in turn: whole or not at all."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock

import pytest

from mlforge.errors import RunFailed
from mlforge.store.disk import Disk
from mlforge.store.local import LocalArtifacts
from mlforge.store.remote import RemoteArtifacts

Draft = Callable[..., Path]
FILES = {"a": "one", "b": "two" * 1000, "deep__c": "three"}


class Faulty(Disk):
    """Fails at the k-th call: before it does anything, half-way through, or after it is done."""

    def __init__(self, at: int, when: str) -> None:
        self.at, self.when, self.calls, self.guard = at, when, 0, Lock()

    def _step(self, act: Callable[[], None], half: Callable[[], None] = lambda: None) -> None:
        with self.guard:
            self.calls += 1
            fails = self.calls == self.at
        if fails and self.when == "half":
            half()
        if not fails or self.when == "after":
            act()
        if fails:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def mkdir(self, path: Path) -> None:
        self._step(lambda: super(Faulty, self).mkdir(path))

    def take(self, source: Path, target: Path) -> None:
        self._step(lambda: super(Faulty, self).take(source, target), lambda: _half(target, source.read_bytes()))

    def write(self, path: Path, content: bytes) -> None:
        self._step(lambda: super(Faulty, self).write(path, content), lambda: _half(path, content))

    def seal(self, path: Path) -> None:
        self._step(lambda: super(Faulty, self).seal(path))

    def fsync(self, path: Path) -> None:
        self._step(lambda: super(Faulty, self).fsync(path))

    def rename(self, source: Path, target: Path) -> None:
        self._step(lambda: super(Faulty, self).rename(source, target))


def _half(path: Path, content: bytes) -> None:
    path.write_bytes(content[: len(content) // 2])


def _content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("when", ["before", "half", "after"])
def test_whichever_step_of_publishing_fails_the_store_is_as_before_or_has_it_whole(tmp_path: Path, draft: Draft, when: str) -> None:
    root = tmp_path / "store"
    healthy = LocalArtifacts(root)
    earlier = healthy.publish(draft(a="earlier"))
    failed, said = 0, set()
    for at in range(1, 100):
        disk, folder = Faulty(at, when), draft(**FILES)
        before = _content(folder)
        try:
            digest = LocalArtifacts(root, disk).publish(folder)
        except RunFailed as refused:
            failed += 1
            said.add((str(refused).partition(":")[0], refused.exit_code))
            assert _content(folder) == before, "the draft is untouched"
            digest = LocalArtifacts(root).publish(folder)  # the same again, on a disk that works
        healthy.verify(digest)
        assert healthy.digests() == sorted([earlier, digest])
        assert sorted(path.name for path in root.iterdir()) == sorted([earlier, digest]), "nothing is left over"
        assert not folder.exists()
        healthy.remove(digest)
        if disk.calls < at:
            break
    steps = disk.calls
    assert said == {("The disk is full", 6)}
    assert steps == 18  # 2 folders, 3 files, manifest, 4 seals, 6 + 1 fsyncs, rename
    assert failed == steps - (when == "after"), "a rename that was done is no failure"


@pytest.mark.parametrize("when", ["before", "half", "after"])
def test_between_failure_and_retry_nothing_half_done_is_visible(tmp_path: Path, draft: Draft, when: str) -> None:
    for at in range(1, 19):
        healthy = LocalArtifacts(tmp_path / str(at))
        try:
            LocalArtifacts(tmp_path / str(at), Faulty(at, when)).publish(draft(**FILES))
        except RunFailed:
            assert len(healthy.digests()) <= (1 if at == 18 or (when == "after" and at == 17) else 0)
        for digest in healthy.digests():
            healthy.verify(digest)


def test_whichever_upload_fails_an_object_store_is_as_before(tmp_path: Path, draft: Draft) -> None:
    from fsspec.implementations.memory import MemoryFileSystem

    class FaultyMemory(MemoryFileSystem):  # type: ignore[misc]
        cachable = False
        left = 0

        def _step(self) -> None:
            self.left -= 1
            if self.left == 0:
                raise OSError(errno.EIO, "connection reset")

        def put_file(self, *arguments: object, **options: object) -> None:
            self._step()
            super().put_file(*arguments, **options)

        def pipe_file(self, *arguments: object, **options: object) -> None:
            self._step()
            super().pipe_file(*arguments, **options)

    root = f"/faults-{os.getpid()}"
    failed = 0
    for at in range(1, 10):
        system, folder = FaultyMemory(), draft(**FILES)
        artifacts = RemoteArtifacts(system, f"{root}-{at}", tmp_path / str(at) / "cache")
        system.left = at
        try:
            artifacts.publish(folder)
        except RunFailed:
            failed += 1
            assert artifacts.digests() == []
            assert _content(folder)
            artifacts.publish(folder)
        (digest,) = artifacts.digests()
        artifacts.verify(digest)
    assert failed == 4  # three files and the manifest


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("mounting a small file system needs rights that this user lacks")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_on_a_disk_that_is_really_full_nothing_is_published_and_the_error_says_so(small_disk: Path, draft: Draft) -> None:
    artifacts = LocalArtifacts(small_disk / "artifacts")
    kept = artifacts.publish(draft(a=os.urandom(100_000)))
    folder = draft(a=os.urandom(50_000), b=os.urandom(150_000))
    with pytest.raises(RunFailed, match="disk is full") as raised:
        artifacts.publish(folder)
    assert "Free some space" in str(raised.value)
    assert artifacts.digests() == [kept]
    assert [path.name for path in (small_disk / "artifacts").iterdir()] == [kept]
    artifacts.remove(kept)
    artifacts.verify(artifacts.publish(folder))
