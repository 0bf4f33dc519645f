"""The built-in probes that search and explain keep their contracts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from mlforge.builtin.probes.segments import Segments
from mlforge.builtin.probes.shap import Shap
from mlforge.explaining.background import FILE, Background
from mlforge.testing import ProbeContract
from mlforge.window import Window

_FOLDER = TemporaryDirectory()  # gone with the process


class TestSegments(ProbeContract):
    component = Segments(minimum=10)


class TestShap(ProbeContract):
    component = Shap(rows=5, orders=2)

    def window(self, rows: int) -> Window:
        """With a model that can be asked, and a bundle with a background."""
        seen = super().window(rows)
        bundle = Path(_FOLDER.name)
        (bundle / FILE).write_text(Background.of(super().window(300).rows, seen.contract).model_dump_json())
        return replace(seen, predictions=model(seen.rows), predict=model, bundle=bundle)


def model(rows: pl.DataFrame) -> pl.DataFrame:
    """Says yes the more, the older."""
    said = 1 / (1 + (-(rows["age"].fill_null(50) - 50) / 10).exp()) if "age" in rows.columns else pl.Series([0.5] * len(rows), dtype=pl.Float64)
    answers = pl.select(pl.when(said > 0.5).then(pl.lit("yes")).otherwise(pl.lit("no"))).to_series()
    return pl.DataFrame({"prediction": answers, "probability_0": 1 - said, "probability_1": said}, schema_overrides={"prediction": pl.String})
