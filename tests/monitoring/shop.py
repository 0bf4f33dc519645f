"""A shop whose model was released with monitors, and rows of the days after."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from pathlib import Path

from tests.end_to_end.buyers import buyers, rows

from mlforge.testing.project import TestProject

MONITORS = "monitors=[drift,prediction_drift,data_quality,performance,estimated_performance,traffic]"
HEADER = "when,shop,age,income,city,bought"


def released(project: TestProject) -> TestProject:
    """A version with its reference."""
    outcome = buyers(project, rows(1500)).run("run", "buyers", MONITORS, "trainer.max_epochs=4", "monitors.traffic.fewest=50")
    assert outcome.code == 0, outcome.text
    return project


def days(count: int, each: int = 200, *, older: int = 0, since: int = 10**6, labels: bool = True, seed: int = 5, first: int = 1) -> list[str]:
    """Lines of a file: `each` rows a day; from day `since` on, customers are `older`."""
    chance, lines = random.Random(seed), []
    made = iter(rows(count * each, seed))
    for day in range(count):
        for _ in range(each):
            age, income, city, bought = next(made).split(",")
            when = datetime(2026, 11, 1) + timedelta(days=first - 1 + day, seconds=chance.randrange(86_400))
            age = str(min(int(age) + older, 100)) if day >= since else age
            lines.append(f"{when.isoformat()},{chance.choice('NS')},{age},{income},{city},{bought if labels else ''}")
    return lines


def file(project: TestProject, lines: list[str], name: str = "live.csv", header: str = HEADER) -> Path:
    path = project.root / name
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path
