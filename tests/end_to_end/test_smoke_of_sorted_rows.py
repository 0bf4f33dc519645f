"""A smoke run of rows that are sorted as databases give them: by class, by group or by time."""

from __future__ import annotations

import pytest

from mlforge.testing.project import TestProject

RECIPE = """
    mlforge: 1
    defaults: [lifecycle, {source: csv}, {split: stratified}, MODEL, _self_]
    name: sorted
    source: {path: rows.csv}
    contract:
      columns:
        x: {dtype: float}
        who: {dtype: string, role: group}
        at: {dtype: datetime, role: time}
        y: {dtype: category, role: target, positive: "yes"}
"""
MODEL = "{model: linear}, {trainer: lightning}, {exporters: [onnx]}, {evaluators: [classification]}"


@pytest.mark.parametrize("split", ["stratified", "grouped", "time"])
def test_a_smoke_run_of_sorted_rows_gets_to_its_end(project: TestProject, split: str) -> None:
    days = [f"2024-{number // 1500 % 12 + 1:02}-{number // 60 % 25 + 1:02}T{number % 24:02}:00" for number in range(18_000)]
    rows = [(number / 7 % 5, f"p{number // 90}", day, "yes" if number >= 17_700 else "no") for number, day in enumerate(days)]
    if split == "time":  # of which the last part has both classes
        rows = [(*row[:3], "yes" if number % 3 else "no") for number, row in enumerate(rows)]
    project.write(
        {"rows.csv": "x,who,at,y\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)},
        sorted=RECIPE.replace("MODEL, ", f"{MODEL}, " * (split == "stratified")),
    )
    outcome = project.run("run", "sorted", "--smoke", f"split={split}", *["contract.columns.who.role=ignore"] * (split != "grouped"))
    assert outcome.code == 0, outcome.text
