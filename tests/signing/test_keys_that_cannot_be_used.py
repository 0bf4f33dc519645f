"""Keys that are missing, encrypted, of another kind or the wrong half: told with the place and what to do, and nothing of the key."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from mlforge.errors import RecipeError
from mlforge.signing import KeyPlace, Signing, Trust, TrustedKey
from mlforge.signing.keys import PrivateKey, PublicKey, make_pair


def message(read: object) -> str:
    with pytest.raises(RecipeError) as caught:
        read()  # type: ignore[operator]
    return str(caught.value)


def test_a_private_key_that_cannot_be_used_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, _ = make_pair("p256")
    shut, _ = make_pair("ed25519", "open sesame")
    other = rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    curve = ec.generate_private_key(ec.SECP256K1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for name, content in {"plain": plain, "shut": shut, "other": other, "curve": curve, "junk": b"hello"}.items():
        (tmp_path / name).write_bytes(content)
    monkeypatch.setenv("RIGHT", "open sesame")
    monkeypatch.setenv("WRONG", "close sesame")
    monkeypatch.setenv("KEY", plain.decode())
    assert PrivateKey.read(KeyPlace(tmp_path / "shut", passphrase="RIGHT")).public
    assert PrivateKey.read(KeyPlace(variable="KEY")).public.ident == PrivateKey.read(KeyPlace(tmp_path / "plain")).public.ident
    for place, expected in {
        KeyPlace(tmp_path / "gone"): "gone cannot be read: No such file or directory",
        KeyPlace(tmp_path): "cannot be read: Is a directory",
        KeyPlace(tmp_path / "shut"): "shut is encrypted, and there is no passphrase",
        KeyPlace(tmp_path / "shut", passphrase="WRONG"): "or the passphrase is wrong",
        KeyPlace(tmp_path / "shut", passphrase="UNSET"): "the variable UNSET is not set",
        KeyPlace(tmp_path / "plain", passphrase="RIGHT"): "is not encrypted, and a passphrase is given",
        KeyPlace(tmp_path / "other"): "is a key of another kind",
        KeyPlace(tmp_path / "curve"): "is a key of another kind",
        KeyPlace(tmp_path / "junk"): "is no private key as PEM",
        KeyPlace(variable="NOWHERE"): "the variable NOWHERE is not set",
    }.items():
        text = message(lambda place=place: PrivateKey.read(place))
        assert expected in text
        assert "sesame" not in text
        assert "BEGIN" not in text


def test_a_public_key_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    private, public = make_pair("p256")
    other = rsa.generate_private_key(65537, 2048).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for name, content in {"private": private, "public": public.pem, "other": other, "junk": b"\0"}.items():
        (tmp_path / name).write_bytes(content)
    for name, expected in {
        "private": "is a private key; a public one was expected",
        "other": "of another kind",
        "junk": "is no public key",
        "gone": "cannot",
    }.items():
        assert expected in message(lambda name=name: PublicKey.read(tmp_path / name, "signing.trusted.ops"))
    twice = Trust(Signing((TrustedKey("one", tmp_path / "public"), TrustedKey("two", tmp_path / "public"))))
    assert "signing.trusted.two: it is the same key as one" in message(lambda: list(twice.trusted()))


def test_a_key_that_the_project_would_not_trust_does_not_sign(tmp_path: Path) -> None:
    for name in ("ours", "theirs"):
        private, public = make_pair("p256")
        (tmp_path / f"{name}.pem").write_bytes(private)
        (tmp_path / f"{name}.pub").write_bytes(public.pem)
    trusted = (TrustedKey("ours", tmp_path / "ours.pub"),)
    assert Trust(Signing(trusted)).signer() is None
    assert Trust(Signing(trusted, KeyPlace(tmp_path / "ours.pem"))).signer() is not None
    assert "which is not trusted; trusted are ours (" in message(Trust(Signing(trusted, KeyPlace(tmp_path / "theirs.pem"))).signer)
