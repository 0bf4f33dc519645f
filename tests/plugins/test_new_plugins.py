"""`mlforge plugins new`: what it writes works as it stands, and says no where it cannot."""

# ruff: noqa: T201  (how many things a test saw is part of its answer)

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from mlforge.plugins.starter import KINDS, Names, write
from mlforge.sections import SECTIONS

DEMOS = [kind for kind in KINDS if KINDS[kind].section]


def made(kind: str, folder: Path) -> Path:
    """A new plugin's folder."""
    names = Names(f"mlforge-try-{kind}")
    write(names, KINDS[kind], folder)
    return folder / names.distribution


def installed(package: Path, site: Path) -> None:
    """The package as pip would leave it, from the wheel that its own build backend makes."""
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel"], cwd=package, check=True, capture_output=True)
    (wheel,) = package.glob("dist/*.whl")
    zipfile.ZipFile(wheel).extractall(site)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder on Python's path with a plugin of every kind installed."""
    site, work = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("work")
    for kind in KINDS:
        installed(made(kind, work), site)
    return site


def test_there_is_a_kind_for_every_section() -> None:
    print(f"{len(KINDS)} kinds of plugin for {len(SECTIONS)} sections")
    assert {kind.section for kind in KINDS.values()} - {""} == set(SECTIONS) - {"references"}  # which takes what source takes


def test_a_plugin_of_every_kind_installs_and_is_well(site: Path, project) -> None:
    listed = {one["name"]: one for one in project.command("plugins", "--json", PYTHONPATH=str(site)).json["plugins"]}
    for kind in KINDS:
        assert (listed[f"mlforge-try-{kind}"]["state"], listed[f"mlforge-try-{kind}"]["reason"]) == ("ok", "")
    assert "try-command" in project.command("--help", PYTHONPATH=str(site)).out


def test_what_it_adds_is_listed_with_its_preset_and_its_recipe(site: Path, project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(site))
    rows = {(row["section"], row["name"]): row["provider"] for row in project.run("ls", "--json").json}
    for kind in DEMOS:
        provider, section = f"mlforge-try-{kind} 0.1.0", KINDS[kind].section
        assert rows[section, f"try_{kind}"] == provider
        assert rows["recipes", f"try_{kind}_demo"] == provider
        if kind not in ("stage", "perturbation"):  # a stage names its own entries; a perturbation's settings stand where it is used
            assert rows[section, f"try_{kind}_variant"] == provider


@pytest.mark.parametrize("kind", DEMOS)
def test_its_recipe_is_fine_and_its_preset_can_be_chosen(site: Path, project, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.syspath_prepend(str(site))
    outcome = project.run("check", f"try_{kind}_demo")
    assert outcome.code == 0, outcome.text
    if kind in ("splitter", "model", "trainer", "gate", "source"):
        section = KINDS[kind].section
        outcome = project.run(
            "check", f"try_{kind}_demo", f"{section}={'[' if SECTIONS[section].plural else ''}try_{kind}_variant{']' if SECTIONS[section].plural else ''}"
        )
        assert outcome.code == 0, outcome.text


def test_a_new_plugins_recipe_runs(site: Path, project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(site))
    outcome = project.run("run", "try_estimator_demo", "--smoke")
    assert outcome.code == 0, outcome.text


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugins_own_tests_pass(site: Path, tmp_path: Path, kind: str) -> None:
    package = made(kind, tmp_path)
    env = {**os.environ, "PYTHONPATH": str(site), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-W", "error"], cwd=package, env=env, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stdout
    print(done.stdout.strip().splitlines()[-1])


@pytest.mark.parametrize("kind", KINDS)
def test_every_file_of_it_parses(tmp_path: Path, kind: str) -> None:
    package = made(kind, tmp_path)
    for path in package.rglob("*.py"):
        compile(path.read_text(encoding="utf-8"), str(path), "exec")
    for path in (*package.rglob("*.yaml"), *package.rglob("*.yml")):
        assert yaml.safe_load(path.read_text(encoding="utf-8"))
    assert not [path for path in package.rglob("*") if "$" in path.name or path.name.endswith(".tmpl")]
    assert {"LICENSE", "README.md", "pyproject.toml", ".gitignore", ".github", "src", "tests"} == {path.name for path in package.iterdir()}


def test_it_says_what_it_wrote_and_how_to_go_on(project) -> None:
    outcome = project.run("plugins", "new", "mlforge-orbital", "--kind", "source")
    assert outcome.code == 0, outcome.text
    assert outcome.out.startswith("Wrote mlforge-orbital/ (12 files). Try: cd mlforge-orbital && pip install -e '.[test]' && pytest")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Orbital", "Did you mean orbital?"),
        ("mlforge_orbital", "Did you mean mlforge-orbital?"),
        ("NightSky", "Did you mean night-sky?"),
        ("../evil", "Did you mean evil?"),
        ("", "cannot be a plugin's name"),
        ("-x", "cannot be"),
        ("x" * 61, "at most 60"),
        ("mlforge", "would hide mlforge"),
        ("json", "would hide a part of Python"),
        ("mlforge-class", "is no name of theirs"),
        ("mlforge-3d", "is no name of theirs"),
        ("mlforge-csv", "source/csv is what mlforge 0.1.0 provides"),
    ],
)
def test_a_name_that_cannot_be_is_refused(project, name: str, said: str) -> None:
    outcome = project.run("plugins", "new", "--kind", "source", "--", name)
    assert outcome.code == 2
    assert said in outcome.err
    assert not list(project.root.iterdir())


