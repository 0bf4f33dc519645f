"""A signature counts for these very files as this very version, and only when a key that is trusted now has made it."""

from __future__ import annotations

import base64
import json
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.serving.bundles import make_bundle

from mlforge.errors import RecipeError
from mlforge.runtime.bundle import enclose
from mlforge.signing import KeyPlace, Signing, Subject, Trust, TrustedKey, Untrusted
from mlforge.signing.envelope import Envelope, sealed
from mlforge.signing.keys import Kind, PrivateKey, PublicKey, make_pair
from mlforge.signing.statement import said, stated

THIRD = Subject("people", 3, "b" * 64, "c" * 64, "d" * 64)


def pair(folder: Path, name: str, kind: Kind = "p256") -> TrustedKey:
    """A key that is trusted; its private half lies beside it."""
    private, public = make_pair(kind)
    (folder / f"{name}.pem").write_bytes(private)
    (folder / f"{name}.pub.pem").write_bytes(public.pem)
    return TrustedKey(name, folder / f"{name}.pub.pem")


def private(key: TrustedKey) -> PrivateKey:
    return PrivateKey.read(KeyPlace(key.file.with_name(f"{key.name}.pem")))


@pytest.fixture(params=["p256", "ed25519"])
def ops(request: pytest.FixtureRequest, tmp_path: Path) -> TrustedKey:
    return pair(tmp_path, "ops", request.param)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = make_bundle(tmp_path / "bundle")
    enclose(folder, "background.json", b"{}")
    return folder


def trusting(*keys: TrustedKey, now: datetime | None = None) -> Trust:
    return Trust(Signing(keys), *([] if now is None else [lambda: now]))


def refused(trust: Trust, folder: Path, texts: list[str], subject: Subject | None = THIRD) -> str:
    with pytest.raises(Untrusted) as caught:
        trust.verify(folder, texts, subject)
    assert caught.value.exit_code == 4
    return str(caught.value)


def test_a_signature_says_who_made_it_and_for_what(bundle: Path, ops: TrustedKey) -> None:
    trust = trusting(ops)
    found = trust.verify(bundle, [trust.sign(bundle, THIRD, private(ops)).text()], THIRD)
    assert (found.by, found.key, found.subject) == ("ops", PublicKey.read(ops.file, "x").ident, THIRD)
    assert set(found.files) == {"background.json", "bundle.json", "model.onnx"}


def test_a_bit_that_is_turned_in_any_file_is_found_and_the_file_named(bundle: Path, ops: TrustedKey) -> None:
    trust = trusting(ops)
    text = trust.sign(bundle, THIRD, private(ops)).text()
    files = sorted(path for path in bundle.rglob("*") if path.is_file())
    assert len(files) == 3
    for path in files:
        content = path.read_bytes()
        for place in {0, len(content) // 2, len(content) - 1}:
            path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            assert f"ops has signed other files: {path.name} was changed" in refused(trust, bundle, [text])
        path.write_bytes(content)
    trust.verify(bundle, [text], THIRD)


def test_a_file_that_is_added_missing_or_a_link_is_found(bundle: Path, ops: TrustedKey, tmp_path: Path) -> None:
    trust = trusting(ops)
    text = trust.sign(bundle, THIRD, private(ops)).text()
    (bundle / "more").mkdir()
    (bundle / "more" / "weights.bin").write_bytes(b"")
    assert "more/weights.bin was added" in refused(trust, bundle, [text])
    shutil.rmtree(bundle / "more")
    (bundle / "background.json").rename(tmp_path / "elsewhere")
    assert "background.json is missing" in refused(trust, bundle, [text])
    (bundle / "background.json").symlink_to(tmp_path / "elsewhere")
    assert "background.json was changed" in refused(trust, bundle, [text])
    with pytest.raises(Untrusted, match="no plain file"):
        trust.sign(bundle, THIRD, private(ops))


@pytest.mark.parametrize("other", [{"version": 2}, {"model": "others"}, {"bundle": "a" * 64}, {"verdict": "a" * 64}, {"card": ""}])
def test_a_version_cannot_be_passed_off_as_another(bundle: Path, ops: TrustedKey, other: dict[str, object]) -> None:
    """Whoever can write into the store could else serve an old version under a new number, or beside a verdict that is of another."""
    trust = trusting(ops)
    text = trust.sign(bundle, replace(THIRD, **other), private(ops)).text()
    assert "and this is people 3" in refused(trust, bundle, [text])


def test_without_a_signature_nothing_is_opened(bundle: Path, ops: TrustedKey) -> None:
    assert "people 3 is not opened: nobody has signed it. This project trusts ops (" in refused(trusting(ops), bundle, [])


def test_a_key_that_is_not_trusted_counts_for_nothing_under_whatever_name(bundle: Path, ops: TrustedKey, tmp_path: Path) -> None:
    trust, foreign = trusting(ops), pair(tmp_path, "foreign")
    made = trust.sign(bundle, THIRD, private(foreign))
    assert f"a key that is not trusted ({made.key[:12]})" in refused(trust, bundle, [made.text()])
    lying = Envelope(made.statement, made.signature, PublicKey.read(ops.file, "x").ident)
    assert "it was not made with ops, as it says" in refused(trust, bundle, [lying.text()])


def test_signatures_that_do_not_count_do_no_harm_to_one_that_does(bundle: Path, ops: TrustedKey, tmp_path: Path) -> None:
    trust, foreign = trusting(ops), pair(tmp_path, "foreign")
    texts = [trust.sign(bundle, THIRD, private(foreign)).text(), "nothing", trust.sign(bundle, THIRD, private(ops)).text()]
    assert trust.verify(bundle, texts, THIRD).by == "ops"


def test_keys_are_changed_by_trusting_both_for_a_while(bundle: Path, ops: TrustedKey, tmp_path: Path) -> None:
    newer = pair(tmp_path, "newer")
    old, new = (trusting(ops, newer).sign(bundle, THIRD, private(key)).text() for key in (ops, newer))
    assert trusting(ops, newer).verify(bundle, [old], THIRD).by == "ops"
    assert trusting(newer).verify(bundle, [old, new], THIRD).by == "newer"
    assert "not trusted" in refused(trusting(newer), bundle, [old])


def test_a_key_counts_until_the_end_of_its_last_day(bundle: Path, ops: TrustedKey) -> None:
    last = replace(ops, until=date(2026, 11, 22))
    text = trusting(ops).sign(bundle, THIRD, private(ops)).text()
    assert trusting(last, now=datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC)).verify(bundle, [text], THIRD).by == "ops"
    late = trusting(last, now=datetime(2026, 11, 23, tzinfo=UTC))
    assert "signatures of ops counted until 2026-11-22" in refused(late, bundle, [text])
    with pytest.raises(RecipeError, match="whose time is over"):
        late.accepts(private(ops), "the key")


