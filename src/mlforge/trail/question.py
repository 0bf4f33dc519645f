"""Parses the question of `mlforge why`, and picks the trail that answers it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mlforge.errors import RecipeError, nearest
from mlforge.store import RunRecord, Store
from mlforge.trail.alert import alert_trail
from mlforge.trail.archive import Archive
from mlforge.trail.gate import gate_trail
from mlforge.trail.retraining import retraining_trail
from mlforge.trail.run import run_trail
from mlforge.trail.trail import Trail
from mlforge.trail.version import model_of, rollback_trail, version_trail

__all__ = ["KINDS", "trail_of"]

_RUN = re.compile(r"[0-9a-hjkmnp-tv-z]{4,26}", re.IGNORECASE)


def trail_of(store: Store, words: Sequence[str]) -> Trail:
    """The trail of `alert 17`, `gate RUN`, `run RUN`, `rollback MODEL`, `retraining 3`, `MODEL@VERSION`, or of one of these without its first word.

    RecipeError, with the near word, for what there is none of; RunFailed when the audit log was written to by other means than mlforge.
    """
    archive = Archive(store)
    kind, name = _parted(archive, list(words))
    store.audit.verify()
    return _KINDS[kind].answer(archive, name)


def _parted(archive: Archive, words: list[str]) -> tuple[str, str]:
    """What is asked about, and its name."""
    if len(words) > 1 and words[0].lower() in KINDS:
        return words[0].lower(), " ".join(words[1:])
    if len(words) == 2 and words[1].lstrip("@").isdigit() and words[0] in archive.models:
        return "version", f"{words[0]}@{words[1].lstrip('@')}"
    if len(words) > 1:
        raise RecipeError(f"{words[0]!r} is nothing that there is a trail of: {', '.join(KINDS)} are.", hint=nearest(words[0], [*KINDS, *archive.models]))
    return _guessed(archive, words[0]), words[0]


def _guessed(archive: Archive, word: str) -> str:
    """What a single word is the name of."""
    if word.lower() in KINDS:
        raise RecipeError(f"Which {word.lower()}?", hint=_KINDS[word.lower()].example)
    if word.isdigit():
        return "alert"
    if "@" in word or word in archive.models:
        return "version"
    if _RUN.fullmatch(word) and any(run.id.startswith(word.lower()) for run in archive.store.records.runs(limit=500)):
        return "run"
    known = [*KINDS, *archive.models, *(run.id for run in archive.store.records.runs(limit=50))]
    raise RecipeError(f"Nothing in this store is called {word!r}.", hint=nearest(word, known) or "An alert's number, a run, or MODEL@VERSION was expected.")


@dataclass(frozen=True, slots=True)
class _Answer:
    """How one kind of question is answered."""

    answer: Callable[[Archive, str], Trail]
    example: str


def _number(text: str, what: str) -> int:
    if not text.isdigit():
        raise RecipeError(f"{text!r} is no number of {what}.", hint=_KINDS[what.split()[-1]].example)
    return int(text)


def _run_of(archive: Archive, name: str) -> RunRecord:
    """A run by its id, or that of a version, or the newest of a recipe."""
    if "@" in name or " " in name:
        return archive.store.records.run(archive.store.registry.resolve(name).run)
    newest = archive.store.records.runs(name, 1)
    return newest[0] if newest else archive.store.records.run(name)


def _rollback(archive: Archive, name: str) -> Trail:
    if name.isdigit():
        entries = [one for model in archive.models for one in archive.entries(model) if one.number == int(name)]
        if not entries or entries[0].event != "rolled_back":
            what = f"it is {entries[0].event} of {entries[0].subject}" if entries else "there is none of that number about any model"
            raise RecipeError(f"Entry {name} of the audit log is no rollback: {what}.", hint=_KINDS["rollback"].example)
        return rollback_trail(archive, entries[0].subject.rpartition(" ")[0], int(name))
    model, _, version = name.replace(" ", "@").partition("@")
    model = model_of(archive, model)
    if not version:
        return rollback_trail(archive, model)
    gone = archive.store.registry.resolve(f"{model}@{version}").version
    back = [one for one in archive.entries(model) if one.event == "rolled_back" and gone in (one.details.get("before"), one.details.get("version"))]
    if not back:
        raise RecipeError(f"{model} {gone} was never rolled back, and nothing was rolled back to it.", hint=f"mlforge why {model}@{gone}")
    return rollback_trail(archive, model, back[-1].number)


_KINDS = {
    "alert": _Answer(lambda archive, name: alert_trail(archive, _number(name, "an alert")), "mlforge alerts ls --all; then mlforge why alert 17"),
    "gate": _Answer(
        lambda archive, name: gate_trail(archive, _run_of(archive, name)), "mlforge runs; then mlforge why gate 01jd8q, or mlforge why gate MODEL@VERSION"
    ),
    "run": _Answer(lambda archive, name: run_trail(archive, _run_of(archive, name)), "mlforge runs; then mlforge why run 01jd8q"),
    "version": _Answer(lambda archive, name: version_trail(archive, archive.store.registry.resolve(name)), "mlforge models; then mlforge why MODEL@VERSION"),
    "rollback": _Answer(_rollback, "mlforge why rollback MODEL"),
    "retraining": _Answer(lambda archive, name: retraining_trail(archive, _number(name, "a retraining")), "mlforge why retraining 3"),
}

KINDS = tuple(_KINDS)
"""What there is a trail of."""
