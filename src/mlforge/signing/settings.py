"""What a project's settings say of signatures: where the key is that signs, and whose signatures count."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from mlforge.errors import nearest

__all__ = ["KeyPlace", "Signing", "TrustedKey"]

_NAME = re.compile(r"[A-Za-z_][\w.-]*")
_VARIABLE = re.compile(r"[A-Za-z_]\w*")
_KEYS = ("key", "key_env", "passphrase_env", "trusted")
_SHAPE = 'a table such as trusted = {ops = "keys/ops.pub.pem"}, with key = "FILE" or key_env = "VARIABLE" where versions are signed'


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where the private key is: in a file, or in a variable of the environment. It is never in a recipe or in the store."""

    file: Path | None = None
    variable: str = ""
    passphrase: str = ""  # the variable with its passphrase; a key that has one is of no use without it

    def __str__(self) -> str:
        return f"the variable {self.variable}" if self.file is None else str(self.file)


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key whose signatures count."""

    name: str
    file: Path
    until: date | None = None  # the last day (UTC) on which they do

    @property
    def over(self) -> datetime | None:
        """The moment from which on they do not."""
        return None if self.until is None else datetime(self.until.year, self.until.month, self.until.day, tzinfo=UTC) + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Signing:
    """The settings. A project with trusted keys is one that signs: it opens nothing that none of them has signed."""

    trusted: tuple[TrustedKey, ...] = ()
    key: KeyPlace | None = None

    @classmethod
    def read(cls, table: object, root: Path) -> Signing:
        """From a project's settings, files relative to its root. Raises ValueError with what was expected; the files themselves are not looked at."""
        if not isinstance(table, Mapping):
            raise ValueError(_SHAPE)
        if unknown := [str(key) for key in table if key not in _KEYS]:
            raise ValueError(f"no key {unknown[0]!r} in it; there are {', '.join(_KEYS)}. {nearest(unknown[0], _KEYS)}".rstrip(". "))
        trusted = table.get("trusted")
        if not isinstance(trusted, Mapping) or not trusted:
            raise ValueError(f"in trusted at least one public key: {_SHAPE}")
        return cls(tuple(_trusted(trusted, root)), _key(table, root))


def _trusted(table: Mapping[str, object], root: Path) -> Iterator[TrustedKey]:
    for name, given in table.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"a key's name of letters, digits, dots and dashes, not {name!r}")
        said = {"key": given} if isinstance(given, str) else given
        file, until = (said.get("key"), said.get("until")) if isinstance(said, Mapping) and set(said) <= {"key", "until"} else (None, None)
        if not isinstance(file, str) or not file.strip():
            raise ValueError(f'{name} = "FILE", or {name} = {{key = "FILE", until = 2027-06-30}}')
        if isinstance(until, datetime) or not isinstance(until, date | None):
            raise ValueError(f"in {name}.until a date, such as 2027-06-30 without quotes")
        yield TrustedKey(name, root / Path(file).expanduser(), until)


def _key(table: Mapping[str, object], root: Path) -> KeyPlace | None:
    file, variable, passphrase = (table.get(name) for name in ("key", "key_env", "passphrase_env"))
    for name, value in (("key_env", variable), ("passphrase_env", passphrase)):
        if value is not None and not (isinstance(value, str) and _VARIABLE.fullmatch(value)):
            raise ValueError(f"in {name} the name of a variable of the environment, such as MLFORGE_SIGNING_KEY; never the key itself")
    if file is not None and (not isinstance(file, str) or not file.strip() or "-----BEGIN" in file):
        raise ValueError("in key the path of a file; never the key itself")
    if file is not None and variable is not None:
        raise ValueError("either key or key_env, and not both")
    if file is None and variable is None:
        if passphrase is not None:
            raise ValueError("key or key_env beside passphrase_env")
        return None
    return KeyPlace(None if file is None else root / Path(str(file)).expanduser(), str(variable or ""), str(passphrase or ""))
