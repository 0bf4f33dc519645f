"""`mlforge init`: what it sees in a file, what it proposes, and what it refuses."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from mlforge.contract import Column, Contract
from mlforge.plugins import catalog
from mlforge.project import Project
from mlforge.recipe import Recipe, compose
from mlforge.testing.project import TestProject

ROWS = 600


def rows(**columns: Iterable[object]) -> pl.DataFrame:
    """Some columns that mean nothing, a target, and these."""
    draw = random.Random(1)
    plain = {"spend": [round(draw.gammavariate(2, 30), 2) for _ in range(ROWS)], "visits": [draw.randrange(40) for _ in range(ROWS)]}
    return pl.DataFrame({**plain, **{name: list(values) for name, values in columns.items()}, "left": [draw.choice(["no", "no", "yes"]) for _ in range(ROWS)]})


def drafted(project: TestProject, frame: pl.DataFrame, *arguments: str, target: str = "left") -> tuple[Contract, str, str]:
    """The contract of the recipe that is written, which must pass `check` as it stands; the recipe's text; and what was printed."""
    frame.write_csv(project.root / "people.csv")
    outcome = project.run("init", "people.csv", "--target", target, *arguments)
    assert outcome.code == 0, outcome.text
    assert project.run("check", "people").code == 0
    contract = composed(project, "people").contract
    assert contract is not None
    return contract, (project.root / "recipes" / "people.yaml").read_text(encoding="utf-8"), outcome.out


def composed(project: TestProject, name: str) -> Recipe:
    place = Project.find(project.root)
    return compose(name, (), place, catalog(place))


def line_of(text: str, key: str) -> str:
    (line,) = [line for line in text.splitlines() if line.lstrip().startswith(f"{key}:")]
    return line


def test_classes_too_rare_to_be_split_are_rejected_and_said_so(project):
    frame = rows()
    frame = frame.with_columns(left=pl.when(pl.int_range(pl.len()) == 7).then(pl.lit("perhaps")).otherwise("left"))
    contract, text, out = drafted(project, frame)
    assert contract.columns["left"].values == ("no", "yes")
    assert contract.columns["left"].positive == "yes"
    assert contract.max_rejected > 0
    assert '"perhaps" has fewer than 3 rows, which are rejected' in line_of(text, "left")
    assert "1 more is too rare" in out


def test_what_is_plain_becomes_a_feature_with_room_around_its_values(project):
    contract, text, out = drafted(project, rows(plan=(["gold", "basic"][k % 2] for k in range(ROWS)), town=(f"town {k % 40}" for k in range(ROWS))))
    assert contract.columns["visits"] == Column(dtype="int", ge=0, le=59)
    assert contract.columns["spend"].dtype == "float"
    assert contract.columns["plan"].values == ("basic", "gold")
    assert contract.columns["town"] == Column(dtype="category", unseen="unknown")
    assert "# 0 … 39" in line_of(text, "visits")
    assert "40 categories" in line_of(text, "town")
    assert f"Read {ROWS} rows, 5 columns." in out
    assert "wrote recipes/people.yaml" in out.lower()


def test_the_rarer_class_or_the_one_that_is_named_so_is_positive(project):
    contract, text, out = drafted(project, rows())
    assert contract.columns["left"].positive == "yes"
    assert contract.columns["left"].values == ("no", "yes")
    assert "positive: by its name" in line_of(text, "left")
    assert "→ task: classification, split: stratified" in out
    other, text, _ = drafted(project, rows(kind=(["cat", "dog", "dog"][k % 3] for k in range(ROWS))), "--force", target="kind")
    assert other.columns["kind"].positive == "cat"
    assert "positive: the rarer class" in line_of(text, "kind")


@pytest.mark.parametrize("token", ["?", "NA", "N/A", "NULL", "-"])
def test_ways_to_write_a_missing_number_are_found(project, token):
    frame = rows(income=(token if k % 10 == 0 else str(k % 37) for k in range(ROWS)))
    contract, text, _ = drafted(project, frame)
    assert contract.nulls == (token,)
    assert contract.columns["income"].dtype == "int"
    assert contract.columns["income"].nullable
    assert "max_rejected" not in text


def test_a_word_that_may_be_a_category_is_asked_about_and_not_taken_for_missing(project):
    contract, text, _ = drafted(project, rows(allergy=(["none", "nuts", "milk"][k % 3] for k in range(ROWS))))
    assert contract.nulls == ()
    assert "is 'none' a missing value?" in line_of(text, "allergy")


