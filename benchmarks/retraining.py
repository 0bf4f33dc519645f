"""Is retraining on drift and loss worth what it costs? The electricity market of New South Wales in time order, as if it were lived through.

    python benchmarks/retraining.py [FOLDER [WEEKS [AT_ONCE]]]         (../shared/data: electricity.csv; all 134 weeks, one chain after the other)

A model learns on the first 12 weeks. Then week after week it is asked about every half hour, the true answers come, and `mlforge watch` looks after it: what
it sees is in its request log, as `mlforge serve` writes it. Told is the prequential accuracy: of the answers that were given, by whichever version was champion
then. Five models live through the same weeks: one is never trained again, one every four weeks, one when performance or drift alarms and there is a
loss of 2 %, one by the same or after eight weeks without any, and one by alarms with its rows weighted by age. Of its rows, the recipe says only how many:
the newest tenth judges, as it does by default. Beside them stands an answer that knows no model: the class of half an hour ago.
"""

from __future__ import annotations

import multiprocessing
import shutil
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from mlforge.artifact import Bundles
from mlforge.cli.workplace import Workplace
from mlforge.project import Project
from mlforge.report.charts import Chart, drawn
from mlforge.runtime.predictor import Predictor
from mlforge.service.layout import FEEDBACK, ID, LABEL, LANE, LATENCY, REQUESTS, ROW, TIME, VERSION, file_name, folder
from mlforge.watching.running import run
from mlforge.watching.watch import Watch

WEEK, FIRST = 336, 12 * 336  # rows: one for each half hour
HALF_HOUR = timedelta(minutes=30)
RECIPE = """
mlforge: 1
defaults: [lifecycle, {{source: csv}}, {{split: time}}, {{model: lightgbm_fast}}, {{trainer: estimator}}, {{exporters: [onnx]}},
           {{evaluators: [classification]}}, {{gates: [no_regression]}}, {{monitors: [drift, performance]}}, _self_]
name: market
source: {{path: first.csv}}
split: {{by: rows, validation: 0.2, test: 0.2}}
contract:
  extra: drop
  columns:
    period:    {{dtype: float}}
    nswprice:  {{dtype: float}}
    nswdemand: {{dtype: float}}
    vicprice:  {{dtype: float}}
    vicdemand: {{dtype: float}}
    transfer:  {{dtype: float}}
    class:     {{dtype: category, role: target, positive: "1"}}
monitors:
  drift: {{windows: weekly, false_alarms: 2/year}}
  performance: {{windows: weekly, false_alarms: 2/year}}
serve: {{log: {{path: served}}}}
{retrain}
"""
TRAINING = "training: {window: sliding, newest: 4032, fewest: 2016}, then: promote"
ALARMS = "drift: {monitor: drift, loss: 2%}, performance: {monitor: performance, loss: 2%}"
CHAINS = {
    "never": "",
    "every four weeks": f"retrain: {{when: {{rows: {4 * WEEK - 8}}}, {TRAINING}}}",
    "drift and loss": f"retrain: {{when: {{{ALARMS}}}, cool_down: 7d, {TRAINING}}}",
    "or after eight weeks": f"retrain: {{when: {{rows: {8 * WEEK - 8}, {ALARMS}}}, cool_down: 7d, {TRAINING}}}",
    "loss, rows weighted": f"retrain: {{when: {{{ALARMS}}}, cool_down: 7d, training: {{window: weighted, half_life: 60d, fewest: 672}}, then: promote}}",
}


