"""Plugins made for the test at hand."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from mlforge.plugins import Catalog, PluginState, catalog
from mlforge.project import Project


class Workshop:
    """Builds plugins: modules of a project, or installed distributions on a path of their own."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.root = folder / "workshop"
        self.site = folder / "site"
        self.root.mkdir()
        self.site.mkdir()
        self._patch = patch
        patch.setattr("sys.path", sys.path[:])  # loading a local plugin's component adds to it
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        self.cache = folder / "cache" / "mlforge"

    def local(self, **modules: str) -> Project:
        """A project whose local plugins are these modules."""
        for name, text in modules.items():
            (self.root / f"{name}.py").write_text(dedent(text), encoding="utf-8")
        return Project(self.root, plugins=tuple(modules))

    def install(
        self, distribution: str, files: Mapping[str, str], version: str = "1.0", entry: str | None = None, module: str | None = None, requires: str = ""
    ) -> None:
        """A distribution as pip leaves it: modules, dist-info with metadata and entry points."""
        module = module or distribution.replace("-", "_")
        for path, text in files.items():
            target = self.site / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(dedent(text), encoding="utf-8")
        info = self.site / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n{f'Requires-Dist: {requires}{chr(10)}' if requires else ''}", encoding="utf-8"
        )
        (info / "entry_points.txt").write_text(f"[mlforge]\n{entry or module} = {module}\n", encoding="utf-8")
        self._patch.syspath_prepend(str(self.site))

    def catalog(self, project: Project | None = None) -> Catalog:
        """The catalog as a command would build it now."""
        return catalog(project or Project(self.root))

    def state(self, name: str, project: Project | None = None) -> PluginState:
        """What the catalog says of one plugin."""
        return next(plugin for plugin in self.catalog(project).plugins if plugin.name == name)


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    return Workshop(tmp_path, monkeypatch)
