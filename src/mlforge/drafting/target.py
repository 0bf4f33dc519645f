"""The target: which task it makes, and whether it can be learnt at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mlforge.drafting.columns import typed
from mlforge.drafting.look import Look
from mlforge.drafting.proposal import Proposal, Setting
from mlforge.drafting.text import figure, writable
from mlforge.errors import DataError

__all__ = ["Target", "target_of"]

_CLASSES = 100  # more names than these are hardly classes
_LEVELS = 20  # more different integers than these are a number
_LISTED = 20  # classes that are written into the contract
_FEWEST = 3  # rows of a class, so that each part of a split gets one
_POSITIVE = ("yes", "true", "1", "y", "t", "positive", "pos", "churned", "left", "fraud", "default", "bad", "malignant", "sick", "died", "1.0")
_HOPELESS = "a classification of {count:,} classes for {rows:,} rows cannot be learnt"


@dataclass(frozen=True)
class Target:
    """What is to be predicted."""

    task: str  # "classification" or "regression"
    proposal: Proposal
    classes: int = 0
    spread: float = 0.0  # standard deviation of the values


def target_of(look: Look, key: str, *, whole: bool) -> Target:
    """Decide the task. Raises DataError for a target from which nothing can be learnt, and says what to do."""
    base = typed(look, key)
    base = Proposal(base.key, base.name, {setting: value for setting, value in base.settings.items() if setting != "nullable"})
    _check_values(look)
    if look.numeric and (look.distinct > _LEVELS or look.dtype == "float"):
        return Target("regression", _value(base, look), spread=float(look.values.std() or 0.0))  # type: ignore[arg-type]
    if look.dtype not in ("int", "bool", "category", "string"):
        hint = "Choose a column of categories or numbers, or make one of it in the file."
        raise DataError(f"the target {look.name} is of type {look.dtype or look.values.dtype}, and there is nothing to classify", hint=hint)
    if look.distinct > max(_LEVELS, min(_CLASSES, look.known // 10)):
        hint = "Is it the right column? Join rare classes to a few in the file first; a number to be predicted must be written as one."
        raise DataError(f"the target {look.name}: {_HOPELESS.format(count=look.distinct, rows=look.known)}", hint=hint)
    rare = [str(value) for value, rows in look.counts if rows < _FEWEST] if whole else []
    if rare and look.distinct - len(rare) < 2:
        hint = (
            f"Each part of a split (training, validation, test) needs one row of every class, so {_FEWEST} in all: join rare classes, or leave their rows out."
        )
        raise DataError(f"the target {look.name}: {len(rare)} of its classes have fewer than {_FEWEST} rows, among them {rare[0][:40]!r}", hint=hint)
    return Target("classification", _classes(base, _without(look, rare), rare), look.distinct - len(rare))


def _check_values(look: Look) -> None:
    if look.distinct >= 2:
        return
    what = f"has one class only: {str(look.counts[0][0])[:40]!r}" if look.known else "has no values"
    hint = "Nothing can be learnt from it: is it the right column, and is the file whole?"
    raise DataError(f"the target {look.name} {what}, in the {look.rows:,} rows that were looked at", hint=hint)


def _value(base: Proposal, look: Look) -> Proposal:
    low, high = float(look.values.min()), float(look.values.max())  # type: ignore[arg-type]
    few = f"; {look.distinct} different values: if they are classes, task: classification and dtype: category" if look.distinct <= _LEVELS else ""
    comment = f"{figure(low)} … {figure(high)}{few}{_unlabelled(look)}"
    bounds: dict[str, Setting] = {"ge": 0} if low >= 0 else {}
    settings = {**base.settings, "dtype": look.dtype}
    return Proposal(base.key, base.name, settings).having(
        comment, f"target, {figure(low)} … {figure(high)}", "→ task: regression, split: random", role="target", **bounds
    )


def _without(look: Look, rare: Sequence[str]) -> Look:
    """The same without the rows of these classes."""
    import polars as pl

    return replace(look, values=look.values.filter(look.values.cast(pl.String).is_in(list(rare)).not_())) if rare else look


def _classes(base: Proposal, look: Look, rare: Sequence[str]) -> Proposal:
    settings: dict[str, Setting] = {"role": "target"}
    listed = (look.distinct <= _LISTED or bool(rare)) and all(writable(value) for value, _ in look.counts)
    if listed and look.dtype == "int":
        settings["values"] = sorted(int(str(value)) for value, _ in look.counts)
    elif listed and look.wordy:
        settings["values"] = sorted(str(value) for value, _ in look.counts)
    shown = f"{look.distinct} classes"
    comment = "" if look.distinct > 2 else _positive(look, settings)
    if look.distinct == 2:
        least, rows = look.counts[-1]
        shown += f' ({rows / look.known:.0%} "{_short(least)}")'
    if look.distinct > 2:
        least, rows = look.counts[-1]
        comment = f'the rarest of {look.distinct} classes, "{_short(least)}", has {rows / look.known:.2g} of the rows'
    if base.settings["dtype"] == "string":
        base = Proposal(base.key, base.name, {**base.settings, "dtype": "category"})
    if rare:
        named = ", ".join(f'"{_short(value)}"' for value in rare[:3]) + (" …" if len(rare) > 3 else "")
        comment += f"; {named} {'has' if len(rare) == 1 else 'have'} fewer than {_FEWEST} rows, which are rejected: each part of the split needs one"
        shown += f"; {len(rare)} more {'is' if len(rare) == 1 else 'are'} too rare"
    missing = "" if rare else _unlabelled(look)
    return base.having(comment + missing, f"target, {shown}", "→ task: classification, split: stratified", **settings)


def _positive(look: Look, settings: dict[str, Setting]) -> str:
    """Choose the class that probabilities speak of, and say why."""
    named = [value for value, _ in look.counts if str(value).strip().lower() in _POSITIVE and writable(value)]
    rare, rows = look.counts[-1]
    chosen = named[0] if len(named) == 1 else next((value for value, _ in reversed(look.counts) if writable(value)), None)
    if isinstance(chosen, bool):
        settings["positive"] = chosen
    elif chosen is not None:
        settings["positive"] = int(str(chosen)) if look.dtype == "int" else str(chosen)
    why = "by its name" if len(named) == 1 else "the rarer class" if chosen == rare else "the other cannot be written in a recipe"
    return f'positive: {why}; "{_short(rare)}" has {rows / look.known:.2g} of the rows'


def _unlabelled(look: Look) -> str:
    return f"; missing in {look.missing:,} rows, which are rejected" if look.missing else ""


def _short(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 30 else text[:29] + "…"
