"""A bench: a project in a temporary folder, in which recipes are composed in this process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from mlforge import secrets
from mlforge.errors import Problem, RecipeError
from mlforge.plugins import Catalog, Folder, Provided, catalog
from mlforge.project import Project
from mlforge.recipe import Recipe, compose

ROOT = Path(__file__).resolve().parents[2]

SMALL = """
    mlforge: 1
    defaults: [lifecycle, {source: csv}, {split: random}, {model: mlp}, {trainer: lightning}, _self_]
    name: small
    source: {path: rows.csv}
    contract: {columns: {x: {dtype: float}, y: {dtype: category, role: target}}}
    """


@dataclass
class Bench:
    """A project, and what composes recipes in it."""

    project: Project
    catalog: Catalog

    def write(self, files: Mapping[str, str] | None = None, /, **recipes: str) -> None:
        """Write files by path, and recipes by name."""
        for path, text in {**(files or {}), **{f"recipes/{name}.yaml": text for name, text in recipes.items()}}.items():
            target = self.project.root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(dedent(text).lstrip("\n"), encoding="utf-8")

    def compose(self, reference: str, *overrides: str) -> Recipe:
        """The recipe."""
        return compose(reference, overrides, self.project, self.catalog)

    def problems(self, reference: str, *overrides: str) -> tuple[Problem, ...]:
        """What is wrong with it."""
        with pytest.raises(RecipeError) as caught:
            self.compose(reference, *overrides)
        return caught.value.problems

    def problem(self, reference: str, *overrides: str) -> Problem:
        """The only thing that is wrong with it."""
        problems = self.problems(reference, *overrides)
        assert len(problems) == 1, "\n".join(map(str, problems))
        return problems[0]

    def configured(self, **settings: tuple[str, ...] | tuple[Path, ...]) -> None:
        """Give the project other settings."""
        self.project = Project(self.project.root, **settings)  # type: ignore[arg-type]

    def with_plugin(self, name: str, components: Mapping[str, str], folder: Path | None = None) -> None:
        """Add what a plugin called `name` would provide: references by "section/option", and its folders."""
        more = tuple(Provided(*key.split("/"), reference, name, "1.0") for key, reference in components.items())  # type: ignore[call-arg]
        folders = [Folder(name, "1.0", folder / "conf", folder / "recipes")] if folder else []
        self.catalog = Catalog((*more, *self.catalog.provided), self.catalog.plugins, (*folders, *self.catalog.folders), self.catalog.imports)


@pytest.fixture(scope="session")
def shipped(isolated_cache: object) -> Catalog:
    """Everything that mlforge itself provides."""
    return catalog(Project(ROOT))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shipped: Catalog) -> Iterator[Bench]:
    """A bench with a small recipe called `small`."""
    monkeypatch.chdir(tmp_path)
    made = Bench(Project(tmp_path), shipped)
    made.write({"rows.csv": "x,y\n1,a\n2,b\n"}, small=SMALL)
    yield made
    secrets.forget()