def test_personal_data_is_dropped_before_anything_is_written_and_not_shown(project):
    frame = rows(
        contact=(f"ada.{k}@example.org" for k in range(ROWS)),
        reach=(f"+44 20 7946 {k:04d}" for k in range(ROWS)),
        surname=(f"Smith{chr(97 + k % 26)}{k}" for k in range(ROWS)),
        mail_opened=(k % 9 for k in range(ROWS)),
    )
    contract, text, out = drafted(project, frame)
    assert {key: contract.columns[key].pii for key in contract.having("ignore")} == {"contact": "email", "reach": "phone", "surname": "name"}
    assert contract.columns["mail_opened"].role == "feature"
    assert "example.org" not in text + out
    assert "7946" not in text + out
    assert set(composed(project, "people").sections["privacy"]) == {"persons"}
    assert "contact  its values are e-mail addresses" in out


def test_protected_columns_are_known_by_name_and_by_value_and_others_are_asked_about(project):
    frame = rows(
        Sex=(["f", "m"][k % 2] for k in range(ROWS)),
        who=(["Male", "Female"][k % 2] for k in range(ROWS)),
        origin=(["White", "Black", "Other"][k % 3] for k in range(ROWS)),
        age_group=(["18-24", "25-64", "65+"][k % 3] for k in range(ROWS)),
        age=(18 + k % 60 for k in range(ROWS)),
        size=(["m", "l", "xl"][k % 3] for k in range(ROWS)),
    )
    contract, text, out = drafted(project, frame)
    assert contract.having("protected") == ("Sex", "who", "origin", "age_group")
    assert contract.columns["age"].role == "feature"
    assert "role: protected would audit it" in line_of(text, "age")
    assert "protected" not in line_of(text, "size")
    assert "→ role: protected" in out


def test_identifiers_times_and_texts_get_their_roles(project):
    start = date(2020, 1, 1)
    frame = rows(
        customer_id=(f"C{k:05d}" for k in range(ROWS)),
        number=range(ROWS),
        shop_id=(f"S{k % 90}" for k in range(ROWS)),
        signed=(str(start + timedelta(days=k)) for k in range(ROWS)),
        note=(f"they said that the thing number {k} did not work as it should have worked before" for k in range(ROWS)),
        zip=(f"0{1000 + k % 70}" for k in range(ROWS)),
        fold=(["train", "train", "test"][k % 3] for k in range(ROWS)),
    )
    contract, text, out = drafted(project, frame)
    assert contract.having("id") == ("customer_id", "number", "shop_id")
    assert "role: group" in line_of(text, "shop_id")
    assert contract.having("time") == ("signed",)
    assert "2020-01-01 … 2021-08-22" in out
    assert "split: time" in text
    assert contract.columns["note"].dtype == "text"
    assert contract.having("part") == ("fold",)
    assert contract.columns["zip"].dtype == "category"
    assert "freshness" in composed(project, "people").sections["checks"]


def test_a_column_that_tells_the_target_is_left_out_with_a_question(project):
    frame = rows()
    frame = frame.with_columns(reason=pl.when(pl.col("left") == "yes").then(pl.lit("price")), points=pl.col("spend") + 50 * (pl.col("left") == "yes"))
    contract, text, out = drafted(project, frame)
    assert contract.having("ignore") == ("reason",)
    assert line_of(text, "reason").endswith("is it known before the target is? If so, role: feature")
    assert "reason  predicts the target almost alone (1.00)  → left out: is it known before?" in out


def test_the_only_feature_stays_even_when_it_tells_the_target(project):
    frame = rows().select("left", code=pl.when(pl.col("left") == "yes").then(3).otherwise(5))
    contract, text, _ = drafted(project, frame)
    assert contract.having("feature") == ("code",)
    assert "If not, role: ignore" in line_of(text, "code")


def test_names_that_are_no_identifiers_get_keys(project):
    odd = {
        "mean radius (mm)": range(ROWS),
        "2nd": (k % 7 for k in range(ROWS)),
        "mean_radius_mm": (k % 5 for k in range(ROWS)),
        "null": (k % 3 for k in range(ROWS)),
    }
    contract, _, _ = drafted(project, rows(**{name: [value % 11 for value in values] for name, values in odd.items()}, größe=[k % 13 for k in range(ROWS)]))
    assert {column.name for column in contract.columns.values()} == {"mean radius (mm)", "2nd", "null", "größe", None}
    assert all(key.isidentifier() and key.isascii() for key in contract.columns)
    assert project.run("check", "people", "contract.columns.null_2.le=5").code == 0


