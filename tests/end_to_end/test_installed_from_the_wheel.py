"""The wheel in empty environments: with all extras a recipe runs from an empty folder; without any, one checks, plans, shows and predicts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.end_to_end.test_shipped_recipes import RECIPES

REPOSITORY = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@dataclass(frozen=True)
class Environment:
    """A virtual environment with mlforge in it, and nothing of this repository in its sight."""

    folder: Path

    def mlforge(self, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The installed command."""
        return self._call(cwd, self.folder / "bin" / "mlforge", *arguments)

    def python(self, cwd: Path, code: str) -> str:
        """What a line of Python prints there."""
        return self._call(cwd, self.folder / "bin" / "python", "-c", code).stdout.strip()

    def _call(self, cwd: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | {"XDG_CACHE_HOME": str(self.folder / "cache")}
        return subprocess.run([*map(str, command)], cwd=cwd, env=env, capture_output=True, text=True, timeout=600, check=False)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as for publishing."""
    folder = tmp_path_factory.mktemp("dist")
    _pip(Path(sys.executable), "wheel", "--no-deps", "--wheel-dir", str(folder), str(REPOSITORY))
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def full(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with every extra."""
    return _installed(tmp_path_factory.mktemp("full"), f"{wheel}[all]")


@pytest.fixture(scope="module")
def base(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment without any extra: a serving machine's."""
    return _installed(tmp_path_factory.mktemp("base"), str(wheel))


@pytest.fixture(scope="module")
def demo(full: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder in which the demo was run."""
    folder = tmp_path_factory.mktemp("empty")
    done = full.mlforge(folder, "run", "breast_cancer")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_the_wheel_carries_every_recipe_and_preset(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"mlforge/builtin/recipes/{recipe}.yaml" for recipe in RECIPES} <= names
    presets = {path.relative_to(REPOSITORY).as_posix() for path in (REPOSITORY / "conf").rglob("*.yaml")}
    assert {f"mlforge/builtin/{preset}" for preset in presets} <= names
    assert any(name.endswith("py.typed") for name in names)
    assert not [name for name in names if name.startswith(("tests/", "docs/"))]


def test_with_all_extras_the_demo_ends_with_a_registered_model(full: Environment, demo: Path) -> None:
    assert full.mlforge(demo, "models").stdout.startswith("breast_cancer")
    assert str(REPOSITORY) not in full.python(demo, "import mlforge; print(mlforge.__file__)")
    again = full.mlforge(demo, "run", "breast_cancer")
    assert again.returncode == 0, again.stderr
    assert "nothing to do" in again.stdout


def test_without_extras_there_is_no_torch(base: Environment, tmp_path: Path) -> None:
    found = "from importlib.util import find_spec; print([n for n in ('torch', 'pytorch_lightning', 'sklearn', 'onnx', 'ray') if find_spec(n)])"
    assert base.python(tmp_path, found) == "[]"


@pytest.mark.parametrize("verb", ["check", "plan", "show"])
@pytest.mark.parametrize("recipe", RECIPES)
def test_without_extras_recipes_are_checked_planned_and_shown(base: Environment, tmp_path: Path, verb: str, recipe: str) -> None:
    (tmp_path / "adult.csv").write_text("age\n1\n")
    done = base.mlforge(tmp_path, verb, recipe, *(["source.path=adult.csv"] if recipe.startswith("adult") else []))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_without_extras_run_says_what_to_install(base: Environment, tmp_path: Path) -> None:
    done = base.mlforge(tmp_path, "run", "breast_cancer")
    assert done.returncode == 5, done.stdout + done.stderr
    assert "pip install 'mlforge[" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / ".mlforge").rglob("manifest.json")), "nothing ran"


def test_without_extras_a_copied_store_predicts_as_it_did_where_it_was_trained(full: Environment, base: Environment, demo: Path, tmp_path: Path) -> None:
    source = (
        "from sklearn.datasets import load_breast_cancer as f; import polars as pl; d = f(); pl.DataFrame(d.data, list(d.feature_names)).write_csv('new.csv')"
    )
    full.python(demo, source)
    served = Path(shutil.copytree(demo, tmp_path / "served"))
    said = []
    for environment, folder in ((full, demo), (base, served)):
        done = environment.mlforge(folder, "predict", "breast_cancer", "--source", "new.csv", "--sink", "out.csv")
        assert done.returncode == 0, done.stdout + done.stderr
        said.append((folder / "out.csv").read_bytes())
    assert said[0] == said[1]
    assert said[0].count(b"\n") == 570


def _installed(folder: Path, what: str) -> Environment:
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    _pip(folder / "bin" / "python", "install", "-c", str(REPOSITORY / "constraints.txt"), what)
    return Environment(folder)


def _pip(python: Path, *arguments: str) -> None:
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")}
    done = subprocess.run([str(python), "-m", "pip", "-q", *arguments], env=env, capture_output=True, text=True, timeout=1500, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
