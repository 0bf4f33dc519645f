"""The evaluator of errors."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from mlforge.artifact import ROW
from mlforge.builtin.probes.classes import UNSEEN, ids
from mlforge.builtin.probes.losses import log_losses
from mlforge.components import Probe
from mlforge.contract import Contract
from mlforge.finding import Finding
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import polars as pl

    from mlforge.task import Task

__all__ = ["Errors"]

_TOLD = 8  # rows in the evidence
_PAIRS = 10  # confusions in the evidence


class Errors(Probe):
    """Where the model is most wrong: the worst rows, which classes it takes for which, and labels that look wrong themselves.

    `errors/worst` is the largest loss of a row, `errors/confusions` the share of rows in the most frequent confusion, and `errors/label_suspects` the share
    of rows whose label the model contradicts with more confidence than it has in that class on average (confident learning: Northcutt et al. 2021); of values,
    the share of rows that are more than four robust deviations off. Of several labels, the worst rows alone: a row is as wrong as its labels are on average.
    """

    libraries: ClassVar[tuple[str, ...]] = ("numpy", "polars")

    worst: int = Field(default=20, ge=1, le=1000, description="rows that are kept, the most wrong first")

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """The worst, the confusions of classes, and the labels that look wrong."""
        yield "errors/worst"
        if task.output != "labels":
            yield "errors/label_suspects"
        if task.output == "classes":
            yield "errors/confusions"

    def summarise(self, window: Window) -> Profile:
        """Each row's loss, classes and confidence, exact; and the worst rows as they are."""
        import polars as pl

        if window.output is None or window.predictions is None or window.rows.is_empty():
            return Profile()
        scored = _scored(window)
        numbers = window.rows[ROW] if ROW in window.rows.columns else pl.Series(range(len(window.rows)), dtype=pl.Int64)
        scored = scored.with_columns(numbers.cast(pl.Int64).alias("number"))
        worst = scored.with_row_index("at").sort("loss", "number", descending=[True, False]).head(self.worst)
        cases = worst.select("loss", "number").with_columns(case=pl.Series([_case(window, int(at)) for at in worst["at"]], dtype=pl.String))
        names = () if window.output.kind == "labels" else window.output.classes
        classes = pl.DataFrame({"class": [str(name) for name in names]}, schema={"class": pl.String})
        return Profile({"rows": scored, "worst": cases, "classes": classes}, exact=True)

    def merge(self, one: Profile, other: Profile) -> Profile:
        """All rows, and the worst of both."""
        import polars as pl

        if not one.tables or not other.tables:
            return one if one.tables else other
        worst = pl.concat([one.tables["worst"], other.tables["worst"]]).sort("loss", "number", descending=[True, False]).head(self.worst)
        return Profile(
            {"rows": pl.concat([one.tables["rows"], other.tables["rows"]], rechunk=False), "worst": worst, "classes": one.tables["classes"]}, exact=True
        )

    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """The worst rows, the confusions, and the suspicious labels."""
        if not profile.tables:
            return
        table, classes = profile.tables["rows"].sort("number"), profile.tables["classes"]["class"].to_list()
        worst = profile.tables["worst"]
        cases = [{"number": number, "loss": round(loss, 4), **json.loads(case)} for loss, number, case in worst.head(_TOLD).iter_rows()]
        largest = float(worst["loss"][0])
        finite = largest - largest == 0
        yield Finding(
            name="errors/worst", value=largest if finite else None, rows=table.height, better="lower", evidence={"cases": cases if finite else []},
            text=f"the most wrong is row {worst['number'][0]}" if finite else "some predictions are not finite numbers",
        )  # fmt: skip
        if not table["target"].is_null().all():
            yield _suspects(table, classes)
        if classes:
            yield _confusions(table, classes)


