"""What is done to personal data before it is written, and to a raw row before it reaches the model.

The rules are a fixed list, without code of anyone's: so they travel in a bundle, and a row is treated at prediction as it was in training. The contract's
checks look at a column as it came, protections follow, and the model sees what they leave. A bundle names the variable of the environment that holds a
pseudonymisation key, and a check value by which another key is told; never the key.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, partial
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from mlforge.contract import Column, Contract
from mlforge.errors import MissingRequirement
from mlforge.secrets import remember

if TYPE_CHECKING:
    import polars as pl

__all__ = ["KEY", "Band", "Drop", "Moment", "Prefix", "Protector", "Pseudonym", "Rule", "checked", "guarded", "sealed"]

KEY = "MLFORGE_PSEUDONYM_KEY"  # the variable that holds a key when the recipe has it in a file
_SHORTEST = 16  # bytes of a key
_BLOCK = 64  # bytes; of SHA-256
_FEW = 0.7  # share of distinct values below which each is digested once
_LOOSE = {"ge": None, "gt": None, "le": None, "lt": None, "values": None, "regex": None, "length": None, "unique": False}


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Drop(_Rule):
    """The column is not read."""

    kind: Literal["drop"] = "drop"


class Band(_Rule):
    """A number becomes the lower edge of its band."""

    kind: Literal["band"] = "band"
    width: float = Field(gt=0)


class Moment(_Rule):
    """A time becomes the beginning of its year, quarter, month, week, day or hour."""

    kind: Literal["moment"] = "moment"
    to: Literal["year", "quarter", "month", "week", "day", "hour"]


class Prefix(_Rule):
    """Of a text, only its first characters."""

    kind: Literal["prefix"] = "prefix"
    characters: int = Field(ge=1)


class Pseudonym(_Rule):
    """A text becomes its HMAC-SHA256 under a key, in hexadecimal; the same text always the same."""

    kind: Literal["pseudonym"] = "pseudonym"
    variable: str = Field(default=KEY, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="variable of the environment that holds the key")
    characters: int = Field(default=32, ge=16, le=64)
    check: str = Field(default="", description="by which another key is told from the one that was used")
    file: str | None = Field(default=None, exclude=True)  # where ingest reads the key; it does not travel

    def key(self) -> bytes:
        """The key. Raises MissingRequirement when it is not there, too short, or another than the one that was used before."""
        key, where = self._read()
        if len(key) < _SHORTEST:
            raise MissingRequirement(f"privacy: the pseudonymisation key in {where} is shorter than {_SHORTEST} bytes", hint="Use a long, random one.")
        remember(key.decode("utf-8", "replace"))
        if self.check and checked(key) != self.check:
            hint = "Give the key with which the training data were pseudonymised, or train again."
            raise MissingRequirement(f"privacy: the key in {where} is another than the one that the model was made with", hint=hint)
        return key

    def _read(self) -> tuple[bytes, str]:
        path = self.file or (os.environ.get(f"{self.variable}_FILE") if self.check and self.variable not in os.environ else None)
        if path is None:
            text = os.environ.get(self.variable)
            if text is None:
                hint = f"Set {self.variable}" + (f", or {self.variable}_FILE to a file with the key." if self.check else ".")
                raise MissingRequirement(f"privacy: the pseudonymisation key is missing: {self.variable} is not set", hint=hint)
            return text.encode(), self.variable
        try:
            return Path(path).read_bytes().strip(), path
        except OSError as error:
            raise MissingRequirement(f"privacy: the file with the pseudonymisation key cannot be read: {path}: {error.strerror}") from None


Rule = Annotated[Drop | Band | Moment | Prefix | Pseudonym, Field(discriminator="kind")]


def checked(key: bytes) -> str:
    """A few digits that tell one key from another, and from which no key can be found."""
    return _digest(key, 16)("mlforge: check of a pseudonymisation key")


def guarded(contract: Contract, rules: Mapping[str, Rule]) -> Contract:
    """The contract by which raw rows are judged: dropped columns are not looked at, and reasons do not show a protected cell."""
    columns = dict(contract.columns)
    for key, rule in rules.items():
        column = columns[key]
        columns[key] = column.model_copy(update={"role": "ignore"} if rule.kind == "drop" else {"pii": column.pii or "protected"})
    return contract.model_copy(update={"columns": columns})


def sealed(contract: Contract, rules: Mapping[str, Rule]) -> Contract:
    """The contract of the rows that are kept: what bounds a protected column's raw values says nothing of what is left of them."""
    columns = dict(contract.columns)
    for key, rule in rules.items():
        columns[key] = columns[key].model_copy(update={"role": "ignore"} if rule.kind == "drop" else _loosened(columns[key]))
    return contract.model_copy(update={"columns": columns})


