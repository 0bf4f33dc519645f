"""From a graph's outputs to what is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from mlforge.serving.batcher import Answer

if TYPE_CHECKING:
    import polars as pl

    from mlforge.serving.engine import Engine

__all__ = ["Answering"]


class Answering:
    """Words the answers of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._classes = engine.classes
        self._also = tuple(name for name in engine.outputs if name not in ("prediction", "probability"))
        self._head = {"model": engine.name, "version": engine.version or None, "target": engine.bundle.output.target}

    def json(self, answer: Answer, ident: str, fallback: str = "") -> bytes:
        """The body of an answer in JSON: predictions in the order of the rows, null for one that was rejected."""
        rows = self.rows(answer)
        load = answer.load
        told: dict[str, Any] = {**self._head, "id": ident, "predictions": rows}
        if fallback:
            told["fallback"] = fallback
        if load.rejected:
            told["predictions"] = placed = [None] * load.count
            for position, row in zip(load.positions(), rows, strict=True):
                placed[position] = row  # type: ignore[call-overload]
            told["rejected"] = [{"row": one.row, "reason": one.reason} for one in load.rejected]
        return orjson.dumps(told, option=orjson.OPT_SERIALIZE_NUMPY)

    def rows(self, answer: Answer) -> list[dict[str, Any]]:
        """For each good row its prediction, and the probability of each class by name."""
        if answer.start == answer.stop:
            return []
        predictions = answer.output("prediction").tolist()
        if not self._classes or "probability" not in answer.outputs:
            rows = [{"prediction": prediction} for prediction in predictions]
        else:
            classes = self._classes
            rows = [
                {"prediction": prediction, "probabilities": dict(zip(classes, shares, strict=True))}
                for prediction, shares in zip(predictions, answer.output("probability"), strict=True)
            ]
        for name in self._also:
            for row, value in zip(rows, answer.output(name), strict=True):
                row[name] = value
        return rows

    def table(self, answer: Answer) -> pl.DataFrame:
        """The same as a table: `row` (its position in the request), `prediction`, and `probability of …` for each class."""
        import polars as pl

        columns: dict[str, Any] = {"row": pl.Series(list(answer.load.positions()), dtype=pl.Int64)}
        if answer.start == answer.stop:
            return pl.DataFrame(columns)
        columns["prediction"] = pl.Series(answer.output("prediction").tolist())
        if "probability" in answer.outputs:
            columns |= {f"probability {name}": share for name, share in zip(self._classes, answer.output("probability").T, strict=False)}
        columns |= {name: answer.output(name) for name in self._also}
        return pl.DataFrame(columns)
