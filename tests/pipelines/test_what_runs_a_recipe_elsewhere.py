"""`mlforge init --ci`: what it writes is read by those whom it is for, or by their schema; and every command in it is one."""

from __future__ import annotations

import ast
import json
import re
import shlex
import subprocess
import sys
from inspect import signature
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from mlforge.cli.entry import mlforge_command
from mlforge.pipelines import SERVICES
from mlforge.service.cron import Cron
from mlforge.testing.project import TestProject

RECIPE = """
    # Who leaves.
    mlforge: 1
    defaults: [lifecycle, {source: csv}, {split: random}, {model: linear}, {trainer: lightning}, {exporters: [onnx]}, {evaluators: [classification]},
               {gates: [thresholds]}, _self_]
    name: who_leaves
    source: {path: ???}
    contract:
      columns:
        age:  {dtype: float}
        left: {dtype: category, role: target, positive: "yes"}
    gates: {thresholds: {rules: {auc: {finding: test/roc_auc, min: 0.7}}}}
"""
ROWS = "source.path='data/new 100%.csv'"  # as awkward as a path may be
KINDS = {"plain": (), "monitored": ("monitors=[drift]",), "watched": ("monitors=[drift]", "serve.log.path=served")}
EVERY = [word for service in SERVICES for word in ("--ci", service)]


def written(project: TestProject) -> TestProject:
    return project.write({"mlforge.toml": 'env = ["WAREHOUSE"]\n', "data/new 100%.csv": "age,left\n1,yes\n"}, who_leaves=RECIPE)


@pytest.fixture
def forge(project: TestProject) -> TestProject:
    return written(project)


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, isolated_cache: Path, kind: str) -> TestProject:
    forge = written(TestProject(tmp_path_factory.mktemp("made") / "project"))
    outcome = forge.run("init", "who_leaves", ROWS, *KINDS[kind], *EVERY, "--schedule", "5 4 * * mon")
    assert outcome.code == 0, outcome.text
    return forge


def commands(text: str) -> list[list[str]]:
    """Every command of mlforge in a text, parted as a shell parts it."""
    return [shlex.split(line[line.index("mlforge ") :]) for line in text.splitlines() if line.startswith("mlforge ")]


def understood(words: list[str]) -> None:
    """Raises click's own error for a verb, an argument or an option that there is not."""
    assert words[0] == "mlforge"
    command = mlforge_command.get_command(click.Context(mlforge_command), words[1])
    assert command is not None, words
    command.make_context(words[1], words[2:])


def checked(schema: str, *paths: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, paths)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def expected(kind: str) -> str | None:
    watch = shlex.join(["mlforge", "watch", "who_leaves", ROWS, *KINDS[kind], "--once"])
    return {"plain": None, "monitored": 'mlforge monitor who_leaves --source "$MLFORGE_ROWS" --fail', "watched": watch}[kind]


def test_githubs_workflow_keeps_its_schema_and_runs_what_the_recipe_declares(made: TestProject, kind: str) -> None:
    path = made.root / ".github" / "workflows" / "who-leaves.yml"
    checked("vendor.github-workflows", path)
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    jobs = workflow["jobs"]
    assert ("look" in jobs) == (kind != "plain")
    scheduled = workflow[True].get("schedule")  # "on" is a boolean to YAML 1.1
    assert scheduled == (None if kind == "plain" else [{"cron": "5 4 * * mon"}])
    steps = [step for job in jobs.values() for step in job["steps"]]
    told = [words for step in steps if "run" in step for words in commands(step["run"])]
    assert [words[1] for words in told] == {"plain": ["check", "run", "package"], "monitored": ["check", "run", "monitor", "package"],
                                            "watched": ["check", "run", "watch", "package"]}[kind]  # fmt: skip
    for words in told:
        understood(words)
    assert told[1][-2:] == ["--junit", "verdict.xml"]
    assert ROWS in told[0]
    if kind != "plain":
        assert [step["run"] for step in jobs["look"]["steps"] if "run" in step][-1] == expected(kind)
    for step in steps:
        if "run" in step:
            subprocess.run(["bash", "-n", "-c", step["run"]], check=True, timeout=20)
    assert workflow["env"]["WAREHOUSE"] == "${{ secrets.WAREHOUSE }}"
    assert any("gh pr comment" in step.get("run", "") for step in jobs["run"]["steps"])


