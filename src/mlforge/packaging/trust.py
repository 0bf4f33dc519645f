"""Whom an image trusts: the project's public keys, and settings that name them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from mlforge.signing import TrustedKey

__all__ = ["write_trust"]


def write_trust(keys: Sequence[TrustedKey], to: Path) -> None:
    """Fill a folder that becomes the project in which the image serves: it opens its bundle only with a signature of one of these keys."""
    (to / "keys").mkdir(parents=True)
    lines = ["[signing.trusted]"]
    for key in keys:
        name = f"keys/{key.name}.pem"
        shutil.copyfile(key.file, to / name)
        lines.append(f'"{key.name}" = {{key = "{name}"{f", until = {key.until}" if key.until else ""}}}')
    (to / "mlforge.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