def _scored(window: Window) -> pl.DataFrame:
    import numpy as np
    import polars as pl

    assert window.output is not None
    assert window.predictions is not None
    if window.output.kind == "labels":
        loss = log_losses(window.predictions, window.rows, window.output)
        return pl.DataFrame({"loss": loss}).with_columns(pl.lit(None, dtype=pl.Float64).alias(name) for name in ("target", "predicted", "own", "other"))
    target = window.rows[window.output.target]
    if window.output.kind == "value":
        off = (window.predictions["prediction"].cast(pl.Float64) - target.cast(pl.Float64)) / window.output.scale
        return pl.DataFrame({"loss": off**2, "target": off, "predicted": off, "own": off, "other": off}).with_columns(pl.col("predicted", "own", "other") * 0.0)
    classes = pl.Series(list(window.output.classes)).cast(pl.String)
    known, called = ids(target, classes), ids(window.predictions["prediction"], classes)
    probability = window.predictions.select(f"probability_{k}" for k in range(len(classes))).cast(pl.Float64).to_numpy()
    place = known.to_numpy()
    own = np.where(place == UNSEEN, 0.0, probability[np.arange(len(place)), np.maximum(place, 0)])
    loss = -np.log(np.clip(own, np.finfo(np.float64).eps, 1))
    return pl.DataFrame({"loss": loss, "target": known.cast(pl.Float64), "predicted": called.cast(pl.Float64), "own": own, "other": probability.max(axis=1)})


def _suspects(table: pl.DataFrame, classes: list[str]) -> Finding:
    """Labels that the model contradicts with confidence: likely wrong themselves."""
    import polars as pl

    name = "errors/label_suspects"
    if not classes:
        deviation = 1.4826 * float((table["target"] - (table["target"].median() or 0.0)).abs().median() or 0.0)  # type: ignore[arg-type]
        found = table.filter(pl.col("target").abs() > 4 * deviation) if deviation else table.clear()
        what = "more than four robust deviations from what the model says"
    else:
        usual = table.group_by("predicted").agg(pl.col("other").mean().alias("usual"))
        sure = table.join(usual, on="predicted").filter(
            (pl.col("predicted") != pl.col("target")) & (pl.col("other") >= pl.col("usual")) & (pl.col("target") >= 0)
        )
        found, what = sure, "contradicted by the model with more confidence than it usually has"
    numbers = found.sort("loss", "number", descending=[True, False])["number"].head(50).to_list()
    share = found.height / table.height
    return Finding(name=name, value=share, rows=table.height, better="lower", text=f"{found.height} labels are {what}", evidence={"rows": numbers})


def _confusions(table: pl.DataFrame, classes: list[str]) -> Finding:
    import polars as pl

    wrong = table.filter((pl.col("predicted") != pl.col("target")) & (pl.col("target") >= 0))
    pairs = (
        wrong.group_by("target", "predicted")
        .agg(pl.len().alias("rows"), pl.col("number").sort().head(3))
        .sort("rows", "target", "predicted", descending=[True, False, False])
    )
    told = list(_pairs(pairs.head(_PAIRS), classes))
    share = told[0]["rows"] / table.height if told else 0.0
    text = f"{told[0]['true']} is taken for {told[0]['said']} in {told[0]['rows']} of {table.height} rows" if told else "no row is taken for another class"
    return Finding(name="errors/confusions", value=share, rows=table.height, better="lower", text=text, evidence={"confusions": told})


def _pairs(pairs: pl.DataFrame, classes: list[str]) -> Iterator[dict[str, Any]]:
    for true, said, rows, numbers in pairs.iter_rows():
        yield {"true": classes[int(true)], "said": classes[int(said)], "rows": rows, "such as rows": numbers}


def _case(window: Window, at: int) -> str:
    """A row as JSON, with what is true and what was said; of personal data, nothing."""
    assert window.output is not None
    assert window.predictions is not None
    shown = [key for key, column in window.contract.columns.items() if key in window.rows.columns and column.pii is None and key not in window.output.targets]
    row = {name: window.rows[name][at] for name in shown if window.rows[name][at] is not None}
    said = window.predictions.row(at, named=True)
    true = [window.rows[key][at] for key in window.output.targets]
    named = " ".join(key for key, has in zip(window.output.targets, true, strict=True) if has) if window.output.kind == "labels" else true[0]
    return json.dumps({"row": row, "true": named, "said": said["prediction"]}, default=str)
