"""Build the catalog: find the plugins, ask those whose answer is not known yet, and put the answers together."""

from __future__ import annotations

import os
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlforge
from mlforge.plugins import cache
from mlforge.plugins.api import Range
from mlforge.plugins.discover import Candidate, installed, local, locate
from mlforge.plugins.known import KNOWN, remembered
from mlforge.plugins.states import Folder, PluginState, Provided
from mlforge.plugins.table import Catalog

if TYPE_CHECKING:
    from mlforge.project import Project

__all__ = ["BLOCK", "catalog"]

BLOCK = "MLFORGE_BLOCK_PLUGINS"
"""Environment variable with the names of plugins to be left out, separated by commas."""

_OWN = "mlforge"  # the distribution whose plugin can be neither blocked nor replaced
_FORGET_HANG = 300  # seconds after which a plugin that hung is asked again: the machine may have been busy

Answer = Mapping[str, Any]


def catalog(project: Project) -> Catalog:
    """Everything that installed plugins and the project's own provide. Imports none of them."""
    mine = local(project)
    name = cache.environment((str(project.root),) if mine else ())
    kept = cache.load(name)
    surroundings = {path: cache.stamp(path) for path in sys.path if path}
    others = [Candidate(**raw) for raw in kept["installed"]] if kept.get("surroundings") == surroundings else installed()
    candidates = others + mine
    refused = _refused(candidates)
    answers = _answers([one for one in candidates if one.name not in refused], kept, surroundings, project)
    plugins = tuple(refused.get(one.name) or _state(one, answers[one.name]) for one in candidates)
    provided = tuple(_provided(candidates, plugins, answers))
    once = remembered(kept.get("once"), provided, _OWN)
    content = {
        "surroundings": surroundings,
        "installed": [asdict(one) for one in others],
        "answers": {**_still(kept, candidates), **answers},
        "once": once,
    }
    if content != kept:
        cache.save(name, content)
    return Catalog(
        provided=provided,
        plugins=plugins,
        folders=tuple(_folders(candidates, plugins, answers)),
        imports=project.imports if mine else (),
        known={**KNOWN, **once},
    )


def _refused(candidates: Sequence[Candidate]) -> dict[str, PluginState]:
    """The plugins that are not asked at all: blocked, or two of one name."""
    blocked = {name.strip() for name in os.environ.get(BLOCK, "").split(",")}
    entries: dict[str, list[Candidate]] = defaultdict(list)
    refused = {}
    for one in candidates:
        if one.name != _OWN and {one.name, one.entry} & blocked:
            refused[one.name] = PluginState(one.name, one.version, one.module, "blocked", f"by {BLOCK}", local=one.local)
        else:
            entries[one.entry].append(one)
    for one in candidates:
        twins = [f"{other.name} {other.version}" for other in entries[one.entry] if other != one]
        if one.name not in (_OWN, *refused) and twins:
            reason = f"its entry point {one.entry} is also that of {' and '.join(twins)}: uninstall one, or name it in {BLOCK}"
            refused[one.name] = PluginState(one.name, one.version, one.module, "clash", reason, local=one.local)
    return refused


def _answers(candidates: Sequence[Candidate], kept: Answer, surroundings: Mapping[str, Any], project: Project) -> dict[str, Answer]:
    """The answer of each: a kept one while what it depends on has not changed."""
    known = kept.get("answers", {})
    moved = kept.get("surroundings") != surroundings
    answers = {one.name: known[one.name] for one in candidates if one.name in known and _holds(one, known[one.name], moved)}
    unknown = [one for one in candidates if one.name not in answers]
    if unknown:
        from mlforge.plugins.inquiry import inquire

        for one, reply in zip(unknown, inquire(unknown, project.imports), strict=True):
            answers[one.name] = _complete(one, reply, project)
    return answers


def _holds(one: Candidate, answer: Answer, moved: bool) -> bool:
    if answer["asked"] != asdict(one):
        return False
    if answer["state"] != "ok" and (moved or (answer.get("hangs") and time.time() - answer["at"] > _FORGET_HANG)):
        return False  # what it lacked may have been installed since
    return all(cache.stamp(path) == was for path, was in answer["stamps"].items())


def _complete(one: Candidate, reply: dict[str, Any], project: Project) -> Answer:
    """A reply, with all that is needed to know later whether it still holds."""
    from mlforge.plugins.review import review

    spec = locate(one.module, project.imports if one.local else ())
    files = {*reply.pop("files"), *([spec.origin] if spec and spec.origin else [])}
    home = next(iter(spec.submodule_search_locations or ()), None) if spec else None
    answer = review(reply, one, spec.origin if spec else None)
    watched = [*files, *([home, *(str(Path(home, name)) for name in ("conf", "recipes"))] if home else [])]
    return {**answer, "home": home, "asked": asdict(one), "at": time.time(), "stamps": {path: cache.stamp(path) for path in sorted(watched)}}


def _still(kept: Answer, candidates: Sequence[Candidate]) -> dict[str, Answer]:
    """Kept answers of plugins that are there, though blocked just now."""
    names = {one.name for one in candidates}
    return {name: answer for name, answer in kept.get("answers", {}).items() if name in names}


def _state(one: Candidate, answer: Answer) -> PluginState:
    return PluginState(
        one.name, one.version, one.module, answer["state"], answer["reason"], _range(answer.get("api")), tuple(answer.get("components", ())),
        tuple(answer.get("commands", ())), tuple(answer.get("hooks", ())), answer.get("seconds", 0.0), one.local,
        tuple(answer.get("warnings", ())),
    )  # fmt: skip


def _range(api: Any) -> Range | None:
    return (api[0], api[1]) if api else None


def _provided(candidates: Sequence[Candidate], plugins: Sequence[PluginState], answers: Mapping[str, Answer]) -> list[Provided]:
    found = []
    for one, state in zip(candidates, plugins, strict=True):
        if state.state == "ok":
            answer = answers[one.name]
            table = {**answer["components"], **{f"commands/{name}": reference for name, reference in answer["commands"].items()}}
            for key, reference in table.items():
                section, _, option = key.partition("/")
                found.append(Provided(section, option, reference, one.name, one.version))
    return found


def _folders(candidates: Sequence[Candidate], plugins: Sequence[PluginState], answers: Mapping[str, Answer]) -> list[Folder]:
    """Where the plugins keep presets and recipes: beside their module; mlforge's own come last."""
    found = []
    for one, state in zip(candidates, plugins, strict=True):
        home = answers[one.name]["home"] if state.state == "ok" and one.name != _OWN else None
        if home:
            found.append(_folder(one.name, one.version, Path(home)))
    package = Path(mlforge.__file__).parent
    shipped = package / "builtin"
    own = shipped if (shipped / "conf").is_dir() else package.parents[1]  # in a wheel; in a checkout
    return [*(folder for folder in found if folder.conf or folder.recipes), _folder(_OWN, mlforge.__version__, own)]


def _folder(name: str, version: str, home: Path) -> Folder:
    conf, recipes = home / "conf", home / "recipes"
    return Folder(name, version, conf if conf.is_dir() else None, recipes if recipes.is_dir() else None)
