"""How a statement and its signature travel: a DSSE envelope within a bundle of Sigstore's, with the name of a public key."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from mlforge.signing.keys import PrivateKey

__all__ = ["LARGEST", "Envelope", "sealed"]

LARGEST = 1 << 22  # characters of one that is read
_BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_PAYLOAD = "application/vnd.in-toto+json"


@dataclass(frozen=True, slots=True)
class Envelope:
    """A statement, the signature under it, and the key that is said to have made it. Nothing of it is verified."""

    statement: bytes
    signature: bytes
    key: str  # a public key's name

    @classmethod
    def read(cls, text: str) -> Envelope:
        """From JSON. Raises ValueError for what is none."""
        if len(text) > LARGEST:
            raise ValueError("it is too large")
        try:
            told: Any = json.loads(text)
            envelope = told["dsseEnvelope"]
            (signature,) = envelope["signatures"]
            if told["mediaType"] != _BUNDLE or envelope["payloadType"] != _PAYLOAD:
                raise ValueError("it is of another type")
            parts = (envelope["payload"], signature["sig"])
            statement, under = (base64.b64decode(part, validate=True) for part in parts)
            return cls(statement, under, str(told["verificationMaterial"]["publicKey"]["hint"]))
        except (KeyError, TypeError, AttributeError, RecursionError, binascii.Error) as error:
            raise ValueError(f"it is no bundle of Sigstore's ({type(error).__name__})") from None

    @property
    def message(self) -> bytes:
        """What is signed: the statement with its type and length before it (DSSE's PAE)."""
        return b"DSSEv1 %d %b %d %b" % (len(_PAYLOAD), _PAYLOAD.encode(), len(self.statement), self.statement)

    def text(self) -> str:
        """As JSON."""
        told = {
            "mediaType": _BUNDLE,
            "verificationMaterial": {"publicKey": {"hint": self.key}, "tlogEntries": []},
            "dsseEnvelope": {
                "payload": base64.b64encode(self.statement).decode(),
                "payloadType": _PAYLOAD,
                "signatures": [{"sig": base64.b64encode(self.signature).decode(), "keyid": ""}],
            },
        }
        return json.dumps(told, indent=1) + "\n"


def sealed(statement: bytes, key: PrivateKey) -> Envelope:
    """A statement with the signature under it."""
    ident = key.public.ident
    return Envelope(statement, key.sign(Envelope(statement, b"", ident).message), ident)
