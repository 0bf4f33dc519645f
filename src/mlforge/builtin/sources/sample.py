"""The sample source."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from mlforge.components import Source
from mlforge.errors import MissingRequirement

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

__all__ = ["Sample"]

_VALUES = frozenset({"diabetes"})  # their target is a number, not a class


class Sample(Source):
    """A small data set that comes with scikit-learn: for demos, tests and first steps.

    Columns have scikit-learn's names, and the last is `target`: the class's name as text, or the value for diabetes.
    """

    requires: ClassVar[tuple[str, ...]] = ("scikit-learn",)
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn",)

    name: Literal["breast_cancer", "diabetes", "digits", "iris", "wine"] = Field(description="which data set")

    def watched(self) -> tuple[Path, ...]:
        """Nothing: the data changes with the installed scikit-learn only."""
        return ()

    def fingerprint(self) -> str:
        """The data set's name and scikit-learn's version, which carries it."""
        try:
            return f"{self.name} of scikit-learn {version('scikit-learn')}"
        except PackageNotFoundError:
            raise MissingRequirement("source/sample needs scikit-learn", hint="pip install 'mlforge[sample]'") from None

    def scan(self) -> pl.LazyFrame:
        """All rows, in scikit-learn's order."""
        import polars as pl
        from sklearn import datasets

        loaded = getattr(datasets, f"load_{self.name}")()
        frame = pl.DataFrame(loaded.data, schema=[str(name) for name in loaded.feature_names], orient="row")
        if self.name in _VALUES:
            return frame.with_columns(target=pl.Series(loaded.target, dtype=pl.Float64)).lazy()
        names = [str(name) for name in loaded.target_names]
        return frame.with_columns(target=pl.Series([names[index] for index in loaded.target])).lazy()
