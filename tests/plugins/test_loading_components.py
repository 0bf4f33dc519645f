"""A component is imported when it is used; one that cannot be is an error that names plugin and reason."""

from __future__ import annotations

import sys

import pytest

from mlforge.errors import MissingRequirement, RecipeError
from mlforge.plugins import catalog
from mlforge.sections import SECTIONS

PLUGIN = """
from mlforge.hookspecs import hookimpl

@hookimpl
def mlforge_components():
    return {"model/thing": "thing_plugin_parts:Thing"}
"""


@pytest.fixture
def load(workshop):
    """Load model/thing, made of this text."""

    def build(text):
        (workshop.root / "thing_plugin_parts.py").write_text(text)
        return catalog(workshop.local(thing_plugin=PLUGIN)).load("model", "thing")

    yield build
    sys.modules.pop("thing_plugin_parts", None)


GOOD = "from mlforge.components import Model\nclass Thing(Model):\n    'A thing.'\n    def build(self, blocks, output):\n        raise NotImplementedError\n"


def test_a_local_plugins_component_is_loaded_on_use(load):
    assert load(GOOD).__doc__ == "A thing."


BROKEN = {
    "no_module": (
        "import acme_sdk\n",
        r"ModuleNotFoundError: No module named 'acme_sdk' \(thing_plugin_parts\.py:1\)[\s\S]*Install what has the module acme_sdk",
    ),
    "raises": ("\nraise RuntimeError('no licence')\n", r"RuntimeError: no licence \(thing_plugin_parts\.py:2\)"),
    "no_class": ("Think = 3\n", r"has no Thing\.\s+Did you mean Think\?"),
    "no_component": ("class Thing:\n    pass\n", "is the class Thing; a Model was expected"),
    "no_class_at_all": ("Thing = 3\n", "is a int; a Model was expected"),
    "other_kind": ("from mlforge.components import Trainer as Thing\n", "is the class Trainer; a Model was expected"),
    "abstract": ("from mlforge.components import Model\nclass Thing(Model):\n    'x'\n", "lacks build, which every Model has"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_component_that_cannot_be_had_names_plugin_and_reason(load, case):
    text, reason = BROKEN[case]
    with pytest.raises(MissingRequirement, match=reason) as caught:
        load(text)
    assert "thing_plugin" in str(caught.value)
    assert caught.value.exit_code == 5


def test_an_unknown_option_is_answered_with_the_near_name(workshop):
    with pytest.raises(RecipeError, match=r"model has .*\bmlp\b.*\s+Did you mean mlp\?"):
        workshop.catalog().load("model", "mlpp")


def test_a_module_of_the_project_does_not_replace_one_of_python(workshop):
    (workshop.root / "colorsys.py").write_text("raise RuntimeError('hijacked')\n")
    sys.modules.pop("colorsys", None)
    found = catalog(workshop.local(thing_plugin=PLUGIN.replace("thing_plugin_parts:Thing", "colorsys:rgb_to_hsv")))
    with pytest.raises(MissingRequirement, match="is a function; a Model was expected"):
        found.load("model", "thing")


def test_every_built_in_component_is_of_its_sections_kind(workshop):
    found = workshop.catalog()
    loaded = [found.load(section, option) for section in found.sections for option in found.options(section)]
    assert len(loaded) >= 27
    assert set(found.sections) <= set(SECTIONS)
    assert set(SECTIONS) - set(found.sections) <= {"schemas", "references"}  # plugins' Pandera models alone; the same options as source


def test_presets_and_recipes_of_a_plugin_are_found_because_they_are_there(workshop):
    workshop.install(
        "mlforge-acme",
        {"mlforge_acme/__init__.py": PLUGIN, "mlforge_acme/conf/model/fast.yaml": "a: 1\n", "mlforge_acme/recipes/churn.yaml": "b: 2\n"},
    )
    folders = workshop.catalog().folders
    assert [folder.plugin for folder in folders] == ["mlforge-acme", "mlforge"]
    assert folders[0].conf == workshop.site / "mlforge_acme" / "conf"
    assert folders[0].recipes == workshop.site / "mlforge_acme" / "recipes"
    assert folders[-1].conf is not None


def test_a_folder_of_presets_added_later_is_found(workshop):
    workshop.install("mlforge-acme", {"mlforge_acme/__init__.py": PLUGIN})
    assert [folder.plugin for folder in workshop.catalog().folders] == ["mlforge"]
    (workshop.site / "mlforge_acme" / "conf").mkdir()
    assert [folder.plugin for folder in workshop.catalog().folders] == ["mlforge-acme", "mlforge"]
