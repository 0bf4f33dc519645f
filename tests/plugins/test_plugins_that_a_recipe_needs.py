"""A recipe that needs a plugin which is not there: one line, with the pip command, and exit code 5."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path

import pytest

from mlforge.plugins import KNOWN

PLUGINS = Path(__file__).parents[2] / "plugins"
RECIPE = "mlforge: 1\n{requires}defaults: [breast_cancer, {{override model: {model}}}, _self_]\nname: mine\n"
HEAD = "from mlforge.hookspecs import hookimpl\n"


@pytest.fixture
def installed(workshop):
    """Installs a plugin with one option; gives what removes it again."""

    def install(name: str, option: str):
        module = name.replace("-", "_")
        text = HEAD + f"@hookimpl\ndef mlforge_components():\n    return {{{option!r}: '{module}.x:X'}}\n"
        workshop.install(name, {f"{module}/__init__.py": text})
        return lambda: shutil.rmtree(workshop.site / f"{module}-1.0.dist-info")

    return install


def mine(project, requires: str = "", model: str = "linear"):
    return project.write(mine=RECIPE.format(requires=f"requires: {requires}\n" if requires else "", model=model))


@pytest.mark.parametrize("verb", ["check", "show", "plan", "run"])
def test_what_it_requires_and_is_not_there_is_one_line_with_the_command(project, verb):
    outcome = mine(project, "[mlforge-nowhere>=0.2]").run(verb, "mine")
    assert (outcome.code, outcome.out) == (5, "")
    line = "recipe mine requires mlforge-nowhere>=0.2 (recipes/mine.yaml:2:12), which is not installed: pip install 'mlforge-nowhere>=0.2'\n"
    assert outcome.err == line


def test_what_is_too_old_is_told_with_the_version_that_is_there(project):
    outcome = mine(project, "[polars>=99]").run("check", "mine")
    assert outcome.code == 5
    assert re.fullmatch(r"recipe mine requires polars>=99 \(recipes/mine.yaml:2:12\), and \S+ is installed: pip install 'polars>=99'\n", outcome.err)


def test_several_are_told_with_one_command(project):
    outcome = mine(project, "[mlforge-nowhere, mlforge-neither>1]").run("check", "mine")
    assert outcome.err.endswith(": pip install 'mlforge-nowhere' 'mlforge-neither>1'\n")
    assert outcome.err.count("\n") == 1


def test_what_is_there_and_what_is_not_for_this_machine_is_fine(project):
    assert mine(project, "[mlforge, 'polars>=1', \"nowhere; sys_platform == 'never'\"]").run("check", "mine").code == 0


@pytest.mark.parametrize(
    ("requires", "said"),
    [
        ("[mlforge nowhere]", "'mlforge nowhere' is no requirement; a name with versions was expected, such as mlforge-lightgbm>=0.2"),
        ("['evil @ https://example.org/evil.whl']", "evil is required from a URL; a name with versions was expected, such as evil>=0.2"),
        ("['-r file']", "'-r file' is no requirement"),
        ("[polars, 3]", "3 is not a text"),
    ],
)
def test_what_is_no_requirement_is_told_at_its_place(project, requires, said):
    outcome = mine(project, requires).run("check", "mine")
    assert outcome.code == 2
    assert said in outcome.err
    assert "recipes/mine.yaml:2:" in outcome.err


def test_a_misspelt_key_beside_a_missing_plugin_is_told_too(project):
    outcome = mine(project, "[mlforge-nowhere]").run("check", "mine", "trainer.max_epohcs=3")
    assert outcome.code == 2
    assert "Did you mean max_epochs?" in outcome.err
    assert "mlforge-nowhere: is not installed. → pip install 'mlforge-nowhere'" in outcome.err


def test_an_option_that_is_known_to_come_from_a_plugin_says_so(project, monkeypatch):
    assert mine(project, model="nowhere").run("check", "mine").code == 2
    monkeypatch.setattr("mlforge.plugins.index.KNOWN", {**KNOWN, "model/nowhere": "mlforge-nowhere"})
    outcome = mine(project, model="nowhere").run("check", "mine")
    line = "model (recipes/mine.yaml:2:44): model nowhere comes with mlforge-nowhere, which is not installed: pip install mlforge-nowhere\n"
    assert (outcome.code, outcome.err) == (5, line)
    outcome = project.run("check", "breast_cancer", "model=nowhere")
    assert (outcome.code, outcome.err.partition(":")[0]) == (5, "model (command line)")


def test_an_option_of_a_blocked_plugin_says_so(project, installed):
    installed("mlforge-boost", "model/boost")
    project.env["MLFORGE_BLOCK_PLUGINS"] = "mlforge-boost"
    outcome = project.run("check", "breast_cancer", "model=boost")
    assert (outcome.code, "comes with mlforge-boost, which is blocked by MLFORGE_BLOCK_PLUGINS" in outcome.err) == (2, False)  # it was never seen
    project.env["MLFORGE_BLOCK_PLUGINS"] = ""
    assert project.run("plugins").code == 0
    project.env["MLFORGE_BLOCK_PLUGINS"] = "mlforge-boost"
    outcome = project.run("check", "breast_cancer", "model=boost")
    line = "model (command line): model boost comes with mlforge-boost, which is blocked by MLFORGE_BLOCK_PLUGINS: take mlforge-boost out of it\n"
    assert (outcome.code, outcome.err) == (5, line)


def test_a_plugin_that_was_removed_after_a_recipe_named_it_is_remembered(project, installed):
    remove = installed("mlforge-boost", "model/boost")
    mine(project, model="boost")
    assert "boost" in project.run("plugins").out
    remove()
    outcome = project.run("check", "mine")
    assert outcome.code == 5
    assert "model boost comes with mlforge-boost, which is not installed: pip install mlforge-boost" in outcome.err
    assert project.run("check", "breast_cancer").code == 0


def test_a_recipe_that_another_builds_on_and_that_comes_with_a_missing_plugin(project):
    project.write(mine="mlforge: 1\nrequires: [mlforge-nowhere]\ndefaults: [theirs, _self_]\nname: mine\n")
    outcome = project.run("check", "mine")
    assert (outcome.code, outcome.err.count("\n")) == (5, 1)
    assert outcome.err.endswith("pip install 'mlforge-nowhere'\n")


def test_the_table_of_known_options_is_what_the_published_plugins_provide():
    found = {}
    for path in sorted(PLUGINS.glob("*/src/*/__init__.py")):
        plugin = path.parents[2].name
        spec = importlib.util.spec_from_file_location(f"asked_{path.parent.name}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        provided = module.mlforge_components() if hasattr(module, "mlforge_components") else {}
        found |= dict.fromkeys(provided, plugin)
        found |= {f"{preset.parent.name}/{preset.stem}": plugin for preset in path.parent.glob("conf/*/*.yaml")}
    print(f"{len(found)} options of {len(set(found.values()))} plugins")  # noqa: T201 - how many it saw is part of its answer
    assert dict(KNOWN) == found
