"""URLs in recipes: what the project lets them reach, and that passwords do not stand in them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mlforge.recipe.urls import below


def wants(bench: Any, path: str) -> None:
    bench.write(reads=f"mlforge: 1\ndefaults: [small, _self_]\nsource: {{path: '{path}'}}\n")


@pytest.mark.parametrize(
    ("url", "root", "may"),
    [
        ("s3://bucket/data/x.csv", "s3://bucket/data", True),
        ("s3://bucket/data/*.csv", "s3://bucket/data/", True),
        ("s3://bucket/database/x.csv", "s3://bucket/data", False),
        ("s3://bucket/data/../x.csv", "s3://bucket/data", False),
        ("s3://bucket/data/%2e%2e/x.csv", "s3://bucket/data", False),
        ("s3://bucket/data/%252e%252e/x.csv", "s3://bucket/data", False),
        ("s3://bucket.evil/data/x.csv", "s3://bucket/data", False),
        ("https://good.org@evil.org/x.csv", "https://good.org", False),
        ("https://good.org:8443/x.csv", "https://good.org", False),
        ("https://good.org/x.csv?day=1", "https://good.org", True),
        ("http://good.org/x.csv", "https://good.org", False),
        ("simplecache::https://good.org/x.csv", "https://good.org", False),
        ("postgresql+psycopg://reader@db/people", "postgresql+psycopg://db/people", True),
        ("postgresql+psycopg://reader@db/people?host=evil", "postgresql+psycopg://db/people", False),
        ("postgresql+psycopg://db/other", "postgresql+psycopg://db/people", False),
        ("https://good.org:x/", "https://good.org", False),
    ],
)
def test_a_url_lies_below_another_or_not(url: str, root: str, may: bool) -> None:
    assert below(url, (root,)) is may


def test_a_url_below_the_projects_roots_may_be_read(bench: Any) -> None:
    wants(bench, "s3://bucket/data/x.csv")
    assert "is a URL" in bench.problem("reads").found
    bench.project = replace(bench.project, urls=("s3://bucket/data",))
    assert bench.compose("reads").sections["source"].path == "s3://bucket/data/x.csv"


def test_a_variable_that_the_project_allows_vouches_for_its_url_as_a_whole(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHERE", "s3://bucket/x.csv")
    bench.configured(env=("WHERE",))
    wants(bench, "${oc.env:WHERE}")
    assert bench.compose("reads").sections["source"].path == "s3://bucket/x.csv"
    assert bench.compose("reads").plain["source"]["path"] == "${oc.env:WHERE}"


def test_an_allowed_password_cannot_be_sent_to_a_place_of_the_recipes_choice(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD", "hunter2secret")
    bench.configured(env=("PASSWORD",))
    wants(bench, "sftp://me:${oc.env:PASSWORD}@evil.org/x.csv")
    problem = bench.problem("reads")
    assert "is a URL" in problem.found
    assert "hunter2secret" not in str(problem)
    bench.project = replace(bench.project, urls=("sftp://good.org/",))
    assert "is a URL" in bench.problem("reads").found
    wants(bench, "sftp://me:${oc.env:PASSWORD}@good.org/x.csv")
    assert bench.compose("reads").sections["source"].path == "sftp://me:hunter2secret@good.org/x.csv"


@pytest.mark.parametrize("url", ["sftp://me:hunter2secret@good.org/x.csv", "https://good.org/x.csv?token=hunter2secret"])
def test_a_password_that_is_written_out_is_refused(bench: Any, url: str) -> None:
    bench.project = replace(bench.project, urls=("sftp://good.org/", "https://good.org"))
    wants(bench, url)
    assert "a URL with a password in it" in bench.problem("reads").found
    assert "a URL with a password in it" in bench.problem("small", f"source.path='{url}'").found


def test_sqlite_is_a_file_like_any_other(bench: Any) -> None:
    bench.write(lite="mlforge: 1\ndefaults: [small, {override source: sql}, _self_]\nsource: {url: 'sqlite:///rows.db', table: x}\n")
    root = bench.project.root.resolve()
    assert bench.compose("lite").sections["source"].url == f"sqlite:///{root / 'rows.db'}"
    for url in ("sqlite:////etc/rows.db", "sqlite:///../rows.db", "sqlite:///rows.db?vfs=x", "sqlite:///file:/etc/rows.db?uri=true"):
        bench.write(lite=f"mlforge: 1\ndefaults: [small, {{override source: sql}}, _self_]\nsource: {{url: '{url}', table: x}}\n")
        assert bench.problem("lite").where == "source.url", url
