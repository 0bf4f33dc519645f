"""Where a project signs, a server opens what is signed, keeps the version that serves when another is not, and says why."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.serving.bundles import ROW
from tests.serving.rollout.conftest import LISTENER, registered
from tests.serving.running import Running, serving, until

from mlforge.errors import MlforgeError
from mlforge.project import Project
from mlforge.signing import KeyPlace, Trust
from mlforge.signing.keys import PrivateKey, make_pair
from mlforge.store import Store


def signed(store: Store, root: Path, model: str, number: int) -> None:
    made = store.vouched.made(store.registry.resolve(f"{model}@{number}"), PrivateKey.read(KeyPlace(root / "ops.pem")))
    store.signatures.add(store.registry.resolve(f"{model}@{number}"), made.key, made.text())


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that signs."""
    root = tmp_path_factory.mktemp("signing")
    private, public = make_pair("p256")
    (root / "ops.pem").write_bytes(private)
    (root / "ops.pub.pem").write_bytes(public.pem)
    (root / "mlforge.toml").write_text('plugins = ["listener"]\n[signing.trusted]\nops = "ops.pub.pem"\n')
    (root / "listener.py").write_text(LISTENER)
    return root


@pytest.fixture(scope="module")
def store(root: Path) -> Iterator[Store]:
    with Store.open(None, root / ".mlforge", trust=Project.find(root).trust) as opened:
        yield opened


@pytest.fixture(scope="module")
def server(store: Store, root: Path) -> Iterator[Running]:
    """Of `people`: 1 and 2 are signed, 3 is not, 4 bears the signature of 1, 5 has a canary and is not signed. `laddered` has an unsigned version before."""
    for number in (1, 2, 3, 4):
        registered(store, root / "drafts")
        if number < 3:
            signed(store, root, "people", number)
    registered(store, root / "drafts", rollout={"canary": {"steps": [0.5, 1.0]}})
    with sqlite3.connect(root / ".mlforge" / "records.db") as records:
        records.execute("INSERT INTO signatures SELECT model, 4, key, envelope, actor, created FROM signatures WHERE version = 1")
    registered(store, root / "drafts", model="laddered")
    registered(store, root / "drafts", model="laddered", poison="income", rollout={"fallback": {}, "shadow": {"version": "1"}})
    store.registry.set_alias("laddered", "champion", 2)
    signed(store, root, "laddered", 2)
    with serving("people", "laddered", "--workers", "1", cwd=root) as running:
        yield running


def version_of(server: Running) -> object:
    return server.ask("/models/people/predict", {"rows": [ROW]})[1].get("version")


@pytest.mark.parametrize(
    ("number", "why"),
    [(3, "nobody has signed it"), (4, "ops has signed people 1, and this is people 4"), (5, "nobody has signed it")],
    ids=["unsigned", "with the signature of another", "for a canary"],
)
def test_the_version_that_serves_stays_and_the_alias_goes_back(server: Running, store: Store, root: Path, number: int, why: str) -> None:
    before = store.audit.newest()
    store.registry.set_alias("people", "champion", number)
    until(lambda: store.registry.resolve("people@champion").version == 1)
    moves = [entry for entry in store.audit.entries() if entry.number > before and entry.event == "rolled_back"]
    assert [why in entry.details["reason"] for entry in moves] == [True]
    assert version_of(server) == 1
    until(lambda: f"people {number} is not opened: " in server.log.read_text())
    until(lambda: f"rolled_back people 1 {number}: " in (root / "heard.txt").read_text())


def test_a_signed_version_swaps_in_as_ever(server: Running, store: Store) -> None:
    store.registry.set_alias("people", "champion", 2)
    until(lambda: version_of(server) == 2)
    store.registry.roll_back("people")
    until(lambda: version_of(server) == 1)


def test_an_unsigned_version_is_no_fallback_and_no_shadow(server: Running) -> None:
    status, told, headers = server.ask("/models/laddered/predict", {"rows": [{**ROW, "income": -1.5}]})
    assert (status, headers.get("mlforge-fallback")) == (422, None), told
    assert "laddered 1 cannot be opened, and is no fallback or shadow: laddered 1 is not opened: nobody has signed it" in server.log.read_text()


def test_a_bundle_that_is_changed_after_it_was_verified_is_not_opened_by_a_later_worker(server: Running, store: Store, root: Path) -> None:
    """Also when whoever changes it makes all its digests fit: the description that a worker opens must be the one that was signed."""
    from mlforge.runtime.bundle import enclose, read_bundle
    from mlforge.serving.engine import Engine
    from mlforge.serving.rollout.versions import Versions

    offer = Versions(store, "people", "champion").offer(store.registry.resolve("people@2"))
    for path in (offer.folder, *offer.folder.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    original = {path: path.read_bytes() for path in offer.folder.iterdir()}
    try:
        enclose(offer.folder, "model.onnx", original[offer.folder / "model.onnx"][:-1] + b"?")
        assert read_bundle(offer.folder), "by itself it is whole"
        with pytest.raises(MlforgeError, match="another than was verified"):
            Engine.open(offer, 1)
        with pytest.raises(MlforgeError, match="is damaged"):
            store.vouched.folder(store.registry.resolve("people@2"))
    finally:
        for path, content in original.items():
            path.write_bytes(content)


def test_a_store_that_trusts_nobody_verifies_no_signature(root: Path) -> None:
    with Store.open(None, root / ".mlforge", trust=Trust()) as open_to_all:
        assert open_to_all.vouched.folder(open_to_all.registry.resolve("people@3")).is_dir()
