"""What is signed: an in-toto statement with the digest of every file of a bundle, as OpenSSF's model signing 1.0 has it, and which version it is."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

__all__ = ["SIGNATURE", "Subject", "files_of", "said", "stated"]

SIGNATURE = "model.sig"
"""The file with a bundle's signature, where it lies in the bundle's folder; it is not part of what is signed."""

_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATE = "https://model_signing/signature/v1.0"
_OURS = "mlforge"  # a key of the predicate that verifiers of other makers ignore


@dataclass(frozen=True, slots=True)
class Subject:
    """Which version of which model it is. It is signed too, so that a version cannot be passed off as another."""

    model: str
    version: int
    bundle: str  # digest of the artifact with all variants
    verdict: str  # digest of the verdict on it
    card: str = ""  # digest of its card

    def __str__(self) -> str:
        return f"{self.model} {self.version}"


def files_of(folder: Path) -> dict[str, str]:
    """The sha256 of every file below a folder, by its name; a link counts as what it is, which is no file."""
    found = {}
    for root, folders, names in os.walk(folder):
        for name in (*names, *(one for one in folders if (Path(root) / one).is_symlink())):
            path = Path(root, name)
            place = path.relative_to(folder).as_posix()
            if place != SIGNATURE:
                found[place] = "" if path.is_symlink() or not path.is_file() else _sha256(path)
    return dict(sorted(found.items()))


def stated(files: Mapping[str, str], subject: Subject) -> bytes:
    """The statement."""
    resources = [{"name": name, "algorithm": "sha256", "digest": digest} for name, digest in sorted(files.items())]
    whole = hashlib.sha256(b"".join(bytes.fromhex(digest) for _, digest in sorted(files.items()))).hexdigest()
    serialization = {"method": "files", "hash_type": "sha256", "allow_symlinks": False, "ignore_paths": [SIGNATURE]}
    statement = {
        "_type": _STATEMENT,
        "subject": [{"name": str(subject), "digest": {"sha256": whole}}],
        "predicateType": _PREDICATE,
        "predicate": {"serialization": serialization, "resources": resources, _OURS: asdict(subject)},
    }
    return json.dumps(statement, separators=(",", ":"), ensure_ascii=False).encode()


def said(statement: bytes) -> tuple[dict[str, str], Subject]:
    """Files and version of a statement whose signature has been verified. Raises ValueError for one that is not as `stated` makes them."""
    try:
        told: Any = json.loads(statement)
        subject = Subject(**told["predicate"][_OURS])
        files = {str(one["name"]): str(one["digest"]) for one in told["predicate"]["resources"]}
        if told != json.loads(stated(files, subject)):
            raise ValueError("it is not as mlforge writes statements")
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"it is not as mlforge writes statements ({type(error).__name__})") from None
    return files, subject


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
