from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

CHECK = """
import sys
from pathlib import Path
from mlforge.plugins import catalog
from mlforge.project import Project
from mlforge.recipe import compose
project = Project.find(Path.cwd())
recipe = compose("adult", {overrides}, project, catalog(project))
print(recipe.name, *(name for name in {heavy} if name in sys.modules))
"""


def printed(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.split()


@pytest.mark.parametrize("overrides", [["source.path=rows.csv"], ["source.path=rows.csv", "model=linear", "trainer.max_epochs=3", "gates=[baseline]"]])
def test_composing_and_checking_imports_nothing_heavy(overrides: list[str]) -> None:
    heavy = ["torch", "polars", "pytorch_lightning", "ray", "pandas", "pandera", "sklearn", "onnxruntime", "sqlalchemy"]
    done = subprocess.run(
        [sys.executable, "-c", CHECK.format(overrides=overrides, heavy=heavy)], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["adult"]
