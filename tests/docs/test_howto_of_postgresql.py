"""The how-to of PostgreSQL, followed with a real one."""

from pathlib import Path

from tests.store.conftest import postgres, postgres_url
from transcript import blocks

from mlforge.testing.project import TestProject

__all__ = ["postgres", "postgres_url"]

ROOT = Path(__file__).parents[2]
EXAMPLE = "postgresql+psycopg://mlforge@db.example.org/mlforge"


def test_records_of_a_run_lie_in_the_database_and_artifacts_beside_the_project(project: TestProject, postgres_url: str) -> None:
    page = (ROOT / "docs/howto/use_postgresql.md").read_text(encoding="utf-8")
    (settings,) = [block.text for block in blocks(page) if block.language == "toml"]
    assert EXAMPLE in settings
    rows = {block.file: block.text for block in blocks((ROOT / "docs/howto/keep_rows_out.md").read_text(encoding="utf-8")) if block.file}
    project.write({"mlforge.toml": settings.replace(EXAMPLE, postgres_url), **rows})
    run = project.run("run", "leavers")
    assert run.code == 0, run.err
    assert [record["recipe"] for record in project.run("runs", "--json").json] == ["leavers"]
    assert not (project.root / ".mlforge" / "records.db").exists()
    assert any((project.root / ".mlforge" / "artifacts").iterdir())
    doctor = project.run("doctor")
    assert doctor.code == 0, doctor.text
