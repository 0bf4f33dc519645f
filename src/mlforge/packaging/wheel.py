"""This very mlforge as a wheel, so that an image runs the code that has judged the model, published or not."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import mlforge
from mlforge.packaging.requirements import own

__all__ = ["write_wheel"]

_WHEEL = "Wheel-Version: 1.0\nGenerator: mlforge\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_WHEN = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say: same files, same bytes
_UNWANTED = frozenset({"__pycache__", "testing"})  # suites for authors need pytest


def write_wheel(folder: Path) -> Path:
    """Write it; its path."""
    found = own()
    info = f"mlforge-{found.version}.dist-info"
    files = dict(_code()) | {f"{info}/{name}": (found.read_text(name) or "").encode() for name in ("METADATA", "entry_points.txt")}
    files[f"{info}/WHEEL"] = _WHEEL.encode()
    record = "".join(f"{name},sha256={_digest(content)},{len(content)}\n" for name, content in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    path = folder / f"mlforge-{found.version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _WHEN)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, content)
    return path


def _code() -> Iterator[tuple[str, bytes]]:
    package = Path(mlforge.__file__).parent
    for path in sorted(package.rglob("*")):
        within = path.relative_to(package)
        if path.is_file() and not _UNWANTED & set(within.parts):
            yield f"mlforge/{within.as_posix()}", path.read_bytes()


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
