"""`mlforge rollback`: one command, one line, and everybody is told."""

from __future__ import annotations

import pytest

from mlforge.store import Store
from mlforge.testing.project import TestProject

LISTENER = """
from pathlib import Path
from mlforge.hookspecs import hookimpl

@hookimpl
def mlforge_event(event, subject, details):
    with Path("heard.txt").open("a") as file:
        file.write(f"{event} {subject} {details['before']} {details['reason']}\\n")
"""


@pytest.fixture
def served(project: TestProject) -> TestProject:
    """A project with two versions, the second of which is champion."""
    with Store.open(None, project.root / ".mlforge") as store:
        for number in (1, 2):
            store.registry.register("adult", bundle=f"b{number}", verdict="v", run="r", actor="ada")
        store.registry.set_alias("adult", "champion", 2)
    return project.write({"mlforge.toml": 'plugins = ["listener"]\n', "listener.py": LISTENER})


def test_it_says_what_serves_and_tells_plugins_who_was_rolled_back(served: TestProject) -> None:
    outcome = served.run("rollback", "adult", "--reason", "answers too slowly")
    assert (outcome.code, outcome.out) == (0, "adult 1 is champion again; 2 was rolled back: answers too slowly\n")
    assert (served.root / "heard.txt").read_text() == "rolled_back adult 1 2 answers too slowly\n"
    assert served.run("rollback", "adult", "--json").code == 2, "nothing came before 1"


def test_it_is_told_as_json(served: TestProject) -> None:
    outcome = served.run("rollback", "adult", "--to", "1", "--json")
    assert outcome.json == {"model": "adult", "alias": "champion", "version": 1, "before": 2, "reason": ""}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("adlut",), "Did you mean adult?"),
        (("adult", "--alias", "champoin"), "Did you mean champion?"),
        (("adult", "--to", "2"), "adult 2 is champion already"),
        (("adult", "--to", "7"), "adult 7 is no earlier champion: 1 can be gone back to"),
    ],
)
def test_what_cannot_be_gone_back_to_is_told(served: TestProject, arguments: tuple[str, ...], said: str) -> None:
    outcome = served.run("rollback", *arguments)
    assert outcome.code == 2
    assert said in outcome.text
