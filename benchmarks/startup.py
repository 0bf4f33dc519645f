"""How long a person waits for help, for a check and for the answer to a misspelt key; peers doing the nearest thing beside it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import peers
from race import Contender, race

MLFORGE = str(Path(sys.executable).with_name("mlforge"))
HYDRA_APP = """
import hydra
@hydra.main(version_base="1.3", config_path=".", config_name="config")
def app(cfg): pass
app()
"""
LIGHTNING = """
from pytorch_lightning.cli import LightningCLI
from pytorch_lightning.demos.boring_classes import BoringModel, BoringDataModule
LightningCLI(BoringModel, BoringDataModule)
"""
LUDWIG = "input_features: [{name: a, type: number}]\noutput_features: [{name: b, type: binary}]\ntrainer: {epochs: 3}\n"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder))


def run(folder: Path) -> None:
    (folder / "config.yaml").write_text("lr: 0.1\nepochs: 3\n")
    (folder / "app.py").write_text(HYDRA_APP)
    (folder / "lightning.py").write_text(LIGHTNING)
    (folder / "ludwig.yaml").write_text(LUDWIG)
    here = {"cwd": folder}
    helps = [Contender("python -c pass", [sys.executable, "-c", "pass"]), Contender("mlforge --help", [MLFORGE, "--help"], **here)]
    checks = [
        Contender("mlforge check", [MLFORGE, "check", "breast_cancer"], **here),
        Contender("mlforge check, misspelt key", [MLFORGE, "check", "breast_cancer", "trainer.max_epohcs=3"], wanted=2, **here),
    ]
    if peers.there("core"):
        hydra = [peers.python("core"), "app.py"]
        helps.append(Contender("Hydra app --help", [*hydra, "--help"], **here))
        checks += [Contender("Hydra app", hydra, **here), Contender("Hydra app, misspelt key", [*hydra, "epoch=3"], wanted=1, **here)]
        lightning = [peers.python("core"), "lightning.py", "fit"]
        checks += [
            Contender("LightningCLI --print_config", [*lightning, "--print_config"], **here),
            Contender("LightningCLI, misspelt key", [*lightning, "--trainer.max_epohcs=3"], wanted=2, **here),
        ]
    helps += [Contender(f"{peer} --help", [peers.command(peer, peer), "--help"], **here) for peer in ("dvc", "kedro", "zenml") if peers.there(peer)]
    if peers.there("dvc"):
        project = folder / "dvc"
        project.mkdir()
        (project / "dvc.yaml").write_text("stages:\n  one:\n    cmd: echo\n    dep: [x]\n")
        subprocess.run(["git", "init", "-q"], cwd=project, check=True)
        subprocess.run([peers.command("dvc", "dvc"), "init", "-q"], cwd=project, check=True, capture_output=True)
        checks.append(Contender("dvc stage list, misspelt key", [peers.command("dvc", "dvc"), "stage", "list"], cwd=project, wanted=255))
    if peers.there("ludwig"):
        checks.append(Contender("ludwig render_config", [peers.command("ludwig", "ludwig"), "render_config", "-c", "ludwig.yaml"], **here))
    race("Help", helps, "mlforge --help")
    race("Checking a configuration", checks, "mlforge check", rounds=3)


if __name__ == "__main__":
    main()
