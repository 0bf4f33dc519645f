"""What a sweep costs beside its trials: seconds a trivial trial, memory of the driver and of the workers, and one-epoch trials on Adult beside Optuna.

python benchmarks/sweeping.py trivial [TRIALS]      seconds a trial after the first, with the driver's memory along the way
python benchmarks/sweeping.py adult [FILE [TIMES]]  16 one-epoch trials, whole commands: mlforge on Ray Tune, and Optuna calling the same fit in a loop
python benchmarks/sweeping.py memory [MEGABYTES] what a worker holds of the rows that trials train on (default: 200), beyond what it holds without rows
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
ADULT = ROOT.parent / "shared" / "data" / "adult_train.csv"
MLFORGE = [sys.executable, "-P", "-c", "from mlforge.cli import main; main()"]

PLUGIN = """
from mlforge.hookspecs import hookimpl

@hookimpl
def mlforge_components():
    return {"trainer/idle": "idle.trainer:Idle"}
"""
TRAINER = '''
import json
from typing import ClassVar
from mlforge.components import Trainer

class Idle(Trainer):
    """Fits nothing."""

    fits: ClassVar[frozenset[str]] = frozenset({"network"})
    x: float = 0.5

    def fit(self, fitting):
        import polars as pl
        loss = (self.x - 0.3) ** 2
        (fitting.folder / "trained.json").write_text(json.dumps({"epochs": 1, "best_epoch": 1, "best_score": loss}))
        pl.DataFrame({"epoch": [1], "name": ["validation/loss"], "value": [loss]}).write_parquet(fitting.folder / "curves.parquet")
'''
RECIPE = """
mlforge: 1
defaults: [lifecycle, {source: csv}, {split: random}, {model: linear}, {trainer: idle}, {sweep: random}, _self_]
name: idle
source: {path: rows.csv}
contract: {columns: {a: {dtype: int}, up: {dtype: category, role: target}}}
sweep: {space: {x: {key: trainer.x, uniform: [0, 1]}}}
"""


def main() -> None:
    what, *rest = sys.argv[1:] or ["trivial"]
    with tempfile.TemporaryDirectory() as folder:
        if what == "trivial":
            trivial(Path(folder), int(rest[0]) if rest else 100)
        elif what == "adult":
            adult(Path(folder), Path(rest[0]) if rest else ADULT, int(rest[1]) if len(rest) > 1 else 3)
        elif what == "memory":
            memory(Path(folder), int(rest[0]) if rest else 200)
        else:
            sys.exit(__doc__)


def trivial(folder: Path, trials: int) -> None:
    (folder / "idle").mkdir()
    (folder / "recipes").mkdir()
    for name, text in {"mlforge.toml": 'plugins = ["idle"]\n', "idle/__init__.py": PLUGIN, "idle/trainer.py": TRAINER, "recipes/idle.yaml": RECIPE}.items():
        (folder / name).write_text(text)
    (folder / "rows.csv").write_text("a,up\n" + "".join(f"{i},{'yes' if i % 3 else 'no'}\n" for i in range(200)))
    command = subprocess.Popen([*MLFORGE, "run", "idle", f"sweep.trials={trials}"], cwd=folder, stdout=subprocess.DEVNULL)
    seen: list[tuple[int, float, float]] = []  # trials that are over, seconds, bytes
    while command.poll() is None:
        over = ended(folder)
        if over and (not seen or over > seen[-1][0]):
            seen.append((over, time.perf_counter(), resident(command.pid)))
        time.sleep(0.02)
    assert command.returncode == 0, "the sweep failed"
    first, last = next(one for one in seen if one[0] >= min(5, trials // 2)), seen[-1]
    print(f"{trials} trivial trials: {(last[1] - first[1]) / (last[0] - first[0]):.3f} s each after the start (aim: at most 0.15)")
    for share in (0.1, 0.5, 1.0):
        over, _, memory = next(one for one in seen if one[0] >= share * last[0])
        print(f"  driver after {over:5d} trials: {memory / 1e6:.0f} MB")


def ended(folder: Path) -> int:
    found = list((folder / ".mlforge" / "work").glob("*.tune.*/work/journal.jsonl"))
    try:
        return found[0].read_bytes().count(b'{"ended"') if found else 0
    except FileNotFoundError:
        return 0


def resident(pid: int) -> float:
    try:
        return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) * 1024
    except (OSError, TypeError):
        return 0.0


def adult(folder: Path, rows: Path, times: int) -> None:
    given = ["adult", f"source.path={rows}", "trainer.max_epochs=1", "trainer.threads=1"]
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run([*MLFORGE, "run", *given, "gates=null"], cwd=folder, check=False, env=env, stdout=subprocess.DEVNULL)  # what trials share is there for both
    ratios = []
    for again in range(times):
        seed = 100 + again
        space = "sweep.space={lr: {key: trainer.lr, loguniform: [1e-4, 1e-2]}, drop: {key: model.dropout, uniform: [0, 0.5]}}"
        options = ["gates=null", "exporters=null", "evaluators=null", "sweep=random", "sweep.trials=16", f"sweep.seed={seed}", space]
        ours = timed([*MLFORGE, "run", *given, *options], folder, env)
        theirs = timed([sys.executable, __file__, "optuna", str(seed), *given], folder, env)
        ratios.append(ours / theirs)
        print(f"  mlforge on Ray Tune {ours:.1f} s · Optuna in one process {theirs:.1f} s · ratio {ours / theirs:.2f}")
    print(f"16 one-epoch trials on Adult: {median(ratios):.2f} times Optuna in one process, Ray's start included (aim: at most 1.6)")


def memory(folder: Path, megabytes: int) -> None:
    """Two workers train on many rows, then on few: what each holds for itself, pages of files that all share left out, differs by what it has copied."""
    few, many = (held(folder / str(size), size * 1_000_000) for size in (1, megabytes))
    share = max(0, many - few) / (megabytes * 1e6)
    print(f"a worker of a sweep holds {few / 1e6:.0f} MB of its own with 1 MB of rows, {many / 1e6:.0f} MB with {megabytes} MB")
    print(f"it grows by {share:.1%} of the rows (aim: at most 10 %)")


def held(folder: Path, size: int) -> float:
    """The most that a worker held for itself while two of them trained on so many bytes of rows, in bytes."""
    import numpy as np
    import polars as pl
    import psutil

    (folder / "recipes").mkdir(parents=True)
    rng, columns = np.random.default_rng(0), [f"c{place}" for place in range(50)]
    rows = size // (4 * len(columns))
    table = pl.DataFrame({name: rng.integers(0, 1000, rows, dtype=np.int32) for name in columns})
    table.with_columns(up=pl.when(pl.col("c0") > 500).then(pl.lit("yes")).otherwise(pl.lit("no"))).write_parquet(folder / "rows.parquet")
    wide = ", ".join(f"{name}: {{dtype: int}}" for name in columns)
    recipe = RECIPE.replace("trainer: idle", "trainer: lightning").replace("source: csv", "source: parquet").replace("rows.csv", "rows.parquet")
    recipe = recipe.replace("{a: {dtype: int}, ", f"{{{wide}, ").replace("{key: trainer.x, uniform: [0, 1]}", "{key: trainer.lr, loguniform: [1e-4, 1e-2]}")
    (folder / "recipes" / "idle.yaml").write_text(recipe)
    words = ["sweep.trials=4", "sweep.concurrency=2", "trainer.max_epochs=1", "trainer.batch_size=4096", "trainer.threads=1", "trainer.accelerator=cpu"]
    command = subprocess.Popen([*MLFORGE, "run", "idle", *words], cwd=folder, stdout=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": "1"})
    most = 0
    while command.poll() is None:
        for process in psutil.Process(command.pid).children(recursive=True):
            try:
                if "Worker" in " ".join(process.cmdline()):
                    most = max(most, process.memory_full_info().uss)
            except psutil.Error:
                pass
        time.sleep(0.1)
    assert command.returncode == 0, "the sweep failed"
    return most


def timed(command: list[str], folder: Path, env: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, env=env, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def in_process(seed: int, given: list[str]) -> None:
    """Optuna calling the same fit, on the same tensors, in a loop: what a person would write."""
    import optuna

    from mlforge.artifact import Assignment, Encoding, Table
    from mlforge.components import Fitting
    from mlforge.lifecycle.assemble import assemble
    from mlforge.lifecycle.rows.encode import encode
    from mlforge.plugins import catalog
    from mlforge.project import Project
    from mlforge.recipe import compose
    from mlforge.store import Store

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    project = Project.find(Path.cwd())
    recipe = compose(given[0], given[1:], project, catalog(project))
    store = Store.open(None, project.state)
    outputs = {port: digest for step in assemble(recipe, store).plan() for port, digest in step.outputs.items()}
    kinds = (("table", Table), ("assignment", Assignment), ("encoding", Encoding))
    table, assignment, encoding = (kind(store.artifacts.path(outputs[port])) for port, kind in kinds)
    with tempfile.TemporaryDirectory() as folder:
        parts = {part: encode(part, table, assignment, encoding, recipe.kept, Path(folder), lambda done: None) for part in ("train", "validation")}

        def objective(trial: optuna.Trial) -> float:
            model = recipe.sections["model"].model_copy(update={"dropout": trial.suggest_float("drop", 0, 0.5)})
            trainer = recipe.sections["trainer"].model_copy(update={"lr": trial.suggest_float("lr", 1e-4, 1e-2, log=True)})
            home = Path(folder) / str(trial.number)
            (home / "work").mkdir(parents=True)
            trainer.fit(Fitting(
                model=model, blocks=encoding.blocks, output=encoding.output, train=parts["train"], validation=parts["validation"], seed=recipe.seed,
                folder=home, work=home / "work", smoke=False, progress=lambda done, total, note: None, find=lambda finding: None,
            ))  # fmt: skip
            return float(json.loads((home / "trained.json").read_text())["best_score"])

        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
        study.optimize(objective, n_trials=16)


if __name__ == "__main__":
    if sys.argv[1:2] == ["optuna"]:
        in_process(int(sys.argv[2]), sys.argv[3:])
    else:
        main()
