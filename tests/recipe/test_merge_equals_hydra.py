"""Our merge, which keeps origins, gives the same values as Hydra's own compose()."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.object_type import ObjectType
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigResult, ConfigSource
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import OmegaConf

from mlforge.plugins import Catalog
from mlforge.project import Project
from mlforge.recipe.composer import composed
from mlforge.recipe.library import Library
from mlforge.recipe.lineage import Lineage
from mlforge.recipe.order import Listing
from mlforge.recipe.overrides import Overrides
from mlforge.sections import SECTIONS

ROOT = Path(__file__).resolve().parents[2]


class Shelved(ConfigSource):  # type: ignore[misc]
    """The library as a source of Hydra's own: files with their contents, components as `{use: option}`."""

    listing: Listing

    @staticmethod
    def scheme() -> str:
        return "mlforge"

    def available(self) -> bool:
        return True

    def load_config(self, config_path: str) -> ConfigResult:
        name = config_path.removesuffix(".yaml")
        section, _, option = name.rpartition("/")
        library = self.listing.library
        document = library.preset(section, option) if section else library.recipe(name)
        body: Any = document.body.plain() if document else {"use": option}
        defaults = [_item(item) for item in self.listing.defaults(name)] if document else []
        content = OmegaConf.create({**({"defaults": defaults} if defaults else {}), **body})
        return ConfigResult("mlforge", config_path, content, {"package": self.listing.package(name)})

    def is_group(self, config_path: str) -> bool:
        return config_path in ("", *SECTIONS)

    def is_config(self, config_path: str) -> bool:
        return self.listing.has(config_path.removesuffix(".yaml"))

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        return self.listing.library.options(config_path)


class Search(SearchPathPlugin):  # type: ignore[misc]
    def manipulate_search_path(self, search_path: Any) -> None:
        search_path.append("mlforge", "mlforge://")


def _item(item: Any) -> Any:
    group = getattr(item, "group", None)
    return {group: item.value} if group else item.path + ("@_here_" if item.package == "" else "")


@pytest.fixture(scope="module", autouse=True)
def _registered() -> None:
    Plugins.instance().register(Shelved)
    Plugins.instance().register(Search)


def by_hydra(reference: str, overrides: list[str], project: Project, catalog: Catalog) -> Any:
    lineage = Lineage(Library(project, catalog), reference)
    list(lineage.documents())
    chosen: dict[str, list[str]] = {}
    for where, use in lineage.final(lineage.uses(reference), Overrides()).items():
        chosen.setdefault(where.partition(".")[0], []).append(str(use.listed))
    Shelved.listing = Listing(lineage.library, reference, chosen)
    with initialize_config_dir(str(project.root), version_base="1.3"):
        return OmegaConf.to_container(hydra_compose(reference, overrides), resolve=True)


RECIPES = sorted(path.stem for path in (ROOT / "recipes").glob("*.yaml"))


@pytest.mark.parametrize("overrides", [[], ["seed=3", "trainer.max_epochs=3"], ["+gates.thresholds.rules.more={finding: test/brier, max: 1}", "description=x"]])
@pytest.mark.parametrize("reference", RECIPES)
def test_on_every_shipped_recipe(reference: str, overrides: list[str], shipped: Catalog) -> None:
    project = Project(ROOT)
    ours = composed(reference, overrides, project, shipped).root.plain()
    assert ours == by_hydra(reference, overrides, project, shipped)


def test_on_children_presets_and_switches(bench: Any) -> None:
    bench.write(
        {
            "conf/model/wide.yaml": "defaults: [mlp, _self_]\nhidden: [512]\ndropout: 0.3\n",
            "conf/model/wider.yaml": "defaults: [wide, _self_]\nhidden: [1024]\n",
            "conf/gates/strict.yaml": "defaults: [thresholds, _self_]\nrules: {a: {finding: test/roc_auc, min: 0.99}}\n",
        },
        child="mlforge: 1\ndefaults: [small, {override model: wider}, {gates: [strict, baseline]}, _self_]\nname: child\nmodel: {activation: gelu}\n",
        grandchild="mlforge: 1\ndefaults: [child, _self_]\nmodel: {dropout: 0.5}\ngates: {strict: {rules: {b: {finding: test/brier, max: 1}}}}\n",
    )
    for reference in ("small", "child", "grandchild"):
        ours = composed(reference, [], bench.project, bench.catalog)
        assert ours.root.plain() == by_hydra(reference, [], bench.project, bench.catalog)
    assert ours.root.plain()["model"] == {"use": "mlp", "hidden": [1024], "dropout": 0.5, "activation": "gelu"}  # type: ignore[index,call-overload]
