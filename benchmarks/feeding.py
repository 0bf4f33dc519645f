"""Training from rows in memory-mapped files, in a process that may use less memory than they have, against the same rows in memory.

The limit is a cgroup's, so it counts the pages of files too (root, or a delegated cgroup, is needed). Rows are shuffled within an eighth of the limit.

    python benchmarks/feeding.py --gigabytes 2 --limit 1.2
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

WIDTH = 256  # numbers of a row: 1 KB


def write(folder: Path, rows: int) -> None:
    """Rows as the stage `train` leaves them."""
    draw = np.random.default_rng(0)
    block = np.lib.format.open_memmap(folder / "block.npy", "w+", "float32", (rows, WIDTH))
    target = np.lib.format.open_memmap(folder / "target.npy", "w+", "int64", (rows,))
    for start in range(0, rows, 8192):
        some = draw.normal(size=(min(8192, rows - start), WIDTH)).astype(np.float32)
        block[start : start + len(some)], target[start : start + len(some)] = some, some[:, 0] > 0
    block.flush()
    target.flush()


def fit(folder: Path, mapped: bool, within: int, workers: int) -> None:
    """One epoch; prints what it found."""
    from mlforge.artifact import Block
    from mlforge.builtin.models.mlp import Mlp
    from mlforge.builtin.trainers.lightning import Lightning
    from mlforge.components import Fitting, Tensors
    from mlforge.finding import Finding
    from mlforge.task import Output

    block, target = (np.load(folder / f"{name}.npy", mmap_mode="r" if mapped else None) for name in ("block", "target"))
    rows, found = Tensors((block,), target), list[Finding]()
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / part for part in ("out", "work")]
        for one in folders:
            one.mkdir()
        output, blocks = Output("classes", "y", (0, 1)), (Block("numbers", "float32", WIDTH),)
        few = Tensors((np.asarray(block[:2048]),), np.asarray(target[:2048]))
        trainer = Lightning(max_epochs=1, batch_size=1024, accelerator="cpu", threads=1, shuffle_within=within, workers=workers, checkpoint_every=3600.0)
        trainer.fit(Fitting(Mlp(hidden=(64,)), blocks, output, rows, few, 0, *folders, smoke=False, progress=lambda *_: None, find=found.append))
    print(json.dumps({finding.name: finding.value for finding in found}))


def main() -> None:
    """Race both in turn."""
    from mlforge.testing.memory import run_limited

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--limit", type=float, default=1.2, help="GB that the process with mapped rows may use; torch alone takes 0.4")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--child", nargs=2, metavar=("FOLDER", "MAPPED"))
    chosen = parser.parse_args()
    within = int(chosen.limit * 1e9 / 8)
    if chosen.child:
        fit(Path(chosen.child[0]), chosen.child[1] == "mapped", within, chosen.workers)
        return
    with tempfile.TemporaryDirectory(dir=".") as name:
        write(Path(name), int(chosen.gigabytes * 1e9 / (4 * WIDTH)))
        command = [sys.executable, __file__, "--limit", str(chosen.limit), "--workers", str(chosen.workers), "--child", name]
        speeds: dict[str, list[float]] = {"memory": [], "mapped": []}
        most = 0
        for _ in range(chosen.rounds):
            there = subprocess.run([*command, "memory"], capture_output=True, text=True, check=True)
            done, used = run_limited([*command, "mapped"], int(chosen.limit * 1e9))
            if done.returncode:
                sys.exit(f"under the limit it ended with {done.returncode}: {done.stderr[-2000:]}")
            most = max(most, used)
            for kind, out in (("memory", there.stdout), ("mapped", done.stdout)):
                speeds[kind].append(json.loads(out.splitlines()[-1])["train/rows_per_second"])
    print(f"\n### Feeding {chosen.gigabytes:g} GB of rows; with files under a limit of {chosen.limit:g} GB, of which at most {most / 1e9:.3g} GB were used\n")
    print("| rows | rows/s |\n|---|---|")
    for kind, label in (("memory", "in memory, no limit"), ("mapped", "memory-mapped, limited")):
        print(f"| {label} | {statistics.median(speeds[kind]):,.0f} |")
    ratio = statistics.median(mapped / memory for mapped, memory in zip(speeds["mapped"], speeds["memory"], strict=True))
    print(f"\nmapped and limited ÷ in memory: {ratio:.2f}")


if __name__ == "__main__":
    main()