def test_a_command_cannot_have_the_name_of_a_verb(project) -> None:
    outcome = project.run("plugins", "new", "mlforge-run", "--kind", "command")
    assert (outcome.code, outcome.err.partition("\n")[0]) == (2, "plugins new: run is a verb of mlforge's own")


def test_a_folder_that_is_there_is_left_alone(project) -> None:
    project.write({"mlforge-orbital/mine.txt": "mine"})
    outcome = project.run("plugins", "new", "mlforge-orbital", "--kind", "source")
    assert outcome.code == 2
    assert "mlforge-orbital is there already" in outcome.err
    assert [path.name for path in project.root.rglob("*")] == ["mlforge-orbital", "mine.txt"]


def test_a_folder_to_write_into_that_is_not_there_is_told(project) -> None:
    outcome = project.run("plugins", "new", "mlforge-orbital", "--kind", "source", "--into", "nowhere")
    assert (outcome.code, outcome.err.partition("\n")[0]) == (2, "plugins new: nowhere is no folder")


def test_an_unknown_kind_is_answered_with_those_there_are(project) -> None:
    outcome = project.run("plugins", "new", "mlforge-orbital", "--kind", "sauce")
    assert outcome.code == 2
    assert "source" in outcome.err


def test_what_is_installed_already_is_not_made_again(site: Path, project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(site))
    outcome = project.run("plugins", "new", "mlforge-try-gate", "--kind", "gate")
    assert outcome.code == 2
    assert "mlforge-try-gate is installed here already" in outcome.err


def test_an_editors_schema_covers_installed_plugins_and_accepts_their_recipes(site: Path, project, monkeypatch: pytest.MonkeyPatch) -> None:
    from jsonschema import Draft202012Validator

    monkeypatch.syspath_prepend(str(site))
    schema = Draft202012Validator(project.run("show", "--json-schema").json)
    seen = 0
    for path in site.glob("*/recipes/*.yaml"):
        recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert not list(schema.iter_errors(recipe)), path
        seen += 1
    assert seen == len(DEMOS)
    wrong = {"mlforge": 1, "defaults": [{"gates": ["try_gate"]}], "gates": {"try_gate": {"use": "try_gate", "hgih": 1}}}
    assert [error.json_path for error in schema.iter_errors(wrong)] == ["$.gates"]


def test_the_help_and_the_page_name_every_kind(project) -> None:
    said = " ".join(project.run("plugins", "new", "--help").out.split())
    page = (Path(__file__).parents[2] / "docs/howto/write_a_plugin.md").read_text(encoding="utf-8")
    for kind in KINDS:
        assert f"{kind}," in said or f"{kind}." in said
        assert f"| `{kind}` |" in page