def test_names_and_values_that_yaml_could_misread_come_back_as_they_are(project):
    frame = rows(**{"a: b #c": [["# x", "yes", "- d", "{y}"][k % 4] for k in range(ROWS)], "q'\\\\": [["1e3", "é\t€"][k % 2] for k in range(ROWS)]})
    contract, _, _ = drafted(project, frame)
    values = {column.name: column.values for column in contract.columns.values()}
    assert values["a: b #c"] == ("# x", "- d", "yes", "{y}")
    assert values["q'\\\\"] == ("1e3", "é\t€")


def test_a_column_without_a_name_is_left_out_and_said_so(project):
    frame = rows()
    frame.insert_column(0, pl.Series("", range(ROWS)))
    _, text, _ = drafted(project, frame)
    assert "extra: drop" in text
    assert "one column has no name" in text


def test_rows_that_break_the_contract_are_counted_and_allowed_for(project):
    contract, text, _ = drafted(project, rows(score=("oops" if k in (5, 77, 400) else str(k / 7) for k in range(ROWS))))
    assert contract.columns["score"].dtype == "float"
    assert 0.005 <= contract.max_rejected <= 0.01
    assert f"3 of {ROWS} rows break the contract" in text
    assert "3 values are no numbers" in line_of(text, "score")


def test_a_code_for_a_missing_value_is_asked_about(project):
    contract, text, _ = drafted(project, rows(waist=(-999 if k % 50 == 0 else 60 + k % 50 for k in range(ROWS))))
    assert contract.nulls == ()
    assert "does -999 stand for a missing value?" in line_of(text, "waist")


def test_a_number_is_a_regression_and_few_rows_get_a_simple_model(project):
    contract, text, out = drafted(project, rows(), target="spend")
    recipe = composed(project, "people")
    assert recipe.task.name == "regression"
    assert recipe.options["split"] == "random"
    assert recipe.options["model"] == "linear"
    assert "balance" not in recipe.sections["checks"]
    assert contract.columns["spend"].ge == 0
    assert "→ task: regression, split: random" in out
    assert "finding: test/rmse" in text


def test_many_rows_are_thinned_and_the_recipe_is_careful_about_those_not_seen(project):
    pl.DataFrame({"x": [k % 1000 for k in range(230_000)], "y": ["ab"[k > 115_000] for k in range(230_000)]}).write_parquet(project.root / "sorted.parquet")
    outcome = project.run("init", "sorted.parquet", "--target", "y")
    assert outcome.code == 0, outcome.text
    assert "of 230,000 rows, 2 columns" in outcome.out
    assert '2 classes (50% "b")' in outcome.out  # though the file is sorted by it
    recipe = composed(project, "sorted")
    assert recipe.contract.max_rejected == 0.01
    assert recipe.options["source"] == "parquet"


def test_the_separator_is_found(project):
    rows().write_csv(project.root / "semi.csv", separator=";")
    assert project.run("init", "semi.csv", "--target", "left").code == 0
    assert composed(project, "semi").plain["source"]["separator"] == ";"


def test_a_recipe_is_not_overwritten_unless_told(project):
    rows().write_csv(project.root / "people.csv")
    project.write(people="mine: 1\n")
    refused = project.run("init", "people.csv", "--target", "left")
    assert (refused.code, "--force" in refused.err) == (2, True)
    assert (project.root / "recipes" / "people.yaml").read_text() == "mine: 1\n"
    assert project.run("init", "people.csv", "--target", "left", "--name", "others").code == 0
    assert project.run("init", "people.csv", "--target", "left", "--force").code == 0
    assert project.run("check", "people").code == project.run("check", "others").code == 0


def test_a_file_outside_the_project_is_named_on_the_command_line(project, tmp_path):
    rows().write_csv(tmp_path / "outside.csv")
    outcome = project.run("init", tmp_path / "outside.csv", "--target", "left")
    assert outcome.code == 0, outcome.text
    (command,) = [line for line in outcome.out.splitlines() if line.startswith("Next")]
    verb = command.removeprefix("Next").split("·")[0].split()
    assert verb[:2] == ["mlforge", "check"]
    assert project.run(*verb[1:]).code == 0


