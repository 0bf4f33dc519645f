"""What a component of the section `schemas` must do.

class TestOrders(SchemaContract):
    component = Orders()
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from mlforge.components import Component, Schema
from mlforge.testing.component import ComponentContract

__all__ = ["SchemaContract"]


class SchemaContract(ComponentContract[Schema]):
    """Clauses for a registered Pandera model."""

    kind: ClassVar[type[Component]] = Schema

    def exercise(self, component: Schema, folder: Path) -> None:
        """Make the model."""
        component.model()

    def test_it_gives_a_model_of_pandera_over_polars(self, subject: Schema) -> None:
        """Else ingest cannot run it."""
        import pandera.polars as pa

        made = subject.model()
        whole = isinstance(made, pa.DataFrameSchema) or (isinstance(made, type) and issubclass(made, pa.DataFrameModel))
        assert whole, f"model() gives a {type(made).__name__}; a pandera.polars DataFrameModel class or DataFrameSchema was expected"

    def test_it_gives_the_same_model_each_time(self, subject: Schema) -> None:
        """Else two partitions of one table are judged by different rules."""
        assert sorted(_columns(subject)) == sorted(_columns(subject))

    def test_it_says_something_of_a_column(self, subject: Schema) -> None:
        """Else it lets every row pass."""
        assert _columns(subject), "the model has no columns"


def _columns(component: Schema) -> list[str]:
    made: Any = component.model()
    schema = made.to_schema() if hasattr(made, "to_schema") else made
    return [str(name) for name in schema.columns]
