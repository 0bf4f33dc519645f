"""A whole project whose rows and artifacts lie in S3 (a real server on loopback)."""

from __future__ import annotations

import shutil
from typing import Any

import polars as pl
from tests.end_to_end.buyers import buyers
from tests.servers import bucket, s3_server

from mlforge.testing.project import TestProject

__all__ = ["bucket", "s3_server"]


def test_a_recipe_runs_from_s3_to_s3_and_what_it_made_is_read_back(bucket: Any, project: TestProject) -> None:
    buyers(project)
    bucket.system.pipe_file(f"{bucket.url}/in/buyers.csv", (project.root / "buyers.csv").read_bytes())
    (project.root / "mlforge.toml").write_text(f'artifacts = "{bucket.url}/artifacts"\nroots = [".", "{bucket.url}/in"]\n')
    outcome = project.run("run", "buyers", f"source.path={bucket.url}/in/buyers.csv")
    assert outcome.code == 0, outcome.text
    assert not (project.root / ".mlforge" / "artifacts").exists()
    assert len(bucket.system.glob(f"{bucket.url}/artifacts/*/manifest.json")) >= 8

    again = project.run("run", "buyers", f"source.path={bucket.url}/in/buyers.csv", "--json")
    assert again.code == 0, again.text
    assert {stage["name"] for stage in again.json["stages"] if stage["state"] != "reuse"} == {"register"}

    shutil.rmtree(project.root / ".mlforge" / "fetched")  # as on another machine
    predicted = project.run("predict", "buyers", "--source", f"{bucket.url}/in/buyers.csv", "--sink", f"{bucket.url}/out/p.parquet")
    assert predicted.code == 0, predicted.text
    with bucket.system.open(f"{bucket.url}/out/p.parquet", "rb") as file:
        assert pl.read_parquet(file).height == pl.read_csv(project.root / "buyers.csv").height
    assert "secret-of-the-test" not in outcome.text + predicted.text


def test_a_bucket_that_is_not_there_is_told(bucket: Any, project: TestProject) -> None:
    buyers(project)
    (project.root / "mlforge.toml").write_text('artifacts = "s3://there-is-no-such-bucket/artifacts"\n')
    outcome = project.run("run", "buyers")
    assert outcome.code in (5, 6), outcome.text
    assert "there-is-no-such-bucket" in outcome.text
    assert "Traceback" not in outcome.text