@dataclass
class Chain:
    """One model and its weeks."""

    name: str
    root: Path
    rows: pl.DataFrame
    begin: datetime
    right: list[float] = field(default_factory=list)  # share of each week's answers
    retrained: list[int] = field(default_factory=list)  # weeks
    promoted: list[int] = field(default_factory=list)
    alerts: int = 0
    seconds: float = 0.0

    def live(self, first: Path) -> Chain:
        """From the first version to the last week."""
        began = time.perf_counter()
        shutil.copytree(first, self.root)
        (self.root / "recipes" / "market.yaml").write_text(RECIPE.format(retrain=CHAINS[self.name]))
        place = Workplace(Project.find(self.root))
        recipe = place.recipe("market", (), for_run=True)
        with place.store() as store:
            watch = Watch(recipe, "market", store, place.project, place.catalog, place.hooks, lambda text: print(f"    {text[:150]}", flush=True))
            for week in range(FIRST // WEEK, self.rows.height // WEEK):
                champion = store.registry.resolve("market@champion")
                predictor = Predictor.open(Bundles(store.artifacts.path(champion.bundle)).bundle())
                self._ask(week, champion.version, predictor)
                if self.name != "never":
                    watch.turn(self.begin + HALF_HOUR * (week + 1) * WEEK + timedelta(minutes=1))
            triggers = store.triggers.of("market")
            self.alerts = len(store.alerts.of("market"))
        self.retrained = [self._week(one.created) for one in triggers]
        self.promoted = [self._week(one.created) for one in triggers if one.version is not None]
        self.seconds = time.perf_counter() - began
        return self

    def _week(self, created: str) -> int:
        return round((datetime.fromisoformat(created) - self.begin) / (HALF_HOUR * WEEK))

    def _ask(self, week: int, version: int, predictor: Predictor) -> None:
        """A week of requests and labels, written as a server writes them."""
        rows = self.rows[week * WEEK : (week + 1) * WEEK]
        answers = predictor.answer(rows.drop("class").with_columns(pl.all().cast(pl.String))).predictions
        self.right.append(float((answers["prediction"].cast(pl.String) == rows["class"].cast(pl.String)).mean()))  # type: ignore[arg-type]
        begin = self.begin + HALF_HOUR * week * WEEK
        times = [(begin + HALF_HOUR * place).replace(tzinfo=None) for place in range(WEEK)]
        own = {ID: [f"{week}-{place}" for place in range(WEEK)], ROW: pl.Series([0] * WEEK, dtype=pl.Int32), TIME: pl.Series(times, dtype=pl.Datetime("us"))}
        more = {VERSION: pl.Series([version] * WEEK, dtype=pl.Int32), LANE: ["champion"] * WEEK, LATENCY: pl.Series([1.0] * WEEK, dtype=pl.Float32)}
        asked = pl.DataFrame(own | more).hstack(rows.drop("class")).hstack(answers)
        truth = pl.DataFrame({**own, LABEL: rows["class"].cast(pl.String)})
        for day in range(7):  # a server's files are never much older than their rows
            start = begin + timedelta(days=day)
            for below, frame in ((folder(REQUESTS, "market", version, start), asked), (folder(FEEDBACK, "market", None, start), truth)):
                (self.root / "served" / below).mkdir(parents=True, exist_ok=True)
                frame[day * 48 : (day + 1) * 48].write_parquet(self.root / "served" / below / file_name(start + timedelta(days=1)))

    @property
    def accuracy(self) -> float:
        """Over all weeks."""
        return sum(self.right) / len(self.right)


def born(root: Path, rows: pl.DataFrame) -> Path:
    """A project with the first version, which all of them have."""
    (root / "recipes").mkdir(parents=True)
    (root / "recipes" / "market.yaml").write_text(RECIPE.format(retrain=""))
    rows[:FIRST].write_csv(root / "first.csv")
    first = run(("market",), root, root)
    assert first.code == 0, first.said
    return root


def plot(chains: list[Chain]) -> str:
    """Accuracy over the weeks, smoothed over eight, and where each was trained again."""
    lines = [
        {"week": FIRST // WEEK + place, "value": sum(chain.right[max(0, place - 7) : place + 1]) / min(place + 1, 8), "of": chain.name}
        for chain in chains
        for place in range(len(chain.right))
    ]
    marks = [{"week": week, "of": chain.name, "value": 0.5 + 0.012 * nth} for nth, chain in enumerate(chains) for week in chain.promoted]
    colours = {"field": "of", "scale": {"domain": [chain.name for chain in chains], "range": ["#8a8f98", "#c77d1f", "#1f5fbf", "#a0307a", "#2c8a57"]}}
    axis = {"x": {"field": "week", "type": "quantitative", "title": "week"}, "color": {**colours, "type": "nominal"}}
    value = {"field": "value", "type": "quantitative", "scale": {"zero": False}, "title": "accuracy, mean of 8 weeks; points: retrained"}
    layers = [
        {"data": {"values": lines}, "mark": "line", "encoding": {**axis, "y": value}},
        {"data": {"values": marks}, "mark": {"type": "point", "filled": True, "size": 18}, "encoding": {**axis, "y": value}},
    ]
    svg = drawn(Chart("performance", "Prequential accuracy", {"width": 760, "height": 300, "layer": layers}))
    style = "<style>:root{--soft:#555;--line:#ddd;--mark:#1f5fbf;--ink:#111}</style>"
    return svg.replace(">", f">{style}<rect width='100%' height='100%' fill='#fff'/>", 1)


def main(data: Path, weeks: int, at_once: int) -> None:
    rows = pl.read_csv(data / "electricity.csv")[: weeks * WEEK]
    began = datetime.now(UTC)
    begin = datetime(began.year, began.month, began.day, tzinfo=UTC) - timedelta(days=began.weekday()) + timedelta(days=7)  # a Monday, after the first version
    with tempfile.TemporaryDirectory(prefix="mlforge-retraining-") as home:
        first = born(Path(home) / "first", rows)
        begun = [Chain(name, Path(home) / str(nth), rows, begin) for nth, name in enumerate(CHAINS)]
        with ProcessPoolExecutor(at_once, multiprocessing.get_context("spawn")) as pool:
            chains = list(pool.map(Chain.live, begun, [first] * len(begun)))
    last = (rows["class"] == rows["class"].shift(1))[FIRST : rows.height // WEEK * WEEK].mean()
    print(f"\n{'retrained':<22}{'accuracy':>9}{'worst 8 weeks':>15}{'retrainings':>13}{'promoted':>10}{'alerts':>8}{'gain each':>11}{'seconds':>9}")
    for chain in chains:
        worst = min(sum(chain.right[at : at + 8]) / 8 for at in range(len(chain.right) - 7))
        gain = f"{(chain.accuracy - chains[0].accuracy) / len(chain.retrained):.2%}" if chain.retrained else ""
        counts = f"{len(chain.retrained):>13}{len(chain.promoted):>10}{chain.alerts:>8}"
        print(f"{chain.name:<22}{chain.accuracy:>9.3f}{worst:>15.3f}{counts}{gain:>11}{chain.seconds:>9.0f}")
    print(f"{'(the class before)':<22}{last:>9.3f}")
    target = Path(__file__).with_name("retraining.svg")
    target.write_text(plot(chains), encoding="utf-8")
    print(f"Plot  {target}")


if __name__ == "__main__":
    folder_of_data = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[1].parent / "shared" / "data"
    main(folder_of_data, *(int(sys.argv[place]) if len(sys.argv) > place else default for place, default in ((2, 10_000), (3, 1))))
