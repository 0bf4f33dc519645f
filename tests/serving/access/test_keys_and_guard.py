"""Keys at rest, and the guard who looks at them."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mlforge.errors import RecipeError
from mlforge.service.access import Access
from mlforge.serving.access.guard import Guard
from mlforge.serving.access.keys import KeyFile


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys.json")


def test_a_secret_is_nowhere_in_the_file_which_only_its_owner_may_read(file: KeyFile) -> None:
    key, token = file.add("batch", ("predict",))
    text = file.path.read_text()
    assert token.split("_")[2] not in text
    assert token not in text
    assert key.sha256 in text
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_a_key_opens_what_its_scopes_say_and_nothing_else(file: KeyFile) -> None:
    _, token = file.add("batch", ("predict", "feedback"))
    guard = Guard(file.path)
    assert guard.check("predict", f"Bearer {token}", None) is None
    assert guard.check("feedback", None, token) is None
    assert guard.check("predict", f"bearer  {token} ", None) is None
    refused = guard.check("admin", f"Bearer {token}", None)
    assert refused is not None
    assert (refused.status, refused.message) == (403, "the key batch is for predict and feedback; this needs admin")


def test_without_a_key_only_what_is_open_is_answered(file: KeyFile) -> None:
    file.add("batch", ("predict",))
    guard = Guard(file.path)
    assert guard.check("open", None, None) is None
    assert guard.check("metrics", None, None) is None
    missing = guard.check("predict", None, None)
    assert missing is not None
    assert missing.status == 401
    assert missing.headers == (("www-authenticate", "Bearer"),)
    closed = Guard(file.path, open_metrics=False)
    assert closed.check("open", None, None) is None
    assert closed.check("metrics", None, None) is not None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: token[:-1],
        lambda token: token + "x",
        lambda token: token + "x" * 10_000,
        lambda token: token.replace("mlforge_", "mlforge-"),
        lambda token: token[:8] + "0" * 12 + token[20:],
        lambda token: "mlforge_",
        lambda token: "é" * 60,
        lambda token: "",
    ],
)
def test_a_key_that_is_almost_right_is_refused(file: KeyFile, spoil) -> None:  # type: ignore[no-untyped-def]
    _, token = file.add("batch", ("predict",))
    refused = Guard(file.path).check("predict", None, spoil(token))
    assert refused is not None
    assert refused.status == 401


def test_the_password_of_another_scheme_is_no_key(file: KeyFile) -> None:
    _, token = file.add("batch", ("predict",))
    refused = Guard(file.path).check("predict", f"Basic {token}", token)
    assert refused is not None
    assert refused.status == 401


def test_an_expired_key_is_refused_and_told_as_expired(file: KeyFile) -> None:
    key, token = file.add("batch", ("predict",), datetime.now(UTC) - timedelta(seconds=1))
    refused = Guard(file.path).check("predict", None, token)
    assert refused is not None
    assert refused.status == 401
    assert key.state(datetime.now(UTC)) == "expired"


def test_a_guard_notices_new_and_revoked_keys(file: KeyFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlforge.serving.access.guard._LOOK", 0.0)
    _, first = file.add("first", ("predict",))
    guard = Guard(file.path)
    _, second = file.add("second", ("predict",))
    assert guard.check("predict", None, second) is None
    file.revoke("first")
    assert guard.check("predict", None, first) is not None
    assert guard.check("predict", None, second) is None


def test_a_file_that_is_spoilt_while_serving_leaves_the_keys_and_one_that_is_gone_lets_nobody_in(file: KeyFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlforge.serving.access.guard._LOOK", 0.0)
    _, token = file.add("first", ("predict",))
    guard = Guard(file.path)
    file.path.write_text("{")
    assert guard.check("predict", None, token) is None
    file.path.unlink()
    assert guard.check("predict", None, token) is not None


def test_a_name_is_taken_until_its_key_is_revoked(file: KeyFile) -> None:
    file.add("batch", ("predict",))
    with pytest.raises(RecipeError, match="there is a key batch already"):
        file.add("batch", ("predict",))
    file.revoke("batch")
    file.add("batch", ("predict",))
    assert [key.name for key in file.read()] == ["batch", "batch"]
    with pytest.raises(RecipeError, match="Did you mean batch"):
        file.revoke("bacth")


def test_a_name_that_could_be_anything_else_is_refused(file: KeyFile) -> None:
    for name in ("", "a b", "../x", "a\n", "x" * 101):
        with pytest.raises(RecipeError, match="cannot be a key's name"):
            file.add(name, ("predict",))


def test_keys_that_are_made_at_once_are_all_there(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from mlforge.serving.access.keys import KeyFile; KeyFile(Path(sys.argv[1])).add(sys.argv[2], ('predict',))"
    file = tmp_path / "keys.json"
    several = [subprocess.Popen([sys.executable, "-c", code, str(file), f"key{i}"], env=os.environ) for i in range(3)]
    assert [one.wait(60) for one in several] == [0] * 3
    assert {key.name for key in KeyFile(file).read()} == {f"key{i}" for i in range(3)}
    assert [path.name for path in tmp_path.iterdir()] == ["keys.json"]


@pytest.mark.parametrize("content", ["", "[]", '{"format": 2, "keys": []}', '{"keys": [{"id": "x"}]}'])
def test_a_file_that_is_none_of_keys_is_told_without_its_content(file: KeyFile, content: str) -> None:
    file.path.write_text(content)
    with pytest.raises(RecipeError, match=r"keys\.json: is no file of keys"):
        Guard(file.path)


def test_no_guard_is_there_when_nobody_needs_a_key(tmp_path: Path) -> None:
    assert Guard.of(Access()) is None
    with pytest.raises(RecipeError, match="mlforge keys new"):
        Guard.of(Access(keys=str(tmp_path / "missing.json")))


def test_the_file_is_json_that_a_person_can_read(file: KeyFile) -> None:
    file.add("batch", ("predict",))
    (entry,) = json.loads(file.path.read_text())["keys"]
    assert list(entry) == ["id", "name", "scopes", "sha256", "created", "expires", "revoked"]
