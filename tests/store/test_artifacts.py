from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mlforge.errors import MissingRequirement, RunFailed
from mlforge.store.artifacts import Artifacts, open_artifacts
from mlforge.store.disk import Disk
from mlforge.store.local import LocalArtifacts
from mlforge.store.owner import Owner

Draft = Callable[..., Path]


@pytest.fixture(params=["file", "memory"])
def artifacts(request: pytest.FixtureRequest, tmp_path: Path) -> Artifacts:
    """On a file system, and on an object store without rename."""
    url = None if request.param == "file" else f"memory://{tmp_path.name}-{os.getpid()}/artifacts"
    return open_artifacts(url, tmp_path / "state")


def test_what_is_published_can_be_read_and_the_draft_is_gone(artifacts: Artifacts, draft: Draft) -> None:
    folder = draft(a="one", b__c=b"\x00two")
    digest = artifacts.publish(folder)
    assert artifacts.has(digest)
    assert (artifacts.path(digest) / "a").read_text() == "one"
    assert (artifacts.path(digest) / "b" / "c").read_bytes() == b"\x00two"
    assert artifacts.digests() == [digest]
    assert not folder.exists()
    artifacts.verify(digest)


def test_the_digest_depends_on_names_and_bytes_and_on_nothing_else(artifacts: Artifacts, draft: Draft) -> None:
    digests = [artifacts.publish(draft(**files)) for files in ({"a": "1", "b": "2"}, {"b": "2", "a": "1"}, {"a": "1", "c": "2"}, {"a": "1", "b": "3"})]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3
    assert artifacts.digests() == sorted(set(digests))


def test_what_is_published_is_read_only(artifacts: Artifacts, draft: Draft) -> None:
    folder = artifacts.path(artifacts.publish(draft(a="one", b__c="two")))
    assert [path.stat().st_mode & 0o222 for path in folder.rglob("*") if path.is_file()] == [0, 0, 0]


def test_a_removed_artifact_is_gone_and_can_be_published_again(artifacts: Artifacts, draft: Draft) -> None:
    digest = artifacts.publish(draft(a="one"))
    artifacts.remove(digest)
    artifacts.remove(digest)
    assert not artifacts.has(digest)
    assert artifacts.digests() == []
    with pytest.raises(RunFailed, match="not in the store"):
        artifacts.path(digest)
    assert artifacts.publish(draft(a="one")) == digest
    assert (artifacts.path(digest) / "a").read_text() == "one"


@pytest.mark.parametrize("name", ["../secret", "/etc", "", "a" * 64 + "/..", "A" * 64, "tmp-1"])
def test_a_name_that_is_no_digest_reaches_no_file(artifacts: Artifacts, name: str) -> None:
    assert not artifacts.has(name)
    with pytest.raises(RunFailed):
        artifacts.path(name)


def test_a_draft_with_a_link_or_the_stores_own_name_is_refused(artifacts: Artifacts, draft: Draft) -> None:
    linked = draft(a="one")
    (linked / "link").symlink_to("/etc/passwd")
    with pytest.raises(RunFailed, match="link is a link"):
        artifacts.publish(linked)
    taken = draft(a="one")
    (taken / "manifest.json").write_text("{}")
    with pytest.raises(RunFailed, match=r"manifest\.json"):
        artifacts.publish(taken)
    assert artifacts.digests() == []


def _damage(path: Path, content: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [("a", b"ONE", "a: its content was changed"), ("a", b"longer", "a: it has 6 bytes where 3"), ("a", None, "a: it is missing"),
     ("x", b"", "x: it was not published"), ("manifest.json", b"{}", "manifest.json: its digest")],
)  # fmt: skip
def test_damage_is_found_and_the_file_named(tmp_path: Path, draft: Draft, name: str, content: bytes | None, said: str) -> None:
    artifacts = open_artifacts(None, tmp_path / "state")
    digest = artifacts.publish(draft(a="one"))
    path = artifacts.path(digest) / name
    if content is None:
        path.unlink()
    else:
        path.touch()
        _damage(path, content)
    with pytest.raises(RunFailed, match=said) as raised:
        artifacts.verify(digest)
    assert raised.value.exit_code == 6
    assert artifacts.publish(draft(a="one")) == digest, "publishing the same content mends it"
    artifacts.verify(digest)


def test_a_damaged_remote_file_is_found_when_it_is_fetched(tmp_path: Path, draft: Draft) -> None:
    from fsspec.implementations.memory import MemoryFileSystem

    root = f"memory://damaged-{os.getpid()}"
    digest = open_artifacts(root, tmp_path / "one").publish(draft(a="one"))
    MemoryFileSystem().pipe_file(f"/damaged-{os.getpid()}/{digest}/a", b"ONE")
    other = open_artifacts(root, tmp_path / "two")
    with pytest.raises(RunFailed, match="a: its content was changed"):
        other.path(digest)


def test_a_scheme_that_nobody_knows_or_whose_package_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(MissingRequirement, match="nosuch"):
        open_artifacts("nosuch://bucket", tmp_path)


class Racing(Disk):
    """Another process that publishes the same content just before our rename."""

    def __init__(self, other: Callable[[], object]) -> None:
        self.other = other

    def rename(self, source: Path, target: Path) -> None:
        self.other()
        super().rename(source, target)


def test_two_publishers_of_the_same_content_agree(tmp_path: Path, draft: Draft) -> None:
    first = LocalArtifacts(tmp_path / "store")
    second = LocalArtifacts(tmp_path / "store", Racing(lambda: first.publish(draft(a="one"))))
    digest = second.publish(draft(a="one"))
    second.verify(digest)
    assert [path.name for path in (tmp_path / "store").iterdir()] == [digest]


def test_only_what_dead_processes_left_is_swept(tmp_path: Path) -> None:
    artifacts = LocalArtifacts(tmp_path / "store")
    gone = subprocess.run([sys.executable, "-c", "from mlforge.store.owner import Owner; print(Owner.current())"], capture_output=True, text=True, check=True)
    names = {
        "dead": f"tmp-{gone.stdout.strip()}~1",
        "ours": f"tmp-{Owner.current()}~1",
        "reused": f"tmp-{os.getpid()}.1.{Owner.current().host}~1",
        "odd": "tmp-x",
    }
    for name in names.values():
        (tmp_path / "store" / name).mkdir()
    elsewhere = tmp_path / "store" / "tmp-1.1.elsewhere~1"
    elsewhere.mkdir()
    old = tmp_path / "store" / "tmp-1.1.elsewhere~2"
    old.mkdir()
    os.utime(old, (0, 0))
    assert artifacts.sweep() == 4
    assert sorted(path.name for path in (tmp_path / "store").iterdir()) == sorted([names["ours"], elsewhere.name])
