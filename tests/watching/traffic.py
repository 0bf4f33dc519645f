"""A model with a request log, and traffic in it: files as `mlforge serve` writes them, with the answers of the model itself."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
from tests.end_to_end.buyers import RECIPE, rows, store_of

from mlforge.artifact import Bundles
from mlforge.runtime.predictor import Predictor
from mlforge.service.layout import FEEDBACK, ID, LABEL, LANE, LATENCY, REQUESTS, ROW, TIME, VERSION, file_name, folder
from mlforge.testing.project import TestProject

NOW = datetime.now(UTC).replace(microsecond=0)

WATCHED = RECIPE.replace("- _self_", "- monitors: [traffic]\n      - _self_", 1).replace(
    "trainer: {max_epochs: 6, batch_size: 32, lr: 0.05, accelerator: cpu}",
    """trainer: {max_epochs: 4, batch_size: 32, lr: 0.05, accelerator: cpu}
    monitors: {traffic: {windows: hourly, fewest: 50}}
    serve: {log: {path: served}}
    retrain:
      when: {labels: 300}
      cool_down: 1s
      a_day: 100
    """,
)


def opposite(age: float, income: float, city: str) -> bool:
    """A world turned upside down: now the young and the poor buy."""
    return (age - 48) / 10 + (income - 3e4) / 1e4 + 2 * (city == "Rom") - 0.7 < 0


def usual(age: float, income: float, city: str) -> bool:
    """The world of the training rows."""
    return not opposite(age, income, city)


def watched(project: TestProject, recipe: str = WATCHED) -> TestProject:
    """The project with its first version."""
    project.write(buyers=recipe)
    (project.root / "buyers.csv").write_text("\n".join(["age,income,city,bought", *rows(600)]) + "\n", encoding="utf-8")
    outcome = project.run("run", "buyers")
    assert outcome.code == 0, outcome.text
    return project


def traffic(
    project: TestProject, count: int = 400, world: Callable[[float, float, str], bool] = usual, *, labels: int | None = None, begin: datetime | None = None,
    spread: timedelta = timedelta(milliseconds=1), seed: int = 3, version: int | None = None,
) -> None:  # fmt: skip
    """`count` requests of a row each, from `begin` on, and labels for the first `labels` of them (all, unless said)."""
    chance = random.Random(seed)
    with store_of(project) as store:
        champion = store.registry.resolve("buyers" if version is None else f"buyers@{version}")
        predictor = Predictor.open(Bundles(store.artifacts.path(champion.bundle)).bundle())
    begin = datetime.now(UTC) if begin is None else begin
    raw = [(chance.randint(18, 80), round(chance.gauss(3e4, 1e4), 2), chance.choice(["Bern", "Oslo", "Rom"])) for _ in range(count)]
    frame = pl.DataFrame(raw, schema=["age", "income", "city"], orient="row")
    answers = predictor.answer(frame.with_columns(pl.all().cast(pl.String))).predictions
    times = [(begin + spread * place / count).replace(tzinfo=None) for place in range(count)]
    ids = [f"{seed}-{place}" for place in range(count)]
    own = {ID: ids, ROW: pl.Series([0] * count, dtype=pl.Int32), TIME: pl.Series(times, dtype=pl.Datetime("us"))}
    more = {VERSION: pl.Series([champion.version] * count, dtype=pl.Int32), LANE: ["champion"] * count, LATENCY: pl.Series([1.0] * count, dtype=pl.Float32)}
    _write(project, folder(REQUESTS, "buyers", champion.version, begin), pl.DataFrame(own | more).hstack(frame).hstack(answers), begin + spread)
    some = count if labels is None else labels
    if some:
        said = ["yes" if world(*row) else "no" for row in raw[:some]]
        told = pl.DataFrame({ID: ids[:some], ROW: own[ROW][:some], TIME: own[TIME][:some], LABEL: said})
        _write(project, folder(FEEDBACK, "buyers", None, begin), told, begin + spread)


def _write(project: TestProject, below: str, frame: pl.DataFrame, at: datetime) -> None:
    place = project.root / "served" / below
    place.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(Path(place) / file_name(at))
