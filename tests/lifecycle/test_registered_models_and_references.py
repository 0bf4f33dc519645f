"""A plugin's Pandera model and another table, from a recipe to the quarantine."""

from __future__ import annotations

import polars as pl
import pytest

from mlforge.testing.project import TestProject

PLUGIN = """
from mlforge.hookspecs import hookimpl


@hookimpl
def mlforge_components():
    return {"schemas/sums": "shop.sums:Sums"}
"""
SUMS = '''
from pydantic import Field

from mlforge.components import Schema


class Sums(Schema):
    """The parts of an order add up to its total."""

    slack: float = Field(default=0.005, gt=0, description="largest difference that is none")

    def model(self):
        import pandera.polars as pa
        import polars as pl

        slack = self.slack

        class Model(pa.DataFrameModel):
            @pa.dataframe_check
            def adds_up(cls, data):
                return data.lazyframe.select((pl.col("net") + pl.col("tax") - pl.col("total")).abs() < slack)

        return Model
'''
RECIPE = """
    # Orders.
    mlforge: 1
    defaults: [lifecycle, source: csv, schemas: [sums], _self_]
    name: orders
    source: {path: orders.csv}
    references: {customers: {use: csv, path: customers.csv}}
    contract:
      max_rejected: 50%
      columns:
        customer: {dtype: string}
        net: {dtype: float}
        tax: {dtype: float}
        total: {dtype: float}
      expect:
        known: {column: customer, measure: refers, to: customers.id}
"""


@pytest.fixture
def shop(project: TestProject) -> TestProject:
    project.write({"shop/__init__.py": PLUGIN, "shop/sums.py": SUMS, "mlforge.toml": 'plugins = ["shop"]\n'}, orders=RECIPE)
    (project.root / "orders.csv").write_text("customer,net,tax,total\na,1,1,2\nb,1,1,3\na,2,1,3\n")
    (project.root / "customers.csv").write_text("id\na\nb\n")
    return project


def test_a_row_that_breaks_a_plugins_model_is_quarantined(shop: TestProject) -> None:
    done = shop.run("run", "orders")
    assert done.code == 0, done.text
    assert "2 rows · 1 quarantined (sums: the row breaks adds_up: 1)" in done.text
    (path,) = (shop.root / ".mlforge").glob("artifacts/**/rejected.parquet")
    assert pl.read_parquet(path)["reason"].to_list() == ["sums: the row breaks adds_up"]


def test_a_models_settings_are_a_recipes_keys_and_part_of_what_decides(shop: TestProject) -> None:
    assert shop.run("run", "orders").code == 0
    again = shop.run("run", "orders", "schemas.sums.slack=5")
    assert "3 rows" in again.text
    assert "slak" in shop.run("check", "orders", "schemas.sums.slak=5").text


def test_another_table_that_changes_is_noticed_by_an_unchanged_command(shop: TestProject) -> None:
    for _ in range(2):
        assert shop.run("run", "orders").code == 0
    (shop.root / "customers.csv").write_text("id\na\n")
    told = shop.run("plan", "orders")
    assert "reference customers" in told.text
    broken = shop.run("run", "orders")
    assert broken.code == 0, "b keeps the contract but not the model: it is no row of the table"
    (shop.root / "customers.csv").write_text("id\nb\n")
    broken = shop.run("run", "orders")
    assert broken.code == 3
    assert "share of values of customer that are not in customers.id is 1; expected at most 0" in broken.text
