"""Who made a bundle: signatures over what it consists of, as OpenSSF's model signing writes them, and the keys that a project trusts."""

from __future__ import annotations

from mlforge.signing.refusal import Untrusted
from mlforge.signing.settings import KeyPlace, Signing, TrustedKey
from mlforge.signing.statement import Subject
from mlforge.signing.trust import Signed, Trust

__all__ = ["KeyPlace", "Signed", "Signing", "Subject", "Trust", "TrustedKey", "Untrusted"]