def _loosened(column: Column) -> dict[str, object]:
    return {name: value for name, value in _LOOSE.items() if getattr(column, name) != value}


class Protector:
    """Applies rules to typed rows. The keys are read when it is made."""

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        self.rules = {key: rule for key, rule in rules.items() if rule.kind != "drop"}
        self._keys = {key: rule.key() for key, rule in self.rules.items() if isinstance(rule, Pseudonym)}

    @property
    def travelling(self) -> dict[str, Rule]:
        """The rules as a bundle has them: each key with the value that checks it."""
        told: dict[str, Rule] = {}
        for key, rule in self.rules.items():
            told[key] = rule.model_copy(update={"check": checked(self._keys[key]), "file": None}) if isinstance(rule, Pseudonym) else rule
        return told

    def apply(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows, with what the rules leave of their columns. Columns that are not there are nobody's loss."""
        here = [key for key in self.rules if key in rows.columns]
        return rows.with_columns([self._protected[key](rows[key]).alias(key) for key in here]) if here else rows

    @cached_property
    def by_text(self) -> Mapping[str, Callable[[str], str]]:
        """For the columns whose rule treats a text by itself: what it leaves of one."""
        made: dict[str, Callable[[str], str]] = {}
        for key, rule in self.rules.items():
            if isinstance(rule, Pseudonym):
                made[key] = _digest(self._keys[key], rule.characters)
            elif isinstance(rule, Prefix):
                made[key] = itemgetter(slice(0, rule.characters))
        return made

    @cached_property
    def _protected(self) -> dict[str, Callable[[pl.Series], pl.Series]]:
        return {key: partial(_pseudonyms, make=_digest(self._keys[key], rule.characters)) if isinstance(rule, Pseudonym) else partial(_coarse, rule=rule)
                for key, rule in self.rules.items()}  # fmt: skip


def _coarse(values: pl.Series, rule: Rule) -> pl.Series:
    match rule:
        case Band():
            edges = (values / rule.width).floor() * rule.width
            return edges.cast(values.dtype, strict=False)
        case Moment():
            return values.dt.truncate({"year": "1y", "quarter": "1q", "month": "1mo", "week": "1w", "day": "1d", "hour": "1h"}[rule.to])
        case Prefix():
            return values.str.slice(0, rule.characters)
        case _:
            raise AssertionError(rule)


def _pseudonyms(values: pl.Series, make: Callable[[str], str]) -> pl.Series:
    """Each distinct value is digested once, where that is less work."""
    import polars as pl

    distinct = values.drop_nulls().unique()
    if len(distinct) > _FEW * len(values):
        return pl.Series(values.name, [None if one is None else make(one) for one in values], dtype=pl.String)
    return values.replace_strict(distinct, _all(distinct, make), return_dtype=pl.String) if len(distinct) else values


def _all(values: Iterable[str], make: Callable[[str], str]) -> pl.Series:
    import polars as pl

    return pl.Series([make(one) for one in values], dtype=pl.String)


def _digest(key: bytes, characters: int) -> Callable[[str], str]:
    """HMAC-SHA256 (RFC 2104); what depends on the key alone is computed once, which makes it a third faster than `hmac.digest`."""
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    inner, outer = (hashlib.sha256(bytes(byte ^ pad for byte in block)) for pad in (0x36, 0x5C))

    def digest(text: str) -> str:
        one, other = inner.copy(), outer.copy()
        one.update(text.encode())
        other.update(one.digest())
        return other.hexdigest()[:characters]

    return digest
