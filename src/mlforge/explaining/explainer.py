"""A bundle that can be asked why."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlforge.errors import DataError, RecipeError
from mlforge.explaining.attribution import Attribution, attributed
from mlforge.explaining.background import FILE, Background
from mlforge.explaining.counterfactual import Counterfactual, counterfactuals
from mlforge.explaining.forest import Forest
from mlforge.explaining.reach import Reach
from mlforge.runtime.bundle import MODEL
from mlforge.runtime.predictor import Predictor

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["Effect", "Explainer", "Explanation"]

_GRID = 9  # values at which a column's effect is looked at
_CURVED = 4  # columns whose effect is told
_CHOICES = 16  # values of a column that a counterfactual may take
_BACKGROUND = 64  # made-up rows that a row is held against


@dataclass(frozen=True)
class Effect:
    """The answer with a column at each of its usual values: for this very row, and on average over made-up rows (partial dependence)."""

    column: str
    values: tuple[Any, ...]
    row: tuple[float, ...]
    mean: tuple[float, ...]


@dataclass(frozen=True)
class Explanation:
    """Why a row got its answer."""

    prediction: Any
    about: str  # what is explained: "the probability of >50K", "the score (log-odds) of >50K", or the target's name
    answers: str  # what effects are of: the same, but a probability where scores are explained
    attribution: Attribution
    untold: tuple[str, ...]  # columns that were held as they are: personal data and free text
    effects: tuple[Effect, ...]
    counterfactuals: tuple[Counterfactual, ...]
    row: pl.DataFrame  # as the model sees it: typed and protected

    @property
    def ranked(self) -> list[str]:
        """The columns, those that add most first."""
        shares = self.attribution.shares
        return sorted(shares, key=lambda key: (-abs(shares[key].value), key))


class Explainer:
    """An opened bundle with its background."""

    def __init__(self, predictor: Predictor, background: Background, forest: Forest | None = None) -> None:
        self.predictor, self.background, self.forest = predictor, background, forest
        bundle = predictor.bundle
        self.contract = bundle.protected or bundle.contract

    @classmethod
    def open(cls, folder: Path) -> Explainer:
        """Open a bundle to be explained. Raises DataError when it has no background, as those made before mlforge explained have not."""
        predictor = Predictor.open(folder)
        if FILE not in predictor.bundle.files:
            raise DataError(f"{folder.name}: this model has no background to explain it by", hint="Run its recipe again: bundles are made with one now.")
        forest = Forest.open(folder / MODEL, predictor.bundle.output)
        return cls(predictor, Background.model_validate_json((folder / FILE).read_bytes()), forest)

    def explain(self, raw: pl.DataFrame, *, orders: int = 8, immutable: Collection[str] = (), reach: Reach | None = None) -> Explanation:
        """Why one raw row gets its answer, and what would turn it; a value has an other answer only where `reach` says which are wanted.

        Raises DataError when the row breaks the model's contract, and RecipeError for a range where answers are no values.
        """
        if reach is not None and self.predictor.bundle.output.kind != "value":
            raise RecipeError(
                "a range to reach is for models of values, and this one names classes", hint="Leave it out: a change that turns the answer is told."
            )
        answer = self.predictor.answer(raw)
        if len(answer.rejected):
            raise DataError(f"the row breaks the model's contract: {answer.rejected['reason'][0]}", hint="Mend it; `mlforge models` shows the contract.")
        row = self.predictor.typed(raw).rows
        prediction = answer.predictions["prediction"][0]
        place = self._place(answer.predictions.row(0, named=True))
        made = self.background.rows(_BACKGROUND, dict(row.schema))
        said = float(answer.predictions[self._column(place)][0])
        exact = self.forest.attributed(row, made, place) if self.forest is not None and made.width else None
        attribution = exact or (
            attributed(lambda rows: self.ask(rows, place), row, made, said, orders=orders) if made.width else Attribution(said, said, {}, True)
        )
        about = self.forest.about(place) if self.forest is not None and exact is not None else self._about(place)
        return Explanation(
            prediction, about, self._about(place), attribution, tuple(key for key in row.columns if key not in self.background.columns),
            self._effects(row, made, attribution, place), self._counterfactuals(raw, row, place, immutable, reach), row,
        )  # fmt: skip

    def ask(self, rows: pl.DataFrame, place: int | None) -> np.ndarray:
        """The number that is explained, for each row: the probability of the class at `place`, or the value."""
        import polars as pl

        numbers: np.ndarray = self.predictor.score(rows)[self._column(place)].cast(pl.Float64).to_numpy()
        return numbers

    def _place(self, said: Mapping[str, Any]) -> int | None:
        """Which probability is explained: of the positive class, of the predicted one, of the likeliest label; None: the value."""
        output = self.predictor.bundle.output
        classes = [str(name) for name in output.classes]
        if output.kind == "labels":
            return max(range(len(classes)), key=lambda k: float(said[f"probability_{k}"]))
        return None if not classes else 1 if len(classes) == 2 else classes.index(str(said["prediction"]))

    @staticmethod
    def _column(place: int | None) -> str:
        return "prediction" if place is None else f"probability_{place}"

    def _about(self, place: int | None) -> str:
        output = self.predictor.bundle.output
        return output.target if place is None else f"the probability of {output.classes[place]}"

    def _effects(self, row: pl.DataFrame, made: pl.DataFrame, attribution: Attribution, place: int | None) -> tuple[Effect, ...]:
        import polars as pl

        largest = sorted(attribution.shares, key=lambda key: (-abs(attribution.shares[key].value), key))
        effects = []
        many = row[[0] * made.height].with_columns(made.get_columns())  # what the background does not tell stays the row's
        for key in [key for key in largest if not row[key].dtype.is_nested()][:_CURVED]:
            grid = self.background.grid(key, row[key].dtype, _GRID)
            own = row.drop(key).join(grid.to_frame(key), how="cross").select(row.columns)
            mean = [float(self.ask(many.with_columns(pl.lit(value, dtype=grid.dtype).alias(key)), place).mean()) for value in grid]
            effects.append(Effect(key, tuple(grid.to_list()), tuple(self.ask(own, place).tolist()), tuple(mean)))
        return tuple(effects)

    def _counterfactuals(
        self, raw: pl.DataFrame, row: pl.DataFrame, place: int | None, immutable: Collection[str], reach: Reach | None
    ) -> tuple[Counterfactual, ...]:
        """Columns that are protected, personal or named stay."""
        if place is None and reach is None:
            return ()
        bundle = self.predictor.bundle
        fixed = {*immutable, *bundle.protections, *(key for key, column in self.contract.columns.items() if column.pii or column.role == "protected")}
        values = {
            key: self.background.grid(key, row[key].dtype, _CHOICES) for key in self.background.columns if key not in fixed and not row[key].dtype.is_nested()
        }
        now = self.predictor.score(row)["prediction"][0]
        at = place if bundle.output.kind != "classes" else [str(name) for name in bundle.output.classes].index(str(now))

        def towards(rows: pl.DataFrame) -> np.ndarray:
            return self.ask(rows, at) if reach is None else reach.away(self.ask(rows, None))

        def said(rows: pl.DataFrame) -> pl.Series:
            return self.predictor.score(rows)["prediction"]

        def confirmed(changed: pl.DataFrame) -> Any:
            """As a user would ask: the raw row with these values, judged by the contract."""
            asked = raw.with_columns(changed[key].alias(self._raw_name(raw, key)) for key in values if changed[key][0] != row[key][0])
            answer = self.predictor.answer(asked)
            return answer.predictions["prediction"][0] if answer.predictions.height else None

        return tuple(counterfactuals(row, values, said, towards, confirmed=confirmed, wanted=reach.holds if reach is not None else None))

    def _raw_name(self, raw: pl.DataFrame, key: str) -> str:
        return key if key in raw.columns else self.contract.real_name(key)
