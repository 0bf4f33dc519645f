"""scikit-learn's own data as a source."""

from __future__ import annotations

import subprocess
import sys

import polars as pl
import pytest

from mlforge.builtin.sources.sample import Sample

pytest.importorskip("sklearn")


@pytest.mark.parametrize(
    ("name", "shape", "classes"),
    [
        ("breast_cancer", (569, 31), {"benign", "malignant"}),
        ("digits", (1797, 65), {str(digit) for digit in range(10)}),
        ("iris", (150, 5), {"setosa", "versicolor", "virginica"}),
        ("wine", (178, 14), {"class_0", "class_1", "class_2"}),
        ("diabetes", (442, 11), None),
    ],
)
def test_each_set_has_its_rows_and_its_target_last(name: str, shape: tuple[int, int], classes: set[str] | None) -> None:
    rows = Sample.model_validate({"name": name}).scan().collect()
    assert rows.shape == shape
    assert rows.columns[-1] == "target"
    if classes is None:
        assert rows["target"].dtype == pl.Float64
    else:
        assert set(rows["target"]) == classes


def test_the_fingerprint_does_not_import_scikit_learn() -> None:
    code = "import sys; from mlforge.builtin.sources.sample import Sample; print(Sample(name='iris').fingerprint(), {'sklearn', 'polars'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.startswith("iris of scikit-learn ")
    assert said.endswith(" set()\n")
