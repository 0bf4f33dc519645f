"""Peers, where they are installed: one virtual environment each under $PEERS_DIR. A peer that is not there is left out of the table."""

from __future__ import annotations

import os
from pathlib import Path

PEERS = Path(os.environ.get("PEERS_DIR", "/tmp/peers"))


def python(peer: str) -> str:
    """The interpreter of a peer's environment."""
    return str(PEERS / peer / "bin" / "python")


def command(peer: str, name: str) -> str:
    """A console script of a peer's environment."""
    return str(PEERS / peer / "bin" / name)


def there(peer: str) -> bool:
    """Is the peer installed."""
    return Path(python(peer)).exists()
