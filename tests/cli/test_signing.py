"""A project that signs: what it registers is signed, what nobody has signed is opened by no verb, and keys are changed without a gap."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.end_to_end.buyers import buyers

from mlforge.testing.project import TestProject

SIGNS = '[signing]\nkey = "keys/ops.pem"\n[signing.trusted]\nops = "keys/ops.pub.pem"\n'
ONLY_TRUSTS = '[signing.trusted]\nops = "keys/ops.pub.pem"\n'


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, isolated_cache: Path) -> TestProject:
    """A project with a registered model."""
    project = TestProject(tmp_path_factory.mktemp("signing"))
    assert project.run("signing", "key", "keys/ops.pem").code == 0
    project = buyers(project.write({"mlforge.toml": SIGNS}))
    made = project.run("run", "buyers", "trainer.max_epochs=2", "gates.thresholds.rules.auc.min=0.5")
    assert made.code == 0, made.text
    assert "buyers 1, champion, signed by ops (" in made.text
    return project


@contextmanager
def settings(project: TestProject, text: str) -> Iterator[None]:
    """Other settings for a while."""
    before = (project.root / "mlforge.toml").read_text()
    project.write({"mlforge.toml": text})
    try:
        yield
    finally:
        (project.root / "mlforge.toml").write_text(before)


@contextmanager
def unsigned(project: TestProject) -> Iterator[None]:
    """Somebody takes the signatures away, and puts them back."""
    with sqlite3.connect(project.root / ".mlforge" / "records.db") as records:
        records.execute("CREATE TABLE aside AS SELECT * FROM signatures")
        records.execute("DELETE FROM signatures")
    try:
        yield
    finally:
        with sqlite3.connect(project.root / ".mlforge" / "records.db") as records:
            records.execute("DELETE FROM signatures")
            records.execute("INSERT INTO signatures SELECT * FROM aside")
            records.execute("DROP TABLE aside")


def test_who_has_signed_is_shown_wherever_versions_are(shop: TestProject) -> None:
    (verified,) = shop.run("signing", "verify", "buyers@champion").out.splitlines()
    assert verified.startswith("buyers 1 is signed by ops (")
    assert verified.endswith("): 3 files")
    told = verified.partition(": ")[0].removeprefix("buyers 1 is ")
    assert shop.run("models", "buyers").out.splitlines()[0].endswith(told)
    assert shop.run("models", "buyers", "--card").err.strip() == f"buyers 1 is {told}"
    assert shop.run("signing", "verify", "buyers", "--json").json["version"] == 1
    assert shop.run("predict", "buyers", "--source", "buyers.csv", "--sink", "out.csv", "--max-rejected", "1").code == 0


@pytest.mark.parametrize(
    "command",
    [
        "serve buyers --port 0", "serve buyers@1 --port 0", "predict buyers --source buyers.csv --sink no.csv", "promote buyers 1", "package buyers --to no",
        "explain buyers --source buyers.csv", "monitor buyers --source buyers.csv", "bench buyers", "drill buyers", "signing verify buyers",
        "signing export buyers no.sig",
    ],
)  # fmt: skip
def test_no_verb_opens_what_nobody_has_signed(shop: TestProject, command: str) -> None:
    with unsigned(shop):
        outcome = shop.run(*command.split())
        listed = shop.run("models", "buyers").out
    assert outcome.code == 4, outcome.text
    assert "buyers 1 is not opened: nobody has signed it. This project trusts ops (" in outcome.err
    assert "mlforge signing sign buyers@1" in outcome.err
    assert listed.splitlines()[0].endswith("not signed")
    assert not list(shop.root.glob("no*"))


def test_a_version_that_was_registered_without_a_key_is_signed_later(shop: TestProject) -> None:
    with unsigned(shop), settings(shop, ONLY_TRUSTS):
        assert shop.run("check", "buyers").code == 0
        outcome = shop.run("signing", "sign", "buyers")
        assert (outcome.code, "name no key that signs" in outcome.err) == (2, True)
        outcome = shop.run("signing", "sign", "buyers", "--key", "keys/ops.pem")
        assert outcome.code == 0, outcome.text
        assert shop.run("signing", "verify", "buyers").code == 0


def test_a_rollback_to_what_nobody_has_signed_is_refused_before_the_alias_moves(project: TestProject) -> None:
    from mlforge.store import Store

    assert project.run("signing", "key", "keys/ops.pem").code == 0
    project.write({"mlforge.toml": ONLY_TRUSTS})
    with Store.open(None, project.root / ".mlforge") as store:
        for part in "ab":
            draft = project.root / part
            (draft / "onnx").mkdir(parents=True)
            (draft / "onnx" / "bundle.json").write_text(part)
            (draft / "bundles.json").write_text('{"ships": "onnx", "variants": ["onnx"]}')
            store.registry.register("adult", bundle=store.artifacts.publish(draft), verdict="v", run="r")
        store.registry.set_alias("adult", "champion", 2)
        for more in ((), ("--to", "1")):
            outcome = project.run("rollback", "adult", *more)
            assert (outcome.code, "adult 1 is not opened: nobody has signed it" in outcome.err) == (4, True)
        assert store.registry.resolve("adult@champion").version == 2


def test_a_key_that_cannot_sign_is_told_before_anything_runs(shop: TestProject) -> None:
    """By `check` and by `run`, with the place in the settings; nothing of what was made is lost, since nothing was begun."""
    runs = len(shop.run("runs", "--json").json)
    for text, said in {
        SIGNS.replace("keys/ops.pem", "keys/gone.pem"): "gone.pem cannot be read: No such file or directory",
        SIGNS.replace('key = "keys/ops.pem"', 'key_env = "NOT_SET"'): "the variable NOT_SET is not set",
        SIGNS.replace("keys/ops.pub.pem", "keys/ops.pem"): "is a private key; a public one was expected",
    }.items():
        with settings(shop, text):
            for verb in ("check", "run"):
                outcome = shop.run(verb, "buyers", "trainer.max_epochs=3")
                assert outcome.code == 2, outcome.text
                assert said in outcome.err
                assert "mlforge.toml" in outcome.err
    assert len(shop.run("runs", "--json").json) == runs


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("signing = 3", "a table such as"),
        ("[signing]\nkey = 'x'", "at least one public key"),
        ("[signing]\nkeys = 'x'\n[signing.trusted]\na = 'b'", "no key 'keys' in it"),
        ("[signing]\nkey = '-----BEGIN PRIVATE KEY-----hush'\n[signing.trusted]\na = 'b'", "never the key itself"),
        ("[signing]\nkey_env = 'MC4CAQAwBQYDK2VwBCIEIhush=='\n[signing.trusted]\na = 'b'", "never the key itself"),
        ("[signing]\nkey = 'x'\nkey_env = 'X'\n[signing.trusted]\na = 'b'", "either key or key_env"),
        ("[signing]\npassphrase_env = 'X'\n[signing.trusted]\na = 'b'", "key or key_env beside passphrase_env"),
        ("[signing.trusted]\na = {key = 'b', till = 2027-01-01}", "until = 2027-06-30"),
        ("[signing.trusted]\na = {key = 'b', until = '2027-01-01'}", "a date, such as 2027-06-30 without quotes"),
        ("[signing.trusted]\n'a b' = 'c'", "a key's name of letters"),
    ],
)
def test_settings_that_are_wrong_are_told_with_their_line_and_without_a_key(project: TestProject, text: str, said: str) -> None:
    outcome = project.write({"mlforge.toml": f"\n\nenv = []\n{text}\n"}).run("models")
    assert outcome.code == 2
    assert said in outcome.err
    assert "mlforge.toml:2" in outcome.err, "the blank lines at the top are cut"
    assert "hush" not in outcome.err


def test_a_pair_of_keys_is_for_its_owner_and_is_never_written_over(project: TestProject) -> None:
    outcome = project.run("signing", "key", "deep/ops-1.pem", "--kind", "ed25519")
    assert outcome.code == 0, outcome.text
    private, public = project.root / "deep" / "ops-1.pem", project.root / "deep" / "ops-1.pub.pem"
    assert [oct(path.stat().st_mode & 0o777) for path in (private, public)] == ["0o600", "0o644"]
    assert "PRIVATE" not in outcome.text + public.read_text()
    project.write({"mlforge.toml": "\n".join(line.strip() for line in outcome.out.splitlines()[2:])})
    assert project.run("models").code == 0, "what it prints can be put into the settings as it is"
    before = private.read_bytes()
    outcome = project.run("signing", "key", "deep/ops-1.pem")
    assert (outcome.code, "is there already, and was not touched" in outcome.err) == (2, True)
    assert private.read_bytes() == before
    outcome = project.run("signing", "key", "other.pem", "--passphrase-env", "NOT_SET")
    assert (outcome.code, (project.root / "other.pem").exists()) == (2, False)


def test_a_project_that_trusts_nobody_is_told_how_to_begin(project: TestProject) -> None:
    for command in ("sign adult", "verify adult", "export adult x.sig"):
        outcome = project.run("signing", *command.split())
        assert (outcome.code, "this project trusts no key" in outcome.err) == (2, True)


def test_a_package_verifies_its_bundle_wherever_it_is_started(shop: TestProject) -> None:
    outcome = shop.run("package", "buyers", "--to", "image")
    assert outcome.code == 0, outcome.text
    folder = shop.root / "image"
    assert "COPY trust /home/serving\n" in (folder / "Dockerfile").read_text()
    assert "\ncryptography==" in (folder / "requirements.txt").read_text()
    assert not [path for path in folder.rglob("*") if path.suffix in (".pem", ".toml", ".sig") and b"PRIVATE" in path.read_bytes()]
    there = TestProject(folder / "trust")
    assert there.run("signing", "verify", "../model").out.startswith("../model: buyers 1 is signed by ops (")
    graph = folder / "model" / "background.json"
    graph.write_bytes(graph.read_bytes() + b" ")
    for command in (("signing", "verify", "../model"), ("serve", "../model", "--port", "0")):
        outcome = there.run(*command)
        assert outcome.code == 4, outcome.text
        assert "ops has signed other files: background.json was changed" in outcome.err
    (folder / "model" / "model.sig").unlink()
    assert "nobody has signed it" in there.run("serve", "../model", "--port", "0").err


def test_doctor_tells_keys_that_go_soon_or_are_not_there(project: TestProject) -> None:
    def told() -> list[str]:
        return [line for line in project.run("doctor").out.splitlines() if "signatures" in line]

    assert told() == []
    assert project.run("signing", "key", "ops.pem").code == 0
    soon, late = (date.today() + timedelta(days=days) for days in (10, 400))
    project.write({"mlforge.toml": f'[signing.trusted]\nops = {{key = "ops.pub.pem", until = {late}}}\n'})
    assert [f"until {late}" in line and not line.lstrip().startswith("!") for line in told()] == [True, False]
    project.write({"mlforge.toml": f'[signing.trusted]\nops = {{key = "ops.pub.pem", until = {soon}}}\n'})
    assert "!" in told()[0]
    project.write({"mlforge.toml": '[signing.trusted]\nops = "gone.pub.pem"\n'})
    assert "gone.pub.pem cannot be read" in told()[0]
