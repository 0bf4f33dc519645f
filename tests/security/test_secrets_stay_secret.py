"""A value from the environment is seen by the component that needs it and by nothing that is printed or kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.end_to_end.buyers import RECIPE, buyers, store_of

from mlforge.testing.project import TestProject

SECRET = "hunter2-correct-horse-Ωß-battery"
PLUGIN = '''
from mlforge.components import Source
from mlforge.hookspecs import hookimpl


@hookimpl
def mlforge_components():
    return {"source/vault": "vault:Vault"}


class Vault(Source):
    """Rows behind a password."""

    password: str
    breaks: bool = False

    def fingerprint(self) -> str:
        return "vault 1"

    def scan(self):
        import logging

        import polars as pl

        logging.getLogger("vault").warning("logging in with %s", self.password)
        if self.password != "SECRET":
            raise ValueError(f"wrong password {self.password}")
        if self.breaks:
            raise RuntimeError(f"the vault at vault://me:{self.password}@host is closed")
        return pl.scan_csv("ROWS", null_values="?")
'''


@pytest.fixture
def vault(project: TestProject) -> TestProject:
    """A project whose source takes a password from the environment, by the project's leave."""
    buyers(project)
    code = PLUGIN.replace("SECRET", SECRET).replace("ROWS", str(project.root / "buyers.csv"))
    project.write({"vault.py": code, "mlforge.toml": 'plugins = ["vault"]\nenv = ["VAULT_PASSWORD"]\n'})
    recipe = RECIPE.replace("- source: csv", "- source: vault").replace("source: {path: buyers.csv}", 'source: {password: "${oc.env:VAULT_PASSWORD}"}')
    project.write(buyers=recipe)
    project.env["VAULT_PASSWORD"] = SECRET
    return project


def files_with(value: str, folder: Path) -> list[str]:
    """Every file below the folder that has the value in it, in any form in which text is kept."""
    forms = [value.encode(), value.encode("utf-16-le"), value.encode("unicode_escape"), value.encode("ascii", "xmlcharrefreplace")]
    ascii_json = value.encode("ascii", "backslashreplace")
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(str(path.relative_to(folder)) for path in files if any(form in path.read_bytes() for form in (*forms, ascii_json)))


def test_an_allowed_variable_reaches_its_component_and_no_file_and_no_line(vault: TestProject) -> None:
    outputs = [vault.run(*arguments) for arguments in (
        ("run", "buyers"), ("run", "buyers", "trainer.max_epochs=1", "gates.thresholds.rules.auc.min=1"), ("show", "buyers"), ("show", "buyers", "source"),
        ("plan", "buyers"), ("check", "buyers"), ("runs",), ("runs", "--json"), ("models", "buyers"), ("-v", "plan", "buyers"),
    )]  # fmt: skip
    assert outputs[0].code == 0, outputs[0].text
    assert outputs[1].code == 4, outputs[1].text
    assert all(SECRET not in outcome.text for outcome in outputs)
    assert "•••" in outputs[0].text, "the plugin's own log line was printed, masked"
    assert files_with(SECRET, vault.root / ".mlforge") == []
    assert files_with("${oc.env:VAULT_PASSWORD}", vault.root / ".mlforge"), "what is kept is the variable's name"


@pytest.mark.parametrize("breaks", ["source.breaks=true", "source.password=${oc.env:VAULT_PASSWORD}x"])
def test_an_error_that_names_the_secret_is_masked_in_print_and_in_the_records(vault: TestProject, breaks: str) -> None:
    outcome = vault.command("run", "buyers", breaks)
    assert outcome.code != 0
    assert SECRET not in outcome.text
    assert files_with(SECRET, vault.root / ".mlforge") == []


def test_the_search_would_find_a_value_that_is_kept(vault: TestProject) -> None:
    """A positive control: the same value, written into the recipe, is no secret and is found, in the database too."""
    outcome = vault.run("run", "buyers", f"source.password='{SECRET}'", "--only", "ingest")
    assert outcome.code == 0, outcome.text
    assert any(name.startswith("records.db") for name in files_with(SECRET, vault.root / ".mlforge"))


def test_a_variable_that_the_project_does_not_allow_is_refused_and_not_read(vault: TestProject) -> None:
    vault.write({"mlforge.toml": 'plugins = ["vault"]\n'})
    for verb in ("run", "check", "show"):
        outcome = vault.run(verb, "buyers")
        assert outcome.code == 2, outcome.text
        assert SECRET not in outcome.text
        assert "VAULT_PASSWORD" in outcome.text
    with store_of(vault) as store:
        assert store.records.runs() == []


def test_another_value_of_the_secret_reruns_what_reads_it_and_says_so_without_saying_it(vault: TestProject) -> None:
    """A value decides what a stage does, so it counts; by a salted, slow digest."""
    assert vault.run("run", "buyers").code == 0
    outcome = vault.run("plan", "buyers", "--json", VAULT_PASSWORD="rotated-since")
    steps = {step["stage"]: step for step in outcome.json}
    assert "VAULT_PASSWORD" in steps["ingest"]["reason"]
    assert "rotated-since" not in outcome.text


def test_a_variable_that_is_not_set_is_said_to_be_so(vault: TestProject) -> None:
    del vault.env["VAULT_PASSWORD"]
    outcome = vault.run("run", "buyers")
    assert outcome.code == 2
    assert "VAULT_PASSWORD is not set" in outcome.err
