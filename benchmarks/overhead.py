"""What the kernel adds to a stage that does nothing: key, lock, draft, publish with fsync, records."""

from __future__ import annotations

import statistics
import tempfile
import time
from itertools import pairwise
from pathlib import Path

STAGES = 20
PLUGIN = """
from mlforge.hookspecs import hookimpl


@hookimpl
def mlforge_components():
    return {f"stages/idle{i}": f"idle.stages:Idle{i}" for i in range(STAGES)}
"""
STAGE = """
class Idle{i}(Stage):
    \"\"\"Does nothing.\"\"\"

    needs: ClassVar = ("source", "contract")
    inputs: ClassVar = {{}}
    outputs: ClassVar = {{"idle{i}": Artifact}}

    def run(self, job):
        (job.draft("idle{i}") / "empty.txt").write_text("{i}")

"""
RECIPE = """
mlforge: 1
defaults: [lifecycle, {source: sample}, _self_]
name: idle
task: classification
source: {name: wine}
contract: {extra: drop, columns: {target: {dtype: category, role: target}}}
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "idle").mkdir()
        (folder / "recipes").mkdir()
        (folder / "idle" / "__init__.py").write_text(f"STAGES = {STAGES}\n{PLUGIN}")
        head = "from typing import ClassVar\nfrom mlforge.artifact import Artifact\nfrom mlforge.components import Stage\n\n\n"
        (folder / "idle" / "stages.py").write_text(head + "\n".join(STAGE.format(i=i) for i in range(STAGES)))
        (folder / "mlforge.toml").write_text('plugins = ["idle"]\n')
        (folder / "recipes" / "idle.yaml").write_text(RECIPE)
        _measure(folder)


def _measure(folder: Path) -> None:
    from mlforge.lifecycle.assemble import assemble
    from mlforge.lifecycle.engine import Engine
    from mlforge.plugins import catalog, hooks
    from mlforge.project import Project
    from mlforge.recipe import compose
    from mlforge.store import Store

    project = Project.find(folder)
    table = catalog(project)
    lifecycle = assemble(compose("idle", [], project, table), Store.open(None, project.state))
    times: list[float] = []

    class Clock:
        """Notes when each idle stage is over."""

        def begun(self, recipe: str, run: str, stages: tuple[str, ...]) -> None: ...
        def reused_stage(self, step: object) -> None: ...
        def started(self, step: object) -> None: ...
        def progressed(self, step: object, done: float, total: float, note: str) -> None: ...
        def finished(self, step: object, seconds: float, text: str) -> None:
            times.append(time.perf_counter())

    Engine(lifecycle, hooks(project, table), Clock()).run()  # type: ignore[arg-type]
    each = sorted(after - before for before, after in pairwise(times))
    disk = _fsync(folder)
    print("\n### A stage that does nothing\n")
    print("| what | ms |\n|---|---|")
    print(f"| median of {len(each)} | {1000 * statistics.median(each):.1f} |\n| slowest | {1000 * each[-1]:.1f} |\n| one fsync here | {1000 * disk:.1f} |")


def _fsync(folder: Path) -> float:
    import os

    seen = []
    for i in range(20):
        with (folder / f"sync{i}").open("w") as file:
            file.write("x")
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            seen.append(time.perf_counter() - began)
    return statistics.median(seen)


if __name__ == "__main__":
    main()
