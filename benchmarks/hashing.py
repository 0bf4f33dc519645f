"""Fingerprint of a folder of 10,000 small files and one of 5 GB, beside `dvc add` of the same; then both again, with nothing changed.

`python benchmarks/hashing.py [GIGABYTES]` (5). `dvc add` also takes the files into its
cache, by hard links here, which is its cheapest way on a disk without reflinks.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from peers import PEERS
from race import Contender, race
from startup import MLFORGE

FINGERPRINT = "import sys; from mlforge.builtin.sources.files import content_digest, found; print(content_digest(found(sys.argv[1] + '/**/*')))"


def main(gigabytes: float = 5) -> None:
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_TMP")) as name:
        folder = Path(name)
        data, cache = folder / "data", folder / "cache"
        _write(data, gigabytes)
        python = str(Path(MLFORGE).with_name("python"))
        ours = [python, "-c", FINGERPRINT, str(data)]
        env = {"XDG_CACHE_HOME": str(cache)}
        dvc = PEERS / "dvc" / "bin" / "dvc"
        there = dvc.exists()
        if there:
            for command in (["init", "--no-scm", "-q"], ["config", "cache.type", "hardlink"], ["config", "core.analytics", "false"]):
                subprocess.run([dvc, *command], cwd=folder, check=True)
        theirs = [str(dvc), "add", "-q", "data"]

        def forget() -> None:
            shutil.rmtree(cache, ignore_errors=True)

        def forget_theirs() -> None:
            _write(data, gigabytes)  # dvc has made links of them, which it would know again
            for path in (folder / ".dvc" / "cache", folder / ".dvc" / "tmp", folder / "data.dvc"):
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)

        for title, ours_before, theirs_before in (("for the first time", forget, forget_theirs), ("unchanged", _nothing, _nothing)):
            contenders = [Contender("mlforge, fingerprint", ours, cwd=folder, env=env, before=ours_before)]
            contenders += [Contender("dvc add", theirs, cwd=folder, before=theirs_before)] * there
            race(f"10,000 small files and {gigabytes:g} GB, {title}", contenders, contenders[0].name, rounds=2)


_nothing: Callable[[], None] = lambda: None  # noqa: E731


def _write(folder: Path, gigabytes: float) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for number in range(10_000):
        path = folder / f"{number % 100:02d}" / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"file {number}\n" * (50 + number % 100))
    block = os.urandom(1 << 24)
    with (folder / "large.bin").open("wb") as file:
        for number in range(int(gigabytes * 1e9) >> 24):
            file.write(number.to_bytes(8, "big") + block[8:])
    past = 1_600_000_000  # at rest: what changed a moment ago is read again
    for path in folder.rglob("*"):
        os.utime(path, (past, past))


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
