"""An unchanged recipe of nine stages run again; `dvc repro` of five unchanged stages beside it."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import adult
import peers
from race import Contender, race
from startup import MLFORGE


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        again = [MLFORGE, "run", "adult", f"source.path={adult.TRAIN}"]
        subprocess.run(again, cwd=folder, check=True, capture_output=True)
        told = subprocess.run(again, cwd=folder, check=True, capture_output=True, text=True).stdout
        assert "nothing to do" in told, told
        contenders = [Contender("mlforge run, unchanged", again, cwd=folder)]
        if peers.there("dvc"):
            contenders.append(Contender("dvc repro, 5 unchanged stages", [peers.command("dvc", "dvc"), "repro"], cwd=_dvc(folder / "dvc")))
        race("An unchanged run again", contenders, contenders[-1].name, rounds=9)


def _dvc(project: Path) -> Path:
    project.mkdir()
    (project / "params.yaml").write_text("lr: 0.001\n")
    stages = "stages:\n"
    for i in range(5):
        source = f"s{i - 1}.txt" if i else "params.yaml"
        stages += f"  s{i}:\n    cmd: cp {source} s{i}.txt\n    deps: [{source}]\n    outs: [s{i}.txt]\n"
    (project / "dvc.yaml").write_text(stages)
    dvc = peers.command("dvc", "dvc")
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    for arguments in (["init", "-q"], ["config", "core.analytics", "false"], ["repro", "-q"]):
        subprocess.run([dvc, *arguments], cwd=project, check=True, capture_output=True)
    return project


if __name__ == "__main__":
    main()
