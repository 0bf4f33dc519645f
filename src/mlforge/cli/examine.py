"""What `mlforge doctor` looks at, point by point. Nothing is imported: versions come from the installed metadata."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Literal

from mlforge.errors import MissingRequirement, MlforgeError, RecipeError
from mlforge.project import Project

if TYPE_CHECKING:
    from packaging.requirements import Requirement

__all__ = ["Point", "examine"]

_MARKS = {"ok": "ok", "note": "–", "warning": "!", "missing": "✗"}
_INTERNAL = {"all", "test", "lint", "dev"}  # extras that are sums of others, or for those who work on mlforge
_ENOUGH = 2 * 1024**3  # bytes of free disk below which a run may well fail
_SOON_OVER = 30  # days before a key goes in which that is told
_RECORDS = "records.db"  # of a store in a folder
_PATIENCE = 10  # seconds for nvidia-smi, which hangs when a driver is broken


@dataclass(frozen=True, slots=True)
class Point:
    """One thing that was looked at."""

    what: str
    found: str
    state: Literal["ok", "note", "warning", "missing"] = "ok"
    remedy: str = ""

    @property
    def mark(self) -> str:
        """The state in a character or two."""
        return _MARKS[self.state]


def examine() -> Iterator[Point]:
    """Everything worth a look, in the order in which a person would look."""
    yield Point("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}, {sys.executable}")
    yield from _distributions()
    yield Point("cores", str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()))
    yield _gpu()
    try:
        project = Project.find(Path.cwd())
    except RecipeError as error:
        yield Point("project", str(error).replace("\n", " "), "missing", "mend the settings")
        return
    yield Point("project", f"{project.root}" + (f", settings in {project.settings.name}" if project.settings else ", no settings"))
    yield from _store(project)
    yield from _keys(project)
    yield from _plugins(project)


def _keys(project: Project) -> Iterator[Point]:
    """The keys of a project that signs: there, and not about to go."""
    trust = project.trust
    if not trust:
        return
    try:
        for one, public in trust.trusted():
            left = None if one.over is None else (one.over - trust.clock()).days
            found = f"{one.name} ({public.ident[:12]})" + (f", until {one.until}" if one.until else "")
            if left is not None and left < _SOON_OVER:
                yield Point("signatures", found, "warning", "sign what is to stay with another key: mlforge signing sign MODEL@VERSION")
            else:
                yield Point("signatures", found)
        if trust.signer() is None:
            yield Point("signatures", "no key that signs is named here", "note")
    except (RecipeError, MissingRequirement) as error:
        yield Point("signatures", str(error).splitlines()[0], "missing", error.hint)


def _distributions() -> Iterator[Point]:
    """The base install must be there; an extra is there or not."""
    from packaging.requirements import Requirement

    groups: dict[str, list[Requirement]] = defaultdict(list)
    for text in requires("mlforge") or ():
        requirement = Requirement(text)
        named = re.search(r"extra == ['\"](\w+)['\"]", str(requirement.marker or ""))
        groups[named[1] if named else ""].append(requirement)
    yield Point("mlforge", version("mlforge"))
    yield from _group("base install", groups.pop("", []), "pip install --force-reinstall mlforge", essential=True)
    for extra, wanted in sorted(groups.items()):
        if extra not in _INTERNAL:
            yield from _group(f"extra {extra}", wanted, f"pip install 'mlforge[{extra}]'", essential=False)


def _group(what: str, wanted: list[Requirement], command: str, *, essential: bool) -> Iterator[Point]:
    have: list[str] = []
    lack: list[str] = []
    for one in wanted:
        if one.marker is not None and not one.marker.evaluate({"extra": what.rpartition(" ")[2]}):
            continue
        try:
            found = version(one.name)
        except PackageNotFoundError:
            lack.append(one.name)
            continue
        fits = one.specifier.contains(found, prereleases=True)
        (have if fits else lack).append(f"{one.name} {found}" + ("" if fits else f" ({one.specifier} is needed)"))
    if lack:
        yield Point(what, f"missing: {', '.join(lack)}", "missing" if essential else "note", command)
    else:
        yield Point(what, ", ".join(have))


def _gpu() -> Point:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return Point("gpu", "none (no nvidia-smi)", "note")
    try:
        done = subprocess.run([tool, "--query-gpu=name,memory.total", "--format=csv,noheader"], capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Point("gpu", f"nvidia-smi does not answer: {type(error).__name__}", "warning", "look after the driver")
    cards = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    return Point("gpu", "; ".join(cards)) if done.returncode == 0 and cards else Point("gpu", "nvidia-smi finds none", "note")


def _store(project: Project) -> Iterator[Point]:
    place = project.store or str(project.state)
    if "://" in place:
        yield Point("store", place, "note")
        return
    folder = (project.root / Path(place).expanduser()).resolve()
    existing = next(one for one in (folder, *folder.parents) if one.exists())
    try:
        with TemporaryFile(dir=existing):
            pass
    except OSError as error:
        yield Point("store", f"{folder} cannot be written: {error.strerror}", "missing", "change its rights, or set `store` in the project's settings")
        return
    yield Point("store", f"{folder}" + ("" if folder.exists() else ", made by the first run"))
    free = shutil.disk_usage(existing).free
    short = free < _ENOUGH
    yield Point("disk", f"{free / 1024**3:.1f} GiB free", "warning" if short else "ok", "mlforge keeps every artifact: make room" if short else "")
    if (folder / _RECORDS).exists():
        yield _audit(folder)


def _audit(folder: Path) -> Point:
    """Is the audit log what was written, from its first entry on."""
    from mlforge.store import Store

    try:
        with Store.open(None, folder) as store:
            return Point("audit log", f"entries that are as they were written, each after the one before it: {store.audit.verify():,}")
    except MlforgeError as error:
        return Point("audit log", str(error).splitlines()[0], "warning", error.hint)


def _plugins(project: Project) -> Iterator[Point]:
    from mlforge.plugins import catalog, conflicts

    found = catalog(project)
    fine = [f"{plugin.name} {plugin.version}" for plugin in found.plugins if plugin.state == "ok"]
    own = any(plugin.name == "mlforge" and plugin.state == "ok" for plugin in found.plugins)
    yield Point("plugins", ", ".join(fine) or "none", "ok" if own else "missing", "" if own else "pip install --force-reinstall mlforge")
    for plugin in found.plugins:
        if plugin.state != "ok":
            yield Point(f"plugin {plugin.name}", f"{plugin.state}: {plugin.reason}", "note" if plugin.state == "blocked" else "warning")
    for line in conflicts(found.plugins):
        yield Point("conflict", line, "warning", "install what it requires, or another version of the plugin; pip check says the same")
    for clash in found.clashes:
        yield Point("clash", str(clash), "warning", "uninstall one, or name it in MLFORGE_BLOCK_PLUGINS")