def test_a_workflow_with_a_misspelt_key_would_be_found(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yml"
    path.write_text("on: push\njobs: {one: {run-on: ubuntu-latest, steps: [{run: ls}]}}\n", encoding="utf-8")
    with pytest.raises(AssertionError):
        checked("vendor.github-workflows", path)


def test_gitlabs_pipeline_keeps_its_schema_and_is_included(made: TestProject, kind: str) -> None:
    part, root = made.root / ".gitlab" / "mlforge" / "who-leaves.yml", made.root / ".gitlab-ci.yml"
    checked("vendor.gitlab-ci", part, root)
    assert yaml.safe_load(root.read_text()) == {"include": [{"local": "/.gitlab/mlforge/*.yml"}]}
    jobs = yaml.safe_load(part.read_text(encoding="utf-8"))
    assert ("who-leaves-look" in jobs) == (kind != "plain")
    assert jobs["who-leaves-run"]["artifacts"]["reports"] == {"junit": "verdict.xml"}
    told = [words for job in jobs.values() for line in job.get("script", ()) for words in commands(line)]
    assert len(told) == (3 if kind == "plain" else 4)
    for words in told:
        understood(words)


def test_airflows_dags_are_python_and_their_commands_are_ours(made: TestProject, kind: str) -> None:
    path = made.root / "dags" / "who_leaves.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    compile(tree, str(path), "exec")
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    tasks = {_of(call, "task_id"): _of(call, "bash_command") for call in calls if isinstance(call.func, ast.Name) and call.func.id == "BashOperator"}
    dags = {_of(call, "dag_id"): _of(call, "schedule") for call in calls if isinstance(call.func, ast.Name) and call.func.id == "DAG"}
    assert dags == {"who-leaves-run": None} | ({} if kind == "plain" else {"who-leaves-look": "5 4 * * mon"})
    assert tasks.get("look") == expected(kind)
    for command in tasks.values():
        understood(shlex.split(command))
        assert "{{" not in command
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {"airflow.sdk", "airflow.providers.standard.operators.bash"} <= modules


def _of(call: ast.Call, name: str) -> Any:
    return next(ast.literal_eval(keyword.value) for keyword in call.keywords if keyword.arg == name)


def test_kubernetes_knows_every_key_of_the_jobs(made: TestProject, kind: str) -> None:
    documents = list(yaml.safe_load_all((made.root / "kubernetes" / "who-leaves" / "jobs.yaml").read_text(encoding="utf-8")))
    for document in documents:
        assert _typed(document, f"V1{document['kind']}") == document
    jobs = {one["metadata"]["name"]: one["spec"] for one in documents if one["kind"] == "CronJob"}
    assert set(jobs) == {"who-leaves-run"} | (set() if kind == "plain" else {"who-leaves-look"})
    assert jobs["who-leaves-run"]["suspend"] is True
    for spec in jobs.values():
        (container,) = spec["jobTemplate"]["spec"]["template"]["spec"]["containers"]
        understood([*container["command"], *container["args"]])
        assert (spec["schedule"], spec["concurrencyPolicy"]) == ("5 4 * * mon", "Forbid")
        assert {one["name"] for one in container["env"]} == {"WAREHOUSE", *(["MLFORGE_ROWS"] if kind == "monitored" else [])}
    if kind == "monitored":
        (container,) = jobs["who-leaves-look"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
        assert container["args"] == ["monitor", "who_leaves", "--source", "$(MLFORGE_ROWS)", "--fail"]
    assert (made.root / "kubernetes" / "who-leaves" / "Dockerfile").read_text().count("\nFROM ") == 1


class _Answered:
    def __init__(self, text: str) -> None:
        self.data = text


def _typed(value: Any, name: str) -> Any:
    """As Kubernetes' own types hold it, and back: a key that they do not know is gone."""
    from kubernetes.client import ApiClient

    client, text = ApiClient(), json.dumps(value)
    newer = "content_type" in signature(client.deserialize).parameters
    return client.sanitize_for_serialization(client.deserialize(text, name, "application/json") if newer else client.deserialize(_Answered(text), name))


def test_crons_line_is_one_that_cron_and_a_shell_can_read(made: TestProject, kind: str) -> None:
    text = (made.root / "cron" / "who-leaves.crontab").read_text(encoding="utf-8")
    (line,) = (line for line in text.splitlines() if line[:1].isdigit())
    when, command = re.match(r"((?:\S+ ){5})(.*)", line).groups()  # type: ignore[union-attr]
    assert Cron.parse(when.strip()).text == "5 4 * * mon"
    assert not re.search(r"(?<!\\)%", command), "cron takes a bare % for the end of the command"
    shell = command.replace(r"\%", "%")
    subprocess.run(["sh", "-n", "-c", shell], check=True, timeout=20)
    told = (expected(kind) or "mlforge run who_leaves").replace("%", r"\%")
    assert told in command
    assert f"cd {shlex.quote(str(made.root))}" in shell


def test_what_is_there_is_not_touched_unless_forced(forge: TestProject) -> None:
    (forge.root / ".gitlab-ci.yml").write_text("stages: [mine]\n", encoding="utf-8")
    outcome = forge.run("init", "who_leaves", ROWS, *EVERY)
    assert outcome.code == 0, outcome.text
    assert "include it in .gitlab-ci.yml: local: /.gitlab/mlforge/*.yml" in outcome.out
    assert (forge.root / ".gitlab-ci.yml").read_text() == "stages: [mine]\n"
    workflow = forge.root / ".github" / "workflows" / "who-leaves.yml"
    assert forge.run("init", "who_leaves", ROWS, *EVERY).code == 0, "the same once more changes nothing"
    workflow.write_text("mine\n", encoding="utf-8")
    crontab = (forge.root / "cron" / "who-leaves.crontab").read_bytes()
    refused = forge.run("init", "who_leaves", ROWS, *EVERY, "--schedule", "0 1 * * *")
    assert refused.code == 2
    assert ".github/workflows/who-leaves.yml" in refused.err
    assert "--force" in refused.err
    assert (workflow.read_text(), (forge.root / "cron" / "who-leaves.crontab").read_bytes()) == ("mine\n", crontab)
    assert forge.run("init", "who_leaves", ROWS, *EVERY, "--force").code == 0
    assert workflow.read_text(encoding="utf-8").startswith("# who_leaves, checked")


def test_a_file_of_rows_gets_a_recipe_and_what_runs_it(project: TestProject) -> None:
    rows = "".join(f"{20 + number % 50},{'yes' if number % 3 else 'no'}\n" for number in range(300))
    project.write({"people.csv": "age,left\n" + rows})
    outcome = project.run("init", "people.csv", "--target", "left", "--ci", "github")
    assert outcome.code == 0, outcome.text
    assert "Wrote recipes/people.yaml" in outcome.out
    assert "Wrote .github/workflows/people.yml" in outcome.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["who_leaves", ROWS, "--ci", "jenkins"], "'jenkins' is not one of 'github'"),
        (["who_leave", "--ci", "github"], "Did you mean who_leaves?"),
        (["who_leaves", "--ci", "github"], "source.path"),
        (["who_leaves", ROWS, "--ci", "github", "--schedule", "0 25 * * *"], "25"),
        (["who_leaves", ROWS, "--ci", "github", "--schedule", "0 0 30 2 *"], "never comes"),
        (["who_leaves", ROWS, "--ci", "github", "--schedule", "@daily"], "write five fields"),
        (["who_leaves", ROWS, "--ci", "github", "--name", "x"], "--name is the name of a new recipe"),
        ([], "name a FILE"),
        (["people.csv", "seed=3", "--target", "left"], "overrides are of a RECIPE"),
    ],
)
def test_mistakes_are_told_and_nothing_is_written(forge: TestProject, words: list[str], said: str) -> None:
    outcome = forge.run("init", *words)
    assert outcome.code == 2, outcome.text
    assert said in outcome.err
    assert not (forge.root / ".github").exists()


def test_the_only_recipe_of_a_project_need_not_be_named(forge: TestProject) -> None:
    forge.write({"recipes/who_leaves.yaml": RECIPE.replace("???", "data.csv")})
    assert forge.run("init", "--ci", "cron").code == 0
    forge.write({"recipes/other.yaml": RECIPE.replace("who_leaves", "other")})
    outcome = forge.run("init", "--ci", "cron")
    assert outcome.code == 2
    assert "the project has other, who_leaves" in outcome.err
