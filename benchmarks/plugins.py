"""What thirty installed plugins cost a command that uses none of them: help, a check, building the index, and the hooks around a stage."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from timeit import timeit

from race import Contender, race

MLFORGE = str(Path(sys.executable).with_name("mlforge"))
COUNT, HEAVY, WRAPPERS = 30, 10, 10
MODULE = """
from mlforge.hookspecs import hookimpl

@hookimpl
def mlforge_components():
    return {{"model/{name}": "{name}.model:Model{n}", "source/{name}": "{name}.model:Source{n}"}}
"""
COMPONENT = """
{imports}
from mlforge.components import Model, Source

class Model{n}(Model):
    '''Model {n}.'''
    def build(self, blocks, output):
        raise NotImplementedError

class Source{n}(Source):
    '''Source {n}.'''
    def fingerprint(self):
        return ""
    def scan(self):
        raise NotImplementedError
"""
WRAPPER = """
from mlforge.hookspecs import hookimpl

@hookimpl(wrapper=True)
def mlforge_run_stage(name):
    return (yield)

@hookimpl
def mlforge_findings(findings):
    pass
"""
BLOCKED = {"MLFORGE_BLOCK_PLUGINS": ",".join(path.name for path in (Path(__file__).parents[1] / "plugins").iterdir())}


def install(site: Path) -> None:
    """Thirty distributions, of which ten import torch in the module of their components."""
    for n in range(COUNT):
        name = f"crowd_{n}"
        (site / name / "conf" / "model").mkdir(parents=True)
        (site / name / "__init__.py").write_text(MODULE.format(name=name, n=n))
        (site / name / "model.py").write_text(COMPONENT.format(imports="import torch" if n < HEAVY else "", n=n))
        (site / name / "conf" / "model" / f"{name}_fast.yaml").write_text(f"# Fast.\ndefaults: [{name}, _self_]\n")
        info = site / f"crowd_{n}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: crowd-{n}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[mlforge]\n{name} = {name}\n")


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder, site = Path(scratch), Path(scratch, "site")
        for name in ("site", "empty", "cache", "cache-none"):
            (folder / name).mkdir()
        install(site)
        none = {**BLOCKED, "PYTHONPATH": str(folder / "empty"), "XDG_CACHE_HOME": str(folder / "cache-none")}
        thirty = {**BLOCKED, "PYTHONPATH": str(site), "XDG_CACHE_HOME": str(folder / "cache")}
        index(folder, none, thirty)
        for title, arguments in (
            ("Help", ["--help"]),
            ("A check", ["check", "breast_cancer"]),
            ("TAB", ["completion", "--words", "--", "check", "adult", "trainer.ma"]),
        ):
            contenders = [Contender(name, [MLFORGE, *arguments], folder, env) for name, env in (("no plugin", none), (f"{COUNT} plugins", thirty))]
            race(title, contenders, "no plugin", rounds=9, warmup=2)
        hooks(folder)


def index(folder: Path, none: dict[str, str], thirty: dict[str, str]) -> None:
    """The first command after thirty plugins were installed, and the second."""

    def seconds(env: dict[str, str]) -> float:
        began = time.perf_counter()
        subprocess.run([MLFORGE, "--version" if env is none else "plugins"], cwd=folder, env={**os.environ, **env}, check=True, capture_output=True)
        return time.perf_counter() - began

    seconds(none)  # bytecode
    first, second = seconds(thirty), seconds(thirty)
    print(f"\n### The index of {COUNT} plugins\n\n| what | s |\n|---|---|")
    print(f"| first command | {first:.2f} |\n| second command | {second:.2f} |\n| per plugin, in parallel | {(first - second) / COUNT:.3f} |")


def hooks(folder: Path) -> None:
    """Calling the hooks around one stage, with ten plugins that wrap it and look at its findings."""
    from mlforge.plugins import catalog
    from mlforge.plugins import hooks as load
    from mlforge.project import Project

    os.environ |= {**BLOCKED, "XDG_CACHE_HOME": str(folder / "cache-hooks")}
    names = [f"watcher_{n}" for n in range(WRAPPERS)]
    for name in names:
        (folder / f"{name}.py").write_text(WRAPPER)
    print("\n### Hooks around a stage\n\n| plugins that wrap it | ms |\n|---|---|")
    for count in (0, WRAPPERS):
        project = Project(folder, plugins=tuple(names[:count]))
        loaded = load(project, catalog(project))

        def stage(loaded: object = loaded) -> None:
            loaded.run_stage(None, "train", None, "run", lambda: None)  # type: ignore[attr-defined]
            loaded.findings("run", "train", [], {}, False)  # type: ignore[attr-defined]

        print(f"| {count} | {timeit(stage, number=1000):.3f} |")


if __name__ == "__main__":
    main()