BAD = {
    "empty": ("", 3, "is empty"),
    "head": ("a,left\n", 3, "has a header and no rows"),
    "same": ("a,left\n" + "1,no\n" * 9, 3, "has one class only: 'no'"),
    "void": ("a,left\n" + "1,\n" * 9, 3, "has no values"),
    "names": ("a,left\n" + "".join(f"{k % 3},name {k}\n" for k in range(300)), 3, "300 classes for 300 rows cannot be learnt"),
    "rare": ("a,left\n" + "1,no\n" * 50 + "1,perhaps\n2,perhaps\n", 3, "fewer than 3 rows, among them 'perhaps'"),
    "alone": ("left\n" + "no\nyes\n" * 50, 2, "no column to learn from"),
    "ragged": ("a,left\n" + "1,no\n2,yes\n" * 20 + "1,2,3\n", 3, "line 42"),
    "typo": ("a,leftt\n" + "1,no\n2,yes\n" * 20, 2, "Did you mean leftt?"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_nothing_can_be_made_of_is_refused_in_a_sentence(project, name):
    text, code, said = BAD[name]
    project.write({"people.csv": text})
    outcome = project.run("init", "people.csv", "--target", "left")
    assert (outcome.code, said in outcome.err) == (code, True), outcome.text
    assert "Traceback" not in outcome.text
    assert not (project.root / "recipes").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("nowhere.csv", "--target", "y"), 3, "there is no file nowhere.csv"),
        (("people.docx", "--target", "y"), 2, "no source reads people.docx"),
        (("people.csv",), 2, "which column is to be predicted? people.csv has "),
        (("peple.csv", "--target", "y"), 3, "Did you mean people.csv?"),
        (("people.csv", "--target", "left", "--name", "../up"), 2, "a recipe's name has letters"),
        (("people.csv", "--target", "left", "--name", "lifecycle"), 2, "every recipe builds on"),
    ],
)
def test_wrong_command_lines_are_told_what_to_type(project, arguments, code, said):
    rows().write_csv(project.root / "people.csv")
    (project.root / "people.docx").write_bytes(b"PK")
    outcome = project.run("init", *arguments)
    assert (outcome.code, said in outcome.err) == (code, True), outcome.text


def test_monitors_look_at_what_the_features_are(project):
    _, text, _ = drafted(project, rows(review=(f"a long sentence of many words about thing number {k} and why it was good" for k in range(ROWS))))
    assert "  - monitors: [drift, text_drift, data_quality, performance]" in text
    assert "  - monitors: [drift, data_quality, performance]" in drafted(project, rows(), "--force")[1]


def test_large_numbers_are_written_in_full(project):
    assert "# 1000000 … 1000299" in line_of(drafted(project, rows(order=(1_000_000 + k % 300 for k in range(ROWS))))[1], "order")


def test_the_same_file_gives_the_same_recipe(project):
    first = drafted(project, rows(town=(f"town {k % 40}" for k in range(ROWS))))[1]
    assert drafted(project, rows(town=(f"town {k % 40}" for k in range(ROWS))), "--force")[1] == first


def test_control_characters_of_a_name_do_not_reach_the_terminal(project):
    _, text, out = drafted(project, rows(**{"a\x1b[31mb": (f"x{k}@example.org" for k in range(ROWS))}))
    assert "\x1b" not in text + out


def test_every_line_that_was_proposed_has_a_comment_or_says_all_itself(project: TestProject) -> None:
    _, text, _ = drafted(project, rows(town=(f"town {k % 40}" for k in range(ROWS))))
    choices = [line for line in text.splitlines() if line.startswith(("    ", "  max", "  batch", "  lr", "  patience", "  - split", "  - model", "  - gates"))]
    assert len(choices) >= 10
    assert all("  # " in line for line in choices), choices


def test_lists_become_an_array(project: TestProject, tmp_path: Path) -> None:
    frame = pl.DataFrame({"wave": [[k / 3, 1.0, 2.0] for k in range(90)], "y": ["ab"[k % 2] for k in range(90)]})
    frame.write_parquet(project.root / "waves.parquet")
    outcome = project.run("init", "waves.parquet", "--target", "y")
    assert outcome.code == 0, outcome.text
    contract = composed(project, "waves").contract
    assert contract is not None
    assert contract.columns["wave"].dtype == "array[float, 3]"
