"""Which requests a newcomer answers: a share of them, the same ones each time where they have a key."""

from __future__ import annotations

import random
from hashlib import blake2b

__all__ = ["chosen", "place"]

_WHOLE = 2.0**64


def place(key: str, salt: str) -> float:
    """A key's hash between 0 and 1: equal in every worker and on every machine, and different for every rollout by its `salt`."""
    return int.from_bytes(blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8, salt=salt.encode()[:16]).digest()) / _WHOLE


def chosen(key: str | None, share: float, salt: str) -> bool:
    """Does this request go to the newcomer. A key that does so keeps doing so as the share rises."""
    return (random.random() if key is None else place(key, salt)) < share  # noqa: S311 - no secret
