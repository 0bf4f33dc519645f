"""`mlforge plugins badge` says which clauses a plugin's components keep."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from mlforge.testing.project import TestProject

GOOD = """
    from pydantic import Field
    from mlforge.components import Source
    from mlforge.hookspecs import hookimpl

    @hookimpl
    def mlforge_components():
        return {"source/steps": "stairs:Steps"}

    class Steps(Source):
        '''Numbers, one after the other.'''

        rows: int = Field(default=20, ge=1, description="how many")

        def fingerprint(self):
            return f"steps {self.rows}"

        def scan(self):
            import polars as pl

            return pl.LazyFrame({"step": range(self.rows)})
    """


@pytest.fixture
def stairs(project: TestProject) -> TestProject:
    return project.write({"mlforge.toml": 'plugins = ["stairs"]', "stairs.py": GOOD})


def test_a_plugin_that_keeps_every_clause_gets_a_badge(stairs: TestProject) -> None:
    outcome = stairs.command("plugins", "badge", "stairs", "--json", "--svg", "badge.svg")
    assert outcome.code == 0, outcome.text
    told = outcome.json
    assert told["conforms"]
    assert told["passed"] == told["clauses"] > 15
    assert set(told["components"][0]["clauses"].values()) == {""}
    assert f"{told['passed']} of {told['clauses']}" in "".join(ElementTree.parse(stairs.root / "badge.svg").getroot().itertext())


def test_a_clause_that_does_not_hold_is_named_with_the_reason(stairs: TestProject) -> None:
    (stairs.root / "stairs.py").write_text((stairs.root / "stairs.py").read_text().replace(', description="how many"', ""))
    outcome = stairs.command("plugins", "badge", "stairs", "--svg", "badge.svg")
    assert outcome.code == 4, outcome.text
    assert "every field is described: without a description: rows" in outcome.out
    assert "source/steps does not conform" in outcome.err
    assert "Traceback" not in outcome.text
    assert "#b3261e" in (stairs.root / "badge.svg").read_text()


def test_a_component_that_needs_settings_is_judged_by_the_authors_tests(stairs: TestProject) -> None:
    (stairs.root / "stairs.py").write_text((stairs.root / "stairs.py").read_text().replace("default=20, ", ""))
    outcome = stairs.command("plugins", "badge", "stairs")
    assert outcome.code == 4
    assert "not judged: needs rows" in outcome.out
    assert "--tests" in outcome.err
    test = """
        from mlforge.testing import SourceContract
        from stairs import Steps

        def test_of_something_else():
            assert False, "it is not run"

        class TestSteps(SourceContract):
            component = Steps(rows=5)
        """
    outcome = stairs.write({"tests/test_stairs.py": test}).command("plugins", "badge", "stairs", "--tests", "tests", "--json", PYTHONPATH=str(stairs.root))
    assert outcome.code == 0, outcome.text
    assert json.loads(outcome.out)["conforms"]


def test_a_plugin_that_is_not_there_or_broken_is_said_in_a_line(stairs: TestProject) -> None:
    outcome = stairs.command("plugins", "badge", "stair")
    assert outcome.code == 2
    assert "Did you mean stairs?" in outcome.err
    outcome = stairs.write({"stairs.py": "import surely_not_installed"}).command("plugins", "badge", "stairs")
    assert outcome.code == 5
    assert "surely_not_installed" in outcome.err
    outcome = stairs.write({"stairs.py": GOOD.replace("stairs:Steps", "stairs:Stepps")}).command("plugins", "badge", "stairs")
    assert outcome.code == 4
    assert "broken: source: steps:" in outcome.out
    assert "Traceback" not in outcome.text