def test_what_a_trusted_key_has_signed_for_another_purpose_is_no_signature(bundle: Path, ops: TrustedKey) -> None:
    for statement in (b"{}", b"[]", b"null", b'{"_type": "https://in-toto.io/Statement/v1"}', b"\xff", b"[" * 100_000):
        assert "of what ops has signed, " in refused(trusting(ops), bundle, [sealed(statement, private(ops)).text()])
    twice = json.loads(stated({"model.onnx": "0" * 64}, THIRD))
    twice["predicate"]["resources"] *= 2
    with pytest.raises(ValueError, match="not as mlforge writes"):
        said(json.dumps(twice).encode())


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_signature_that_is_changed_anywhere_is_refused_and_never_an_exception(bundle: Path, tmp_path: Path, data: st.DataObject) -> None:
    key = TrustedKey("ops", tmp_path / "ops.pub.pem")
    if not key.file.exists():
        pair(tmp_path, "ops", "ed25519")  # the same bytes each time
    trust = trusting(key)
    text = trust.sign(bundle, THIRD, private(key)).text()
    told = json.loads(text)
    envelope = told["dsseEnvelope"]
    how = data.draw(st.sampled_from(["payload", "signature", "text", "type", "junk"]))
    if how in ("payload", "signature"):
        holder, name = (envelope, "payload") if how == "payload" else (envelope["signatures"][0], "sig")
        raw = bytearray(base64.b64decode(holder[name]))
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        holder[name] = base64.b64encode(bytes(raw)).decode()
        changed = json.dumps(told)
    elif how == "type":
        holder = data.draw(st.sampled_from([told, envelope, envelope["signatures"][0], told["verificationMaterial"]["publicKey"]]))
        name = data.draw(st.sampled_from(sorted(set(holder) - {"keyid"})))
        holder[name] = data.draw(st.sampled_from([None, 1, [], {}, "", "other", [1], {"a": 1}]))
        changed = json.dumps(told)
    elif how == "text":
        changed = text[: data.draw(st.integers(0, len(text) - 3))]
    else:
        changed = data.draw(st.text(max_size=50))
    refused(trust, bundle, [changed])


def test_one_that_is_beyond_all_size_is_refused(bundle: Path, ops: TrustedKey) -> None:
    assert "it is too large" in refused(trusting(ops), bundle, [" " * (1 << 22) + "x"])


def test_a_folder_has_its_signature_beside_its_files(bundle: Path, ops: TrustedKey) -> None:
    trust = trusting(ops)
    with pytest.raises(Untrusted, match="nobody has signed it"):
        trust.verify_folder(bundle)
    (bundle / "model.sig").write_text(trust.sign(bundle, THIRD, private(ops)).text())
    assert trust.verify_folder(bundle).subject == THIRD
    (bundle / "model.sig").write_bytes(b"\xff\xfe")
    with pytest.raises(Untrusted, match="it cannot be read"):
        trust.verify_folder(bundle)


def test_the_format_is_that_of_openssf(bundle: Path, ops: TrustedKey) -> None:
    """As `model_signing verify key` of model-signing 1.1.1 takes it, which was tried; and as its payload is described there."""
    envelope = trusting(ops).sign(bundle, THIRD, private(ops))
    told = json.loads(envelope.text())
    statement = json.loads(base64.b64decode(told["dsseEnvelope"]["payload"]))
    assert (told["mediaType"], told["dsseEnvelope"]["payloadType"]) == ("application/vnd.dev.sigstore.bundle.v0.3+json", "application/vnd.in-toto+json")
    assert statement["predicateType"] == "https://model_signing/signature/v1.0"
    assert [one["name"] for one in statement["predicate"]["resources"]] == ["background.json", "bundle.json", "model.onnx"]
    assert envelope.message == b"DSSEv1 28 application/vnd.in-toto+json %d %b" % (len(envelope.statement), envelope.statement)
