"""Whatever a recipe says, nothing of it runs: each attempt would write a file, and none does."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.end_to_end.buyers import RECIPE, buyers

from mlforge.testing.project import TestProject

TARGETS = {
    "path": "{{_target_: pathlib.Path.write_text, _args_: ['{mark}', x]}}",
    "open": "{{_target_: builtins.open, _args_: ['{mark}', w]}}",
    "system": "{{_target_: os.system, command: 'touch {mark}'}}",
    "partial": "{{_target_: subprocess.run, _partial_: true, args: [touch, '{mark}']}}",
    "nested": "{{a: [{{b: {{_target_: os.mkdir, path: '{mark}'}}}}]}}",
    "logging": "{{(): pathlib.Path.touch, self: '{mark}'}}",
}
TAGS = ["!!python/object/apply:os.system ['touch {mark}']", "!!python/object/new:os.mkdir ['{mark}']", "!!python/name:os.system"]
RESOLVERS = ["${{oc.create:{{_target_: os.mkdir, path: {mark}}}}}", "${{hydra:runtime.cwd}}", "${{eval:__import__('os').mkdir('{mark}')}}"]
OVERRIDES = [
    "+source._target_=os.mkdir", "model._target_=os.mkdir", "+hydra.run.dir={mark}", "hydra.searchpath=[file://{folder}]", "hydra/launcher=basic",
    "+x._target_=os.mkdir", "source.path=${{oc.create:1}}", "++trainer._args_=[1]", "source@hydra.launcher=csv", "trainer.max_epochs=${{eval:1+1}}",
]  # fmt: skip


def attempt(project: TestProject, *overrides: str, told: str = "") -> None:
    mark = project.root / "mark"
    for verb in ("check", "plan", "show", "run"):
        outcome = project.run(verb, "buyers", *overrides)
        assert outcome.code == 2, f"{verb}: {outcome.text}"
        assert "Traceback" not in outcome.text
        assert told in outcome.text
        assert not mark.exists()
    assert not list(Path(project.root).glob("outputs"))


def planted(project: TestProject, text: str) -> str:
    return text.format(mark=project.root / "mark", folder=project.root)


@pytest.mark.parametrize("where", ["source", "model", "trainer", "contract", "gates", "stages", "anything"])
@pytest.mark.parametrize("how", TARGETS)
def test_a_target_in_any_section_is_refused(project: TestProject, where: str, how: str) -> None:
    buyers(project)
    body = "\n".join(line for line in RECIPE.splitlines() if not line.strip().startswith(f"{where}:") or where in ("contract", "gates", "trainer"))
    key = f"{where}:" if f"    {where}:" not in body else "planted:"
    project.write(buyers=f"{body.rstrip()}\n    {key} {planted(project, TARGETS[how])}\n")
    attempt(project, told="names code, and a recipe is data")


@pytest.mark.parametrize("value", [*TAGS, *(f'"{resolver}"' for resolver in RESOLVERS)])
def test_tags_and_resolvers_are_refused(project: TestProject, value: str) -> None:
    buyers(project)
    project.write(buyers=RECIPE.replace("path: buyers.csv", f"path: {planted(project, value)}"))
    attempt(project)


@pytest.mark.parametrize("override", OVERRIDES)
def test_overrides_that_name_code_are_refused(project: TestProject, override: str) -> None:
    buyers(project)
    attempt(project, planted(project, override))


def test_a_module_beside_the_recipe_is_not_imported(project: TestProject) -> None:
    """The project's own plugin is code by the project's leave; a file of the same folder is not."""
    buyers(project)
    project.write({"evil.py": f"open({str(project.root / 'mark')!r}, 'w')\n", "sitecustomize.py": f"open({str(project.root / 'mark')!r}, 'w')\n"})
    project.write(buyers=RECIPE.replace("- model: linear", "- model: evil"))
    attempt(project)
    project.write(buyers=RECIPE.replace("name: buyers", "name: buyers\n    plugins: [evil]"))
    attempt(project)
    project.write(buyers=RECIPE)
    assert project.command("run", "buyers", "--only", "ingest").code == 0
    assert not (project.root / "mark").exists()


def test_the_mark_would_be_seen(project: TestProject) -> None:
    """A positive control: what the attempts ask for does write the file, when Python is asked to do it."""
    from hydra.utils import instantiate

    mark = project.root / "mark"
    instantiate({"_target_": "os.mkdir", "path": str(mark)})
    assert mark.exists()
