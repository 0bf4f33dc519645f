"""Windows and references for the tests of monitors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from mlforge.components import Monitor
from mlforge.contract import Contract
from mlforge.finding import Finding
from mlforge.task import TASKS, Output
from mlforge.window import Profile, Window

OUTPUT = Output("classes", "bought", ("no", "yes"))
COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "age": {"dtype": "float"},
    "income": {"dtype": "float", "nullable": True},
    "visits": {"dtype": "int"},
    "city": {"dtype": "category", "nullable": True, "unseen": "unknown"},
    "sex": {"dtype": "category", "role": "protected"},
    "bought": {"dtype": "category", "role": "target", "positive": "yes"},
}
CONTRACT = Contract.model_validate({"columns": COLUMNS})


def rows(count: int, seed: int = 0) -> pl.DataFrame:
    """Customers, with what they did; probabilities of that are `truth`."""
    random = np.random.default_rng(seed)
    age, income = random.normal(48, 15, count), random.lognormal(10, 0.5, count)
    city = random.choice(["Bern", "Oslo", "Rom", "Wien"], count, p=[0.4, 0.3, 0.2, 0.1])
    truth = 1 / (1 + np.exp(-((age - 48) / 12 + (np.log(income) - 10) + (city == "Rom") - 0.2)))
    frame = pl.DataFrame({"age": age, "income": income, "visits": random.poisson(3, count), "city": city, "sex": random.choice(["f", "m"], count)})
    bought = np.where(random.random(count) < truth, "yes", "no")
    return frame.with_columns(pl.Series("income", np.where(random.random(count) < 0.05, np.nan, income)).fill_nan(None), pl.Series("bought", bought))


def answers(frame: pl.DataFrame) -> pl.DataFrame:
    """A model that knows the truth, as far as incomes are there."""
    income = frame["income"].fill_null(22_026.0).to_numpy()
    odds = (
        (frame["age"].fill_null(48.0).to_numpy() - 48) / 12
        + (np.log(np.maximum(income, 1.0)) - 10)
        + (frame["city"] == "Rom").fill_null(value=False).to_numpy()
        - 0.2
    )
    said = 1 / (1 + np.exp(-np.clip(odds, -30, 30)))
    return pl.DataFrame(
        {"prediction": np.where(said > 0.5, "yes", "no"), "probability_0": 1 - said, "probability_1": said}, schema_overrides={"prediction": pl.String}
    )


@dataclass
class Watch:
    """A monitor with its reference, as the stage `calibrate` makes it."""

    monitor: Monitor
    reference: Profile
    calibration: list[Finding]

    @classmethod
    def over(cls, monitor: Monitor, frame: pl.DataFrame | None = None, *, calibrated: bool = False) -> Watch:
        frame = rows(4000, seed=1) if frame is None else frame
        told = monitor.summarise(window(frame))
        told = monitor.summarise(window(frame, told)) if monitor.fitted else told
        findings: list[Finding] = []
        if calibrated:
            told, found = monitor.calibrate(told, window(frame), 0)
            findings = list(found)
        return cls(monitor, told, findings)

    def summarise(self, frame: pl.DataFrame, **fields: Any) -> Profile:
        return self.monitor.summarise(window(frame, self.reference, **fields))

    def told(self, frame: pl.DataFrame, **fields: Any) -> dict[str, Finding]:
        """What is found in a window."""
        return {finding.name: finding for finding in self.monitor.findings(self.summarise(frame, **fields), self.reference)}

    def alarms(self, frame: pl.DataFrame, **fields: Any) -> set[str]:
        return {name for name, finding in self.told(frame, **fields).items() if finding.severity != "info"}


def window(frame: pl.DataFrame, reference: Profile | None = None, **fields: Any) -> Window:
    """A live window of these rows, answered."""
    about = {"predictions": answers(frame) if {"age", "income", "city"} <= set(frame.columns) else None, "predict": answers} | fields
    return Window("live", frame, CONTRACT, TASKS["classification"], OUTPUT, reference=reference, **about)  # type: ignore[arg-type]
