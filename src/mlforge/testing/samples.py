"""Rows, contracts and windows that the contract suites start from: small, of every type and role, with what is missing and what is rare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from mlforge.contract import Contract
from mlforge.task import TASKS, Output
from mlforge.window import Window

if TYPE_CHECKING:
    import polars as pl

__all__ = ["CONTRACT", "OUTPUTS", "contract_for", "cut", "people", "window"]

_COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "person": {"dtype": "string", "role": "id", "pii": "name"},
    "joined": {"dtype": "datetime", "role": "time"},
    "household": {"dtype": "string", "role": "group"},
    "sex": {"dtype": "category", "role": "protected"},
    "stratum": {"dtype": "category", "role": "part"},
    "age": {"dtype": "int", "ge": 0, "le": 120},
    "income": {"dtype": "float", "nullable": True},
    "member": {"dtype": "bool"},
    "owner": {"dtype": "bool", "nullable": True},
    "city": {"dtype": "category", "nullable": True, "unseen": "unknown"},
    "born": {"dtype": "datetime", "nullable": True},
    "note": {"dtype": "text"},
    "visits": {"dtype": "array[float, 3]"},
}
_TARGETS: Mapping[str, Mapping[str, Any]] = {
    "classification": {"bought": {"dtype": "category", "role": "target", "positive": "yes"}},
    "regression": {"spent": {"dtype": "float", "role": "target"}},
    "multilabel": {key: {"dtype": "bool", "role": "target"} for key in ("books", "music")},
}
OUTPUTS: Mapping[str, Output] = {
    "classification": Output("classes", "bought", ("no", "yes")),
    "regression": Output("value", "spent", (), 20.0, 8.0),
    "multilabel": Output("labels", "books, music", ("books", "music")),
}


def contract_for(task: str = "classification") -> Contract:
    """A contract with a column of every type and role, and this task's target."""
    return Contract.model_validate({"columns": {**_COLUMNS, **_TARGETS[task]}})


CONTRACT = contract_for()


def people(rows: int = 300, seed: int = 7) -> pl.DataFrame:
    """Typed rows for `contract_for`, with `ROW`, in the order of their source; the same for the same seed."""
    from datetime import datetime, timedelta

    import numpy as np
    import polars as pl

    from mlforge.artifact import ROW

    draws = [np.random.default_rng([seed, column]) for column in range(9)]  # each column its own, so that the first of many rows are the few
    age, score = 18 + (draws[0].random(rows) * 72).astype(np.int64), draws[1].normal(size=rows)
    city = draws[2].choice(["Bern", "Oslo", "Rom", "Æ, „quoted“"], rows, p=[0.4, 0.3, 0.29, 0.01])
    start = datetime(2024, 1, 1)
    part = draws[3].choice(["train", "validation", "test"], rows // 3 + 1, p=[0.6, 0.2, 0.2]).repeat(3)[:rows]  # households stay together
    return pl.DataFrame(
        {
            ROW: pl.Series(range(rows), dtype=pl.Int64),
            "person": pl.Series([f"person {i:05}" for i in range(rows)], dtype=pl.String),
            "joined": pl.Series([start + timedelta(hours=i) for i in range(rows)], dtype=pl.Datetime("us")),
            "household": pl.Series([f"house {i // 3}" for i in range(rows)], dtype=pl.String),
            "sex": pl.Series(draws[4].choice(["f", "m"], rows), dtype=pl.String),
            "stratum": pl.Series(part, dtype=pl.String),
            "age": pl.Series(age, dtype=pl.Int64),
            "income": _holes(pl.Series(draws[5].normal(3e4, 1e4, rows), dtype=pl.Float64), 9),
            "member": pl.Series(draws[6].random(rows) < 0.5, dtype=pl.Boolean),
            "owner": _holes(pl.Series(draws[7].random(rows) < 0.5, dtype=pl.Boolean), 7),
            "city": _holes(pl.Series(city, dtype=pl.String), 11),
            "born": _holes(pl.Series([start - timedelta(days=365 * int(years)) for years in age], dtype=pl.Datetime("us")), 13),
            "note": pl.Series([f"visited {where} and liked it {'much' * (i % 3)}" for i, where in enumerate(city)], dtype=pl.String),
            "visits": pl.Series(draws[8].normal(size=(rows, 3)), dtype=pl.Array(pl.Float64, 3)),
            "bought": pl.Series(np.where((age - 50) / 10 + score > 0, "yes", "no"), dtype=pl.String),
            "books": pl.Series(age + 5 * score > 50, dtype=pl.Boolean),
            "music": pl.Series(age - 5 * score < 40, dtype=pl.Boolean),
            "spent": pl.Series(20 + (age - 50) / 5 + score, dtype=pl.Float64),
        }
    )


def _holes(column: pl.Series, every: int) -> pl.Series:
    """The column with a missing value in every so-manieth row."""
    return column.scatter(list(range(every - 1, len(column), every)), None)


def window(task: str = "classification", *, rows: int = 300, predicted: bool = True, seed: int = 7) -> Window:
    """Rows with what a fairly good model said of them; without predictions, as the checks see them."""
    import numpy as np
    import polars as pl

    frame = people(rows, seed)
    output = OUTPUTS[task]
    if not predicted:
        return Window("data", frame, contract_for(task), TASKS[task])
    noise = np.random.default_rng(seed + 1).normal(size=rows)
    if output.kind == "value":
        predictions = pl.DataFrame({"prediction": frame["spent"] + noise})
    elif output.kind == "labels":
        books, music = (1 / (1 + np.exp(-side * ((frame["age"].to_numpy() - at) / 5 + noise))) for side, at in ((1, 50), (-1, 40)))
        said = pl.Series([" ".join(key for key, p in zip(output.targets, row, strict=True) if p >= 0.5) for row in zip(books, music, strict=True)])
        predictions = pl.DataFrame({"prediction": said.cast(pl.String), "probability_0": books, "probability_1": music})
    else:
        likely = 1 / (1 + np.exp(-((frame["age"].to_numpy() - 50) / 10 + 0.5 * noise)))
        said = pl.Series(np.where(likely > 0.5, "yes", "no"), dtype=pl.String)
        predictions = pl.DataFrame({"prediction": said, "probability_0": 1 - likely, "probability_1": likely})
    return Window("test", frame, contract_for(task), TASKS[task], output, predictions)


def cut(whole: Window, at: Sequence[int]) -> list[Window]:
    """A window in pieces, cut before these rows."""
    edges = [0, *sorted(at), whole.rows.height]
    return [
        replace(whole, rows=whole.rows[low:high], predictions=None if whole.predictions is None else whole.predictions[low:high])
        for low, high in pairwise(edges)
    ]
