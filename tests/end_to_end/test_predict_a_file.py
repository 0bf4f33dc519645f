"""`mlforge predict` from the outside: rows in, predictions out, and rows that break the model's contract told apart."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from tests.end_to_end.buyers import rows

from mlforge.testing.project import TestProject

NEW = "age,income,city"


def given(project: TestProject, lines: list[str], header: str = NEW) -> Path:
    """A file of new rows, without the target."""
    file = project.root / "new.csv"
    file.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return file


def unlabelled(count: int, seed: int = 9) -> list[str]:
    return [line.rpartition(",")[0] for line in rows(count, seed)]


@pytest.mark.parametrize(("sink", "read"), [("out.csv", pl.read_csv), ("out.parquet", pl.read_parquet), ("out.jsonl", pl.read_ndjson)])
@pytest.mark.parametrize("keep", [(), ("city",), ("city", "age")])
def test_every_row_gets_its_prediction_in_its_place(trained: TestProject, sink: str, read, keep: tuple[str, ...]) -> None:
    given(trained, unlabelled(300))
    outcome = trained.run("predict", "buyers", "--source", "new.csv", "--sink", sink, *(word for name in keep for word in ("--keep", name)))
    assert outcome.code == 0, outcome.text
    out = read(trained.root / sink)
    assert out.columns == ["row", *keep, "prediction", "probability_no", "probability_yes"]
    assert out["row"].to_list() == list(range(300))
    assert ((out["prediction"] == "yes") == (out["probability_yes"] > out["probability_no"])).all()
    truth = pl.Series([line.endswith("yes") for line in rows(300, 9)])
    assert ((out["prediction"] == "yes") == truth).mean() > 0.8
    assert not list(trained.root.glob("*.rejected.*"))


def test_typed_rows_and_raw_rows_get_the_same_predictions(trained: TestProject) -> None:
    file = given(trained, unlabelled(200))
    pl.read_csv(file, null_values="?").write_parquet(trained.root / "new.parquet")
    for name in ("new.csv", "new.parquet"):
        assert trained.run("predict", "buyers@champion", "--source", name, "--sink", f"{name}.out.csv").code == 0
    assert (trained.root / "new.csv.out.csv").read_text() == (trained.root / "new.parquet.out.csv").read_text()


def test_rows_that_break_the_contract_are_told_apart_with_their_reasons_and_exit_code_3(trained: TestProject) -> None:
    lines = unlabelled(10)
    lines[2], lines[5] = "old,3e4,Rom", "12,3e4,Bern"
    given(trained, lines)
    command = ("predict", "buyers@1", "--source", "new.csv", "--sink", "out.csv")
    outcome = trained.run(*command)
    assert outcome.code == 3, outcome.text
    assert "2 of 10 rows break the model's contract" in outcome.err
    rejected = pl.read_csv(trained.root / "out.rejected.csv")
    assert rejected["row"].to_list() == [2, 5]
    assert all("age" in reason for reason in rejected["reason"])
    assert pl.read_csv(trained.root / "out.csv")["row"].to_list() == [0, 1, 3, 4, 6, 7, 8, 9]
    told = trained.run(*command, "--max-rejected", "0.2", "--json")
    assert told.code == 0, told.text
    assert {"rows": 10, "predicted": 8, "rejected": 2}.items() <= json.loads(told.out).items()


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("byers", "--source", "new.csv", "--sink", "out.csv"), 2, "Did you mean buyers?"),
        (("buyers@7", "--source", "new.csv", "--sink", "out.csv"), 2, "has no version 7"),
        (("buyers@champoin", "--source", "new.csv", "--sink", "out.csv"), 2, "Did you mean champion?"),
        (("buyers", "--source", "nowhere.csv", "--sink", "out.csv"), 2, "nowhere.csv"),
        (("buyers", "--source", "new.xyz", "--sink", "out.csv"), 2, "no source reads new.xyz"),
        (("buyers", "--source", "new.csv", "--sink", "out.xyz"), 2, "out.xyz"),
        (("buyers", "--source", "new.csv", "--sink", "no/such/folder/out.csv"), 6, "no/such/folder"),
        (("buyers", "--source", "new.csv", "--sink", "out.csv", "--keep", "town"), 2, "town"),
    ],
)
def test_a_wrong_request_is_answered_with_a_sentence_and_writes_nothing(trained: TestProject, arguments: tuple[str, ...], code: int, told: str) -> None:
    given(trained, unlabelled(5))
    (trained.root / "new.xyz").write_text("x")
    before = set(trained.root.iterdir())
    outcome = trained.run("predict", *arguments)
    assert outcome.code == code, outcome.text
    assert told in outcome.err
    assert "Traceback" not in outcome.text
    assert set(trained.root.iterdir()) == before


def test_a_file_that_breaks_off_leaves_an_earlier_sink_as_it_was(trained: TestProject) -> None:
    given(trained, [*unlabelled(100_000), "31,2"])
    (trained.root / "out.csv").write_text("yesterday's")
    outcome = trained.run("predict", "buyers", "--source", "new.csv", "--sink", "out.csv")
    assert outcome.code == 3, outcome.text
    assert "line 100002" in outcome.err.replace(",", "")
    assert (trained.root / "out.csv").read_text() == "yesterday's"


def test_a_missing_feature_is_named_with_the_near_one(trained: TestProject) -> None:
    given(trained, unlabelled(5), "age,income,cty")
    outcome = trained.run("predict", "buyers", "--source", "new.csv", "--sink", "out.csv")
    assert outcome.code == 3
    assert "the source lacks the column 'city'. Did you mean cty?" in outcome.err
