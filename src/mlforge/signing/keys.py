"""The keys themselves: ECDSA on P-256, which OpenSSF's tools verify, and Ed25519. Which of the two it is, the trusted key says, and never the signature."""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mlforge.errors import MissingRequirement, RecipeError
from mlforge.signing.settings import KeyPlace

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

__all__ = ["Kind", "PrivateKey", "PublicKey", "make_pair", "needed"]

Kind = Literal["p256", "ed25519"]
_LARGEST = 1 << 16  # bytes of a file that may be a key
_MAKE = "Make a pair: mlforge signing key FILE"


@dataclass(frozen=True)
class PublicKey:
    """Whose signatures can be told from others'."""

    ident: str  # sha256 of the key as PEM, as OpenSSF's tools name it
    key: EllipticCurvePublicKey | Ed25519PublicKey

    @classmethod
    def of(cls, key: EllipticCurvePublicKey | Ed25519PublicKey) -> PublicKey:
        """With its name."""
        return cls(sha256(_pem(key)).hexdigest(), key)

    @classmethod
    def read(cls, path: Path, what: str) -> PublicKey:
        """From a PEM file. Raises RecipeError; `what` names the setting."""
        needed()
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        content = _content(path, what, "a public key")
        if b"PRIVATE KEY-----" in content:
            raise RecipeError(f"{what}: {path} is a private key; a public one was expected", hint=f"Name {path.name}'s public half, and keep this one secret.")
        try:
            key = load_pem_public_key(content)
        except (ValueError, UnsupportedAlgorithm):
            raise RecipeError(f"{what}: {path} is no public key as PEM", hint=_MAKE) from None
        if not _usable(key):
            raise RecipeError(f"{what}: {path} is a key of another kind; ECDSA on P-256 or Ed25519 was expected", hint=_MAKE)
        return cls.of(key)  # type: ignore[arg-type]  # `_usable` has looked

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Was this message signed with this key's private half."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.hashes import SHA256

        try:
            if isinstance(self.key, Ed25519PublicKey):
                self.key.verify(signature, message)
            else:
                from cryptography.hazmat.primitives.asymmetric.ec import ECDSA

                self.key.verify(signature, message, ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True

    @property
    def pem(self) -> bytes:
        """As a file has it."""
        return _pem(self.key)


@dataclass(frozen=True)
class PrivateKey:
    """What signs."""

    key: EllipticCurvePrivateKey | Ed25519PrivateKey

    @classmethod
    def read(cls, place: KeyPlace, what: str = "signing.key") -> PrivateKey:
        """From where the settings say it is. Raises RecipeError when it is not there, or cannot be read; nothing of it is told."""
        needed()
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        content = _content(place.file, what, "a private key") if place.file is not None else _variable(place.variable, "signing.key_env").encode()
        passphrase = _variable(place.passphrase, "signing.passphrase_env").encode() if place.passphrase else None
        try:
            key = load_pem_private_key(content, passphrase)
        except TypeError:  # as cryptography tells of a passphrase that is missing, or one too many
            if passphrase is None:
                hint = 'Put its passphrase into a variable, and name that: passphrase_env = "MLFORGE_SIGNING_PASSPHRASE".'
                raise RecipeError(f"{what}: {place} is encrypted, and there is no passphrase", hint=hint) from None
            raise RecipeError(f"{what}: {place} is not encrypted, and a passphrase is given", hint="Leave out signing.passphrase_env.") from None
        except (ValueError, UnsupportedAlgorithm):
            wrong = ", or the passphrase is wrong" if passphrase is not None else ""
            raise RecipeError(f"{what}: {place} is no private key as PEM{wrong}", hint=_MAKE) from None
        if not _usable(key.public_key()):
            raise RecipeError(f"{what}: {place} is a key of another kind; ECDSA on P-256 or Ed25519 was expected", hint=_MAKE)
        return cls(key)  # type: ignore[arg-type]  # `_usable` has looked

    def sign(self, message: bytes) -> bytes:
        """The signature under a message."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.hashes import SHA256

        if isinstance(self.key, Ed25519PrivateKey):
            return self.key.sign(message)
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA

        return self.key.sign(message, ECDSA(SHA256()))

    @property
    def public(self) -> PublicKey:
        """Its public half."""
        return PublicKey.of(self.key.public_key())


def make_pair(kind: Kind, passphrase: str = "") -> tuple[bytes, PublicKey]:
    """A new private key as PEM, encrypted where there is a passphrase, and its public half."""
    needed()
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

    key = ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else ec.generate_private_key(ec.SECP256R1())
    shut = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, shut), PublicKey.of(key.public_key())


def needed() -> None:
    """Raises MissingRequirement where signatures can be neither made nor verified."""
    from importlib.util import find_spec

    if find_spec("cryptography") is None:
        raise MissingRequirement("signatures need the package cryptography", hint="pip install 'mlforge[sign]'")


def _usable(key: object) -> bool:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

    return isinstance(key, ed25519.Ed25519PublicKey) or (isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == "secp256r1")


def _pem(key: EllipticCurvePublicKey | Ed25519PublicKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _content(path: Path, what: str, expected: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST)
    except OSError as error:
        raise RecipeError(f"{what}: {path} cannot be read: {error.strerror}; {expected} was expected there", hint=_MAKE) from None


def _variable(name: str, what: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise RecipeError(f"{what}: the variable {name} is not set", hint=f"Set {name}, or change the project's settings.")
    return value
