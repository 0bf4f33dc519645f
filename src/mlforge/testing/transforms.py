"""What a transform must do.

    class TestLogarithm(TransformContract):
        component = Logarithm()

It gets the columns that it takes of the sample's contract (see mlforge.testing.samples), which has one of every type.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest

from mlforge.components import Component, Fragment, Transform
from mlforge.contract import Contract
from mlforge.errors import MlforgeError
from mlforge.testing.component import ComponentContract
from mlforge.testing.samples import contract_for, people

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["TransformContract"]

_BLOCKS = {"numbers": "float32", "categories": "int64", "bytes": "uint8"}


class TransformContract(ComponentContract[Transform]):
    """Clauses for a transform of raw columns into what a network reads."""

    kind: ClassVar[type[Component]] = Transform

    def contract(self) -> Contract:
        """What the rows keep."""
        return contract_for()

    def rows(self, count: int) -> pl.DataFrame:
        """Rows that keep the contract."""
        return people(count)

    def exercise(self, component: Transform, folder: Path) -> None:
        """Fit it and run it."""
        self._run(self._fitted(component), self.rows(20), folder)

    def disturb(self, component: Transform, folder: Path) -> None:
        """Fit it to rows that lack its columns."""
        component.fit("entry", component.takes(self.contract()), self.rows(20).select("__row__").lazy(), self.contract())

    def test_it_takes_feature_columns(self, subject: Transform) -> None:
        """Else it learns from the target, or from nothing."""
        taken = subject.takes(self.contract())
        assert taken, "it takes no column of the sample; override `contract` and `rows`"
        unknown = set(taken) - set(self.contract().columns)
        assert not unknown, f"it takes {', '.join(sorted(unknown))}, which the contract has not"
        assert set(taken) <= set(self.contract().having("feature")), f"it takes {', '.join(taken)}, and not all are features"

    def test_recipes_can_say_which_columns_it_takes(self, subject: Transform) -> None:
        """Else two transforms of one type cannot share the columns between them."""
        assert "columns" in type(subject).model_fields, "there is no field `columns`"
        first = subject.takes(self.contract())[0]
        assert subject.model_copy(update={"columns": (first,)}).takes(self.contract()) == (first,), "the field `columns` does not decide"

    def test_the_same_rows_give_the_same_graph(self, subject: Transform, tmp_path: Path) -> None:
        """Else the same recipe makes other bundles each time."""
        one, other = (self._graph(self._fitted(subject)) for _ in range(2))
        assert one == other, "two fits to the same rows differ in their bytes"

    def test_its_graph_gives_what_it_promises(self, subject: Transform, tmp_path: Path) -> None:
        """Else the network is built for another width or type than it is fed."""
        fragment = self._fitted(subject)
        assert fragment.block in _BLOCKS, f"the block {fragment.block}; there are {', '.join(_BLOCKS)}"
        values = self._run(fragment, self.rows(40), tmp_path)
        assert values.shape == (40, fragment.width), f"{values.shape}; {(40, fragment.width)} was promised"
        assert str(values.dtype) == _BLOCKS[fragment.block], f"{values.dtype} in the block {fragment.block}"
        if fragment.block == "categories":
            assert len(fragment.cardinalities) == fragment.width, "not every column of ids says how many there are"
            assert (values >= 0).all() and (values < fragment.cardinalities).all(), "an id is outside its cardinality"  # noqa: PT018

    def test_missing_values_become_numbers(self, subject: Transform, tmp_path: Path) -> None:
        """Else one empty cell makes every weight of the network NaN."""
        import numpy as np

        values = self._run(self._fitted(subject), self._emptied(), tmp_path)
        assert np.isfinite(values).all(), "a missing value becomes NaN or infinite"

    def test_what_training_has_not_seen_becomes_numbers(self, subject: Transform, tmp_path: Path) -> None:
        """Else the first unknown category, or the first value out of range, ends a prediction."""
        import numpy as np

        values = self._run(self._fitted(subject), _strange(self.rows(10)), tmp_path)
        assert np.isfinite(values).all(), "an unseen value becomes NaN or infinite"

    def test_a_row_alone_becomes_what_it_becomes_among_others(self, subject: Transform, tmp_path: Path) -> None:
        """Else a server, which sees single rows, feeds the network otherwise than training did."""
        import numpy as np

        fragment, rows = self._fitted(subject), self.rows(8)
        together = self._run(fragment, rows, tmp_path / "all")
        alone = np.concatenate([self._run(fragment, rows[i : i + 1], tmp_path / str(i)) for i in range(8)])
        assert np.allclose(together, alone, rtol=1e-6, atol=1e-6), f"they differ by {np.abs(together - alone).max()}"

    def test_two_entries_do_not_get_in_each_others_way(self, subject: Transform) -> None:
        """Else one component cannot be used under two names: nodes and constants carry the entry as prefix."""
        names = [_names(self._fitted(subject, entry)) for entry in ("one", "other")]
        shared = (names[0] & names[1]) - set(self.contract().columns)
        assert not shared, f"both entries make {', '.join(sorted(shared)[:5])}"

    @pytest.mark.parametrize("count", [0, 1])
    def test_no_rows_and_one_row_are_fitted_or_an_error_for_a_person(self, subject: Transform, count: int) -> None:
        """Else a tiny training part ends in a traceback."""
        try:
            fragment = subject.fit("entry", subject.takes(self.contract()), self.rows(count).lazy(), self.contract())
        except MlforgeError:
            return
        assert fragment is None or isinstance(fragment, Fragment)

    def test_without_columns_there_is_nothing_to_add(self, subject: Transform) -> None:
        """Else a recipe in which another entry has taken them all ends in a traceback."""
        assert subject.fit("entry", (), self.rows(20).lazy(), self.contract()) is None

    def _fitted(self, component: Transform, entry: str = "entry") -> Fragment:
        fragment = component.fit(entry, component.takes(self.contract()), self.rows(200).lazy(), self.contract())
        assert fragment is not None, "it adds nothing for the sample's rows; override `contract` and `rows`"
        return fragment

    def _graph(self, fragment: Fragment) -> bytes:
        from mlforge.lifecycle.bundling.front import front

        return bytes(front([fragment], self.contract()).SerializeToString(deterministic=True))

    def _run(self, fragment: Fragment, rows: pl.DataFrame, folder: Path) -> np.ndarray:
        from mlforge.runtime.session import Graph

        folder.mkdir(parents=True, exist_ok=True)
        (folder / "front.onnx").write_bytes(self._graph(fragment))
        (values,) = Graph(folder / "front.onnx", threads=1).run(rows)
        return values

    def _emptied(self) -> pl.DataFrame:
        """Rows in which whatever may be missing is."""
        import polars as pl

        columns = self.contract().columns
        rows = self.rows(10)
        return rows.with_columns(pl.lit(None, dtype=rows.schema[key]).alias(key) for key in rows.columns if key in columns and columns[key].nullable)


def _strange(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with words that nobody knows, and numbers far out."""
    import polars as pl

    far = {pl.Int64: 10**6, pl.Float64: -1e12, pl.String: "surely new ☃"}
    return rows.with_columns(pl.lit(far[type(dtype)], dtype=dtype).alias(key) for key, dtype in rows.schema.items() if type(dtype) in far and key != "__row__")


def _names(fragment: Fragment) -> set[str]:
    made = {name for node in fragment.nodes for name in (node.name, *node.output) if name}
    return made | {constant.name for constant in fragment.initialisers}
