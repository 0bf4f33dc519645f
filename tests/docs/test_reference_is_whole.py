"""The reference says what the code says: nothing is missing on it, and nothing on it is old."""

# ruff: noqa: T201  (how many things a test saw is part of its answer)

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml
from fields import fields, nested, parts
from generate import INDEXED, OBSERVING, REFERENCE, SETTINGS, WRAPPED, chosen_by_recipes, command, example, pages, signatures

from mlforge import errors, hookspecs
from mlforge.cli.verbs import PARTS, VERBS
from mlforge.components import Component
from mlforge.plugins import catalog
from mlforge.project import Project
from mlforge.recipe.header import Header
from mlforge.sections import SECTIONS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return pages()


def _components() -> Iterator[tuple[str, str, type[Component]]]:
    own = catalog(Project(ROOT))
    for section in SECTIONS:
        for option, provided in own.options(section).items():
            if provided.plugin == "mlforge":
                yield section, option, own.load(section, option)


def _part(page: str, heading: str) -> str:
    """The text below a heading, up to the next of the same rank."""
    rank = heading.partition(" ")[0]
    found = re.search(rf"^{re.escape(heading)}$(.*?)(?=^#{{1,{len(rank)}}} |\Z)", page, re.MULTILINE | re.DOTALL)
    assert found, f"no heading {heading}"
    return found[1]


def test_committed_pages_are_those_that_the_code_makes_now(made: dict[str, str]) -> None:
    committed = {path.name: path.read_text(encoding="utf-8") for path in sorted(REFERENCE.glob("*.md"))}
    assert sorted(committed) == sorted(made)
    stale = [name for name, text in made.items() if committed[name] != text]
    print(f"{len(made)} reference pages")
    assert not stale, f"run `make docs` and commit: {', '.join(stale)}"


def test_every_key_with_parts_stands_there_with_all_that_is_below_it(made: dict[str, str]) -> None:
    seen = 0
    for path, model in parts(Header):
        if path.partition(".")[0] == "contract":
            continue
        part = _part(made["keys.md"], f"{'##' if '.' not in path else '###'} {path}")
        for name, info in fields(model).items():
            assert f"| `{name}` |" in part
            assert info.description, f"{path}.{name} does not say what it is"
            seen += 1
    print(f"{seen} keys")
    assert {"serve.access.tls", "rollout.fallback.rules.NAME", "retrain.when.schedule", "retrain.training"} <= {path for path, _ in parts(Header)}
    assert seen > 100


def test_every_hook_stands_there_with_its_exact_signature(made: dict[str, str]) -> None:
    hooks = [name for name, one in vars(hookspecs).items() if hasattr(one, "mlforge_spec")]
    for name in hooks:
        assert f"## {name}\n\n```python\n{signatures()[name]}\n```" in made["hooks.md"]
        assert list(inspect.signature(getattr(hookspecs, name)).parameters) == re.findall(r"(\w+): ", signatures()[name].partition(") ->")[0])
        told = _part(made["hooks.md"], f"## {name}")
        assert "Called " in told, f"{name} does not say when it is called"
        assert re.search(r"^Process: .+\. Results: .+\. Errors: .+\.$", told, re.MULTILINE)
    assert set(hooks) >= INDEXED | WRAPPED | OBSERVING
    print(f"{len(hooks)} hooks")
    assert len(hooks) == len(signatures()) > 0


def test_every_verb_and_every_option_stands_there(made: dict[str, str]) -> None:
    seen = 0
    for verb in VERBS:
        part = _part(made["cli.md"], f"### mlforge {verb}")
        for option in (one for one in command(verb).params if isinstance(one, click.Option) and not one.hidden):
            assert all(re.search(rf"{re.escape(flag)}[ ,`]", part) for flag in option.opts), f"{verb} {option.opts}"
            seen += 1
    print(f"{len(VERBS)} verbs, {seen} options")
    assert seen > len(VERBS)


def test_every_verb_has_a_module_and_every_module_of_a_verb_is_listed() -> None:
    texts = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "src/mlforge/cli").glob("*.py")}
    found = {name for name, text in texts.items() if re.search(r"^@click\.(command|group)\(\"", text, re.MULTILINE)}
    assert found == set(VERBS) | {f"{verb}_{part}" for verb, parts in PARTS.items() for part in parts}


def test_every_field_of_every_component_stands_there(made: dict[str, str]) -> None:
    seen = components = 0
    for section, option, kind in _components():
        part = _part(made["components.md"], f"### {section}: {option}") + (_part(made["components.md"], "## stages") if section == "stages" else "")
        for model in (kind, *nested(kind)):
            for name, info in fields(model).items():
                assert f"| `{name}` |" in part, f"{section}: {option} lacks {name}"
                assert info.description, f"{model.__name__}.{name} has no description"
                assert info.description.replace("|", "\\|") in part
                seen += 1
        components += 1
    print(f"{components} components, {seen} fields")
    assert components > len(SECTIONS)


def test_the_example_of_a_component_is_what_its_keys_take() -> None:
    seen = 0
    for section, option, kind in _components():
        made = yaml.safe_load("\n".join(example(SECTIONS[section], option, kind)).replace("???", "'???'"))
        values = made.get(section, {})
        values = values[option] if SECTIONS[section].plural and values else values
        assert set(values) <= set(fields(kind))
        if "???" not in values.values():
            kind.model_validate(values)
            seen += 1
    print(f"{seen} examples without a missing value")
    assert seen > len(SECTIONS)


def test_a_component_names_the_shipped_recipes_that_choose_it(made: dict[str, str]) -> None:
    part = _part(made["components.md"], "### trainer: lightning")
    assert re.search(r"^In the recipes? .*`adult`", part, re.MULTILINE)
    assert all(chosen_by_recipes().values())


def test_every_section_every_recipe_and_every_exit_code_stands_there(made: dict[str, str]) -> None:
    recipes = sorted((ROOT / "recipes").glob("*.yaml"))
    for name in (*SECTIONS, *(path.stem for path in recipes)):
        assert f"| `{name}` |" in made["recipes.md"]
    kinds = [one for name in errors.__all__ if isinstance(one := getattr(errors, name), type) and issubclass(one, errors.MlforgeError)]
    codes = {kind.exit_code for kind in kinds}
    assert errors.GateRefused.exit_code in codes
    for code in (0, 1, *codes):
        assert f"| {code} |" in made["errors.md"]
    print(f"{len(SECTIONS)} sections, {len(recipes)} recipes, {len(codes) + 2} exit codes")


def test_every_setting_of_a_project_stands_there(made: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "mlforge.toml").write_text("no_setting = 1\n", encoding="utf-8")
    with pytest.raises(errors.RecipeError) as told:
        Project.find(tmp_path)
    known = told.value.problems[0].expected.removeprefix("there are ").split(", ")
    assert sorted(known) == sorted(SETTINGS)
    for name in known:
        assert f"| `{name}` |" in _part(made["recipes.md"], "## Settings of a project")
    print(f"{len(known)} settings")


def test_every_page_is_reached_from_the_index_and_every_link_leads_somewhere() -> None:
    pages = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
    reached, links = {ROOT / "docs" / "README.md"}, 0
    for page in pages:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            found = (page.parent / target).resolve()
            assert found.exists(), f"{page.relative_to(ROOT)} links to {target}"
            links += 1
            if page == ROOT / "docs" / "README.md":
                reached.add(found)
    missing = [page for page in pages if page.is_relative_to(ROOT / "docs") and page not in reached]
    print(f"{len(pages)} pages, {links} links")
    assert not missing, f"not in docs/README.md: {missing}"
