"""A plugin from `plugins new` to a stranger's recipe: written, built, installed with pip into an empty environment, used from an unrelated folder, removed."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
RECIPE = """\
# Rows of somebody else's plugin.
mlforge: 1
requires: [mlforge-orbital>=0.1]
defaults: [lifecycle, source: orbital_variant, split: random, _self_]
name: mine
contract: {columns: {x: {dtype: float}, y: {dtype: float}, ring: {dtype: category, role: target}}}
"""
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def _call(cwd: Path, *command: str | Path, cache: Path | None = None) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MLFORGE_"))}
    if cache is not None:
        env["XDG_CACHE_HOME"] = str(cache)
    return subprocess.run([*map(str, command)], cwd=cwd, env=env, capture_output=True, text=True, timeout=900, check=False)


def _wheel(folder: Path, into: Path) -> Path:
    done = _call(folder, sys.executable, "-m", "pip", "-q", "wheel", "--no-deps", "--wheel-dir", into, folder)
    assert done.returncode == 0, done.stderr[-3000:]
    return max(into.glob("*.whl"), key=lambda path: path.stat().st_mtime_ns)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty environment with mlforge's wheel."""
    folder, wheels = tmp_path_factory.mktemp("environment"), tmp_path_factory.mktemp("wheels")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    done = _call(folder, folder / "bin/python", "-m", "pip", "-q", "install", "-c", REPOSITORY / "constraints.txt", _wheel(REPOSITORY, wheels))
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def test_a_published_plugin_is_used_from_anywhere_and_missed_when_it_is_gone(environment: Path, tmp_path: Path) -> None:
    def mlforge(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        return _call(cwd, environment / "bin/mlforge", *arguments, cache=tmp_path / "cache")

    authors, users = tmp_path / "authors", tmp_path / "users"
    (users / "recipes").mkdir(parents=True)
    authors.mkdir()
    (users / "recipes/mine.yaml").write_text(RECIPE)
    before = mlforge(users, "check", "mine")
    assert before.returncode == 5
    assert before.stderr.endswith("which is not installed: pip install 'mlforge-orbital>=0.1'\n")

    made = mlforge(authors, "plugins", "new", "mlforge-orbital", "--kind", "source")
    assert made.returncode == 0, made.stderr
    wheel = _wheel(authors / "mlforge-orbital", tmp_path)
    names = zipfile.ZipFile(wheel).namelist()
    assert {"mlforge_orbital/py.typed", "mlforge_orbital/conf/source/orbital_variant.yaml", "mlforge_orbital/recipes/orbital_demo.yaml"} <= set(names)
    done = _call(tmp_path, environment / "bin/python", "-m", "pip", "-q", "install", wheel)
    assert done.returncode == 0, done.stderr[-3000:]

    assert "mlforge-orbital  0.1.0    1    1" in mlforge(users, "plugins").stdout
    assert "orbital          mlforge-orbital 0.1.0" in mlforge(users, "ls", "source").stdout
    assert "orbital_demo" in mlforge(users, "ls", "recipes").stdout
    assert mlforge(users, "check", "orbital_demo").returncode == 0
    assert mlforge(users, "cp", "orbital_demo", "theirs").returncode == 0
    assert mlforge(users, "check", "theirs").stdout.startswith("theirs is fine")
    done = mlforge(users, "run", "mine")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "600 rows" in done.stdout
    assert "nothing to do" in mlforge(users, "run", "mine").stdout.lower()

    assert _call(tmp_path, environment / "bin/python", "-m", "pip", "-q", "uninstall", "-y", "mlforge-orbital").returncode == 0
    (users / "recipes/mine.yaml").write_text(RECIPE.replace("requires: [mlforge-orbital>=0.1]\n", "").replace("orbital_variant", "orbital"))
    after = mlforge(users, "check", "mine")
    assert after.returncode == 5
    assert "source orbital comes with mlforge-orbital, which is not installed: pip install mlforge-orbital" in after.stderr
    assert mlforge(users, "check", "breast_cancer").returncode == 0
    assert mlforge(users, "--help").returncode == 0
