"""The evaluator of what predictions rest on, row by row and in sum."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from mlforge.builtin.probes.sampling import ORDER, PART, sampled
from mlforge.components import Probe
from mlforge.contract import Contract
from mlforge.explaining.attribution import ADDS_UP, attributed
from mlforge.explaining.background import FILE, Background
from mlforge.explaining.forest import Forest
from mlforge.finding import Finding
from mlforge.runtime.bundle import MODEL, read_bundle
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from mlforge.task import Task

__all__ = ["Shap"]

_TABLE, _GAP, _UNIT = "shares", "__gap__", "unit"
_PROBABILITY, _SCORE = "a prediction", "a score (log-odds)"  # what is attributed
_BACKGROUND = 32  # made-up rows that each row is held against


class Shap(Probe):
    """What each column adds to predictions: Shapley values (Lundberg and Lee 2017) of a sample of rows, against the bundle's background.

    `shap/<column>` is the mean of their sizes, in the answer's own unit (the probability of the positive class, of the one predicted, or of the likeliest
    label; or the target's), and `shap/additivity` the largest gap between a prediction and the sum of its parts, relative to the prediction's distance from
    the base. Where it is above 0.001 the explanation has failed: no column has a value then. Of trees, the values are exact (TreeSHAP), and in the unit of
    their score: log-odds, the share of trees, or the target's. `mlforge explain` tells single rows.
    """

    libraries: ClassVar[tuple[str, ...]] = ("numpy", "polars", "onnxruntime")
    asks: ClassVar[bool] = True

    rows: int = Field(default=50, ge=2, le=5000, description="rows that are explained")
    orders: int = Field(default=3, ge=2, le=500, description="orders in which columns are entered for each row, forwards and backwards")
    confidence: float = Field(default=0.95, ge=0.5, lt=1, description="confidence of the intervals")

    def enough(self) -> int:
        """As many as are asked about."""
        return self.rows

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """One finding a feature, and how well they add up."""
        return ("shap/additivity", *(f"shap/{key}" for key in contract.having("feature")))

    def summarise(self, window: Window) -> Profile:
        """Of the rows that were drawn, what each column adds: bounded."""
        import polars as pl

        background = _background(window)
        if window.output is None or window.predict is None or window.rows.is_empty() or background is None:
            return Profile()
        drawn = sampled(window, [pl.col(name) for name in window.rows.columns], self.rows)
        rows = drawn.drop(ORDER, PART)
        made = background.rows(_BACKGROUND, dict(rows.schema))
        said = window.predict(rows)
        forest, told = _forest(window), []
        for number, order in enumerate(drawn[ORDER]):
            place = _place(window, said.row(number, named=True))
            column = "prediction" if place is None else f"probability_{place}"
            exact = None if forest is None else forest.attributed(rows[number], made, place)
            attribution = exact or attributed(_asked(window, column), rows[number], made, float(said[column][number]), orders=self.orders)
            forest = forest if exact is not None else None
            told.append({ORDER: order, _GAP: attribution.gap, **{key: share.value for key, share in attribution.shares.items()}})
        types: dict[str, Any] = {ORDER: drawn[ORDER].dtype, _GAP: pl.Float64, **dict.fromkeys(made.columns, pl.Float64)}
        unit = _PROBABILITY if forest is None or forest.shares or window.output.kind == "value" else _SCORE
        return Profile({_TABLE: pl.DataFrame(told, schema=types), _UNIT: pl.DataFrame({_UNIT: [unit]})})

    def merge(self, one: Profile, other: Profile) -> Profile:
        """The rows with the smallest hashes of both."""
        import polars as pl

        if not one.tables or not other.tables:
            return one if one.tables else other
        both = pl.concat([one.tables[_TABLE], other.tables[_TABLE]]).sort(ORDER, maintain_order=True).head(self.rows)
        return Profile({**one.tables, _TABLE: both})

    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """How well the parts add up, and what each column adds, the largest first."""
        if not profile.tables:
            return
        table = profile.tables[_TABLE]
        gap, rows = float(table[_GAP].max()), table.height  # type: ignore[arg-type]  # a column of floats
        failed = _failure(gap if table[_GAP].is_finite().all() else float("nan"))
        about: dict[str, Any] = {"rows": rows, "better": "lower"}
        text = failed or f"what the columns add misses no prediction by more than {gap:.2g} of its distance from the base"
        yield Finding(name="shap/additivity", value=gap if gap - gap == 0 else None, text=text, severity="warning" if failed else "info", **about)
        sizes = table.drop(ORDER, _GAP)
        columns = sorted(sizes.columns, key=lambda key: (-_mean(sizes[key].abs()), key))
        z = NormalDist().inv_cdf((1 + self.confidence) / 2)
        for key in columns:
            if failed:
                yield Finding(name=f"shap/{key}", value=None, rows=rows, text=f"the explanation failed: {failed}")
                continue
            size = sizes[key].abs()
            value, half = _mean(size), z * float(size.std() or 0.0) / rows**0.5  # type: ignore[arg-type]  # a column of floats
            how = f"{100 * self.confidence:g} % normal, over rows"
            mean = _mean(sizes[key])
            text = f"{key} moves {profile.tables[_UNIT][_UNIT][0]} by {value:.3g} on average ({mean:+.3g} with its sign)"
            yield Finding(
                name=f"shap/{key}", value=value, low=max(0.0, value - half), high=value + half, interval=how, rows=rows, text=text, evidence={"mean": mean}
            )


def _failure(gap: float) -> str:
    if gap - gap != 0:
        return "some predictions are not finite numbers"
    return f"what the columns add misses a prediction by {gap:.2g} of its distance from the base" if gap > ADDS_UP else ""


def _background(window: Window) -> Background | None:
    """The bundle's; None where it has none, as bundles of an older mlforge, or knows no column, as after ten training rows."""
    path = window.bundle / FILE if window.bundle is not None else None
    if path is None or not path.exists():
        return None
    told = Background.model_validate_json(path.read_bytes())
    known = {key: values for key, values in told.columns.items() if key in window.rows.columns}
    return told.model_copy(update={"columns": known}) if known else None


def _forest(window: Window) -> Forest | None:
    """The bundle's trees, where it has some and speaks of the same classes."""
    if window.bundle is None or not (window.bundle / MODEL).exists():
        return None
    known = read_bundle(window.bundle).output
    return Forest.open(window.bundle / MODEL, known) if known == window.output else None


def _place(window: Window, said: Mapping[str, Any]) -> int | None:
    assert window.output is not None
    classes = [str(name) for name in window.output.classes]
    if window.output.kind == "labels":
        return max(range(len(classes)), key=lambda k: float(said[f"probability_{k}"]))
    return None if not classes else 1 if len(classes) == 2 else classes.index(str(said["prediction"]))


def _asked(window: Window, column: str) -> Any:
    import polars as pl

    def ask(rows: pl.DataFrame) -> np.ndarray:
        assert window.predict is not None
        numbers: np.ndarray = window.predict(rows)[column].cast(pl.Float64).to_numpy()
        return numbers

    return ask


def _mean(series: pl.Series) -> float:
    return float(series.mean() or 0.0)  # type: ignore[arg-type]  # a column of floats
