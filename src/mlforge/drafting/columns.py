"""From what a column looks like to what it is declared as."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import date

from mlforge.contract import RESERVED
from mlforge.drafting.look import UNSURE, Look
from mlforge.drafting.persons import asks, parts, personal, protected
from mlforge.drafting.proposal import Proposal, Setting
from mlforge.drafting.text import figure, writable

__all__ = ["keys_of", "propose", "typed"]

_FEW = 8  # categories that are listed one by one, when each is frequent
_FREQUENT = 20  # rows
_BRIEF = 60  # characters of all of them
_IDS = {"id", "ids", "uuid", "guid", "key", "identifier", "serial", "index", "rowid", "idx"}
_TIMES = {"date", "time", "timestamp", "datetime", "created", "updated", "day", "month", "year", "period", "when"}
_TAKEN = {*RESERVED, "__row__", "null", "true", "false"}  # what mlforge itself puts beside a row's columns, and what no override can name
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_PARTS = {"train", "validation", "valid", "val", "dev", "test"}
_CODES = (-1, -9, -99, -999, -9999, 99, 999, 9999, 99_999, 999_999)


def keys_of(names: Iterable[str]) -> dict[str, str]:
    """An identifier for every name, the name itself where it is one."""
    listed = list(names)
    keys = {name: name for name in listed if _IDENTIFIER.fullmatch(name) and name.lower() not in _TAKEN}
    for number, name in enumerate(listed, 1):
        if name not in keys:
            keys[name] = _key(name, number, {*keys.values(), *_TAKEN})
    return keys


def _key(name: str, number: int, taken: Collection[str]) -> str:
    plain = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or f"column_{number}"
    plain = f"c_{plain}" if plain[0].isdigit() else plain
    key, again = plain, 1
    while key in taken or key.lower() in _TAKEN:
        again += 1
        key = f"{plain}_{again}"
    return key


def typed(look: Look, key: str) -> Proposal:
    """The dtype, the real name where it is no key, and whether values may be missing."""
    settings: dict[str, Setting] = {"dtype": look.dtype or "string"}
    if key != look.name:
        settings["name"] = look.name
    if look.missing:
        settings["nullable"] = True
    return Proposal(key, look.name, settings)


def propose(look: Look, key: str, features: Collection[str], *, first_time: bool) -> Proposal:
    """What a column other than the target is declared as; `features` are the transforms that are installed."""
    base = typed(look, key)
    if not look.known:
        return base.ignored("has no values in the rows that were read", "no values")
    if not look.dtype:
        return base.ignored(f"{look.values.dtype} is no dtype of a contract", f"a {look.values.dtype}")
    if found := personal(look):
        kind, why = found
        return base.ignored(f"personal data: {why}; see privacy below", why, f"→ left out, pii: {kind}", pii=kind)
    if why := protected(look):
        return replace(_feature(base, look, extra=why + "; audited, not a feature", role="protected"), seen=why, done="→ role: protected")
    return (
        _part(base, look)
        or _identifier(base, look)
        or _time(base, look, features, first=first_time)
        or _text(base, look, features)
        or _feature(base, look, extra=asks(look))
    )


def _part(base: Proposal, look: Look) -> Proposal | None:
    """A split that the data has made already."""
    values = {str(value).strip().lower() for value, _ in look.counts} if look.wordy and look.distinct <= len(_PARTS) else set()
    if not values or not values <= _PARTS or not values >= {"train", "test"}:
        return None
    told = "says which rows are for training and test"
    return base.having(f"{told}: split: column would keep to it", told, "→ role: part; consider split: column", role="part")


def _identifier(base: Proposal, look: Look) -> Proposal | None:
    named = bool(set(parts(look.name)) & _IDS) or (look.name.lower().endswith("id") and look.dtype in ("int", "string"))
    if look.dtype not in ("int", "string", "category") or look.known < 2:
        return None
    counted = look.dtype == "int" and look.unique and int(look.values.max()) - int(look.values.min()) + 1 == look.rows  # type: ignore[arg-type]
    if (look.unique and (named or counted)) or (look.dtype == "string" and look.distinct > 0.95 * look.known and look.rows >= _FREQUENT):
        told = "every row has its own: an identifier" if look.unique else "nearly every row has its own: an identifier"
        return base.having(told, told, "→ role: id", role="id")
    if named and _FREQUENT < look.distinct < look.known:
        told = f"{look.distinct:,} different values for {look.known:,} rows"
        comment = f"an identifier by its name; {told}: if rows of one must stay together, role: group and split: grouped"
        return base.having(comment, told, "→ role: id", role="id")
    if look.dtype == "string":
        told = f"{look.distinct:,} different values for {look.known:,} rows"
        return base.ignored(f"{told}: too many for categories. To use it: role: feature, and features hashing or text", told)
    return None


def _time(base: Proposal, look: Look, features: Collection[str], *, first: bool) -> Proposal | None:
    if look.dtype != "datetime":
        return None
    low, high = look.values.min(), look.values.max()
    assert isinstance(low, date)
    assert isinstance(high, date)
    span = f"{low:%Y-%m-%d} … {high:%Y-%m-%d}"
    if first:
        comment = f"{span}; rows to be predicted come later: consider split: time"
        return base.having(comment, span, "→ role: time; consider split: time", role="time")
    if "dates" in features:
        return base.having(span)
    return base.ignored(f"{span}; a second time, and nothing here makes numbers of it", span)


def _text(base: Proposal, look: Look, features: Collection[str]) -> Proposal | None:
    if look.dtype != "text":
        return None
    if "text" in features:
        return base.having("free text", "free text", "→ text")
    return base.ignored("free text, and nothing here makes numbers of it", "free text")


def _feature(base: Proposal, look: Look, extra: str = "", **settings: Setting) -> Proposal:
    made, comment = _numbers(look) if look.numeric else _categories(look) if look.wordy else ({}, "")
    told = [comment, look.note, extra]
    if look.slips:
        told.insert(1, f"{look.slips:,} values are no numbers: those rows are rejected")
    return base.declared({**made, **settings}).having("; ".join(part for part in told if part))


def _categories(look: Look) -> tuple[dict[str, Setting], str]:
    unsure = [str(value) for value, _ in look.counts if str(value).strip() in UNSURE]
    asked = f"; is {unsure[0]!r} a missing value?" if unsure else ""
    values = sorted(str(value) for value, _ in look.counts)
    listed = len(values) <= _FEW and sum(map(len, values)) <= _BRIEF and all(rows >= _FREQUENT for _, rows in look.counts)
    if listed and all(map(writable, values)):
        return {"values": values}, f"others are rejected; to admit them: unseen: unknown{asked}"
    return {"unseen": "unknown"}, f"{look.distinct:,} categories{asked}"


def _numbers(look: Look) -> tuple[dict[str, Setting], str]:
    low, high = float(look.values.min()), float(look.values.max())  # type: ignore[arg-type]
    comment = f"{figure(low)} … {figure(high)}" if low < high else f"always {figure(low)}"
    settings: dict[str, Setting] = {}
    room = (high - low) / 2 or abs(high) or 1.0
    if low >= 0:
        settings["ge"] = 0 if low - room <= 0 else _outward(low - room, look.dtype, up=False)
    else:
        settings["ge"] = _outward(low - room, look.dtype, up=False)
    usual = float(look.values.quantile(0.99) or 0.0)
    if high > 10 * max(abs(usual), abs(float(look.values.median() or 0.0))) > 0:  # type: ignore[arg-type]
        comment += f", and 99 % are at most {figure(usual)}: no upper bound is proposed"
    else:
        settings["le"] = _outward(high + room, look.dtype, up=True)
    if code := _code(look, low, high):
        comment += f"; does {code} stand for a missing value? Then add it to nulls"
    elif look.dtype == "int" and 2 < look.distinct <= 10 and look.known >= 100 and not set(parts(look.name)) & {"num", "number", "count", "level", "grade"}:
        comment += f"; {look.distinct} values: if they are codes without an order, dtype: category"
    return settings, comment


def _code(look: Look, low: float, high: float) -> int | None:
    """An end of the values that stands apart from the others and is a number that people write for "unknown"."""
    if look.distinct < 3:
        return None
    for end in (low, high):
        if end not in _CODES:
            continue
        same = look.values == end
        others = look.values.filter(~same)
        spread = float(others.max()) - float(others.min())  # type: ignore[arg-type]
        away = min(abs(end - float(others.max())), abs(end - float(others.min())))  # type: ignore[arg-type]
        if int(same.sum()) >= max(3, 0.002 * look.known) and away > max(spread / 2, 1):
            return int(end)
    return None


def _outward(value: float, dtype: str, *, up: bool) -> int | float:
    """Rounded away from the values, to two digits."""
    if not value:
        return 0
    step = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    rounded = (math.ceil if up else math.floor)(round(value / step, 6)) * step
    if dtype == "int":
        return math.ceil(round(rounded, 6)) if up else math.floor(round(rounded, 6))
    return float(f"{rounded:.6g}")
