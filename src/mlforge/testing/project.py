"""The `project` fixture: a folder with recipes and files, and the command line run in it.

In a plugin's `conftest.py`:

    from mlforge.testing.project import isolated_cache, project  # noqa: F401
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

__all__ = ["Outcome", "TestProject", "isolated_cache", "project"]


@dataclass(frozen=True)
class Outcome:
    """How one command ended."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Everything that was printed, stdout first."""
        return self.out + self.err

    @property
    def json(self) -> Any:
        """What a command with `--json` printed."""
        return json.loads(self.out)


@dataclass
class TestProject:
    """A project in a temporary folder."""

    __test__ = False  # a thing for tests, not a test

    root: Path
    env: dict[str, str] = field(default_factory=dict)  # added to the environment of every command
    timeout: float = 300.0

    def write(self, files: Mapping[str, str] | None = None, /, **recipes: str) -> TestProject:
        """Write files by path, and recipes by name; texts may be indented as suits the test."""
        named = {f"recipes/{name}.yaml": text for name, text in recipes.items()}
        for path, text in {**(files or {}), **named}.items():
            target = self.root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        return self

    def command(self, *arguments: str | Path, cwd: Path | None = None, **env: str) -> Outcome:
        """Run `mlforge` in a process of its own: what a user gets."""
        done = subprocess.run(
            [sys.executable, "-P", "-c", "from mlforge.cli import main; main()", *map(str, arguments)],
            cwd=cwd or self.root, env={**os.environ, **self.env, **env}, capture_output=True, text=True, timeout=self.timeout, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return Outcome(done.returncode, done.stdout, done.stderr)

    def run(self, *arguments: str | Path, **env: str) -> Outcome:
        """Run `mlforge` within this process, which is faster: same exit code, same output."""
        out, err = StringIO(), StringIO()
        return Outcome(self.into(out, err, *arguments, **env), out.getvalue(), err.getvalue())

    def into(self, out: StringIO, err: StringIO, *arguments: str | Path, **env: str) -> int:
        """As `run`, with what is printed going there: into the same for both, it stands in the order in which it came. The exit code."""
        from mlforge import secrets
        from mlforge.cli.entry import run

        path = sys.path[:]
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.chdir(self.root)
            for name, value in {**self.env, **env}.items():
                patch.setenv(name, value)
            try:
                return run([str(argument) for argument in arguments])
            finally:
                secrets.forget()
                sys.path[:] = path
                self._forget_modules()

    def _forget_modules(self) -> None:
        """A module of this project must not be found by the next project's test."""
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if isinstance(file, str) and Path(file).is_relative_to(self.root):
                del sys.modules[name]


@pytest.fixture
def project(tmp_path: Path, isolated_cache: Path) -> TestProject:
    """An empty project; its cache is the test session's own."""
    root = tmp_path / "project"
    root.mkdir()
    return TestProject(root)


@pytest.fixture(scope="session", autouse=True)
def isolated_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache folder for the session, so that tests neither use nor fill the user's."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder
