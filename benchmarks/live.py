"""What monitors in the server cost: requests a second of the server's processor time with and without them, in turns, on one core. Needs wrk.

    python benchmarks/live.py [--seconds 5] [--rounds 4] [--connections 1,32] [--rows 1,100]

The model is small, with 14 columns of the census data's types, so that the monitors weigh as much as they ever do: drift, prediction_drift, data_quality,
estimated_performance, latency and traffic. Counted is the processor time of workers and of the collector. Monitors have 1.5 per cent of a worker's time
(`serve.monitor.share`); where more rows come than they can look at in it, batches are passed over by chance: `looked at` says how many rows are not.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import polars as pl
from benchmarks.turns import Load, Pair, post_script, spent
from tests.serving.monitors.watched import Rows, monitors, watched
from tests.serving.running import Running, serving

from mlforge.contract import Column, Contract
from mlforge.store import Store

NUMBERS = ("age", "fnlwgt", "education_num", "capital_gain", "capital_loss", "hours_per_week")
TEXTS = ("workclass", "education", "marital_status", "occupation", "relationship", "race", "sex", "native_country")
ALLOWED = 0.03


def person(draw: random.Random) -> dict[str, int | str]:
    return {name: draw.randrange(90) for name in NUMBERS} | {name: f"Some-category {draw.randrange(12)}" for name in TEXTS}


def processes(server: Running) -> list[int]:
    """Its workers, and the one that keeps windows."""
    return [*server.workers(), *collectors(server)]


def collectors(server: Running) -> list[int]:
    return [one for one in [server.sidecar("mlforge-monitor")] if one is not None]


def figure(server: Running, name: str) -> float:
    found = re.search(rf"^mlforge_{name} (\S+)$", server.ask("/metrics")[1].decode(), re.MULTILINE)
    return float(found[1]) if found else 0.0


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=5.0)
    options.add_argument("--rounds", type=int, default=4)
    options.add_argument("--connections", default="1,32")
    options.add_argument("--rows", default="1,100")
    given = options.parse_args()
    contract = Contract(columns={name: Column(dtype="int") for name in NUMBERS} | {name: Column(dtype="category", nullable=True) for name in TEXTS})
    draw = random.Random(0)
    known = Rows(contract, pl.DataFrame([person(draw) for _ in range(5000)]), [draw.choice(["no", "yes"]) for _ in range(5000)])
    chosen = {name: one for name, one in monitors("1m").items() if name != "multivariate"}
    kept = True
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "mlforge.toml").write_text("")
        with Store.open(None, root / ".mlforge") as store:
            watched(store, root / "drafts", serve={"workers": 1}, chosen=chosen, rows=known)
        script = post_script(root)
        os.sched_setaffinity(0, {0})  # inherited by the servers
        print(
            "| rows | connections | without: requests/s (p99 ms) | with (p99 ms) | processor µs a request | requests/s | processor | looked at |\n"
            "|---|---|---|---|---|---|---|---|"
        )
        with serving("people", "serve.monitor=null", cwd=root) as bare, serving("people", cwd=root) as seen:
            begun = time.monotonic()
            for rows in map(int, given.rows.split(",")):
                body = root / f"{rows}.json"
                body.write_text(json.dumps({"rows": [person(draw) for _ in range(rows)]}))

                def load(server: Running, connections: int = 8, seconds: float = 3.0, body: Path = body) -> Load:
                    return Load.of(server, processes, body, script, connections, seconds)

                for server in (bare, seen):
                    load(server)  # it learns what rows take
                for connections in map(int, given.connections.split(",")):
                    before = figure(seen, "monitor_rows_total"), figure(seen, "monitor_rows_passed_over_total")
                    pair = Pair.asked(given.rounds, *(partial(load, server, connections, given.seconds) for server in (bare, seen)))
                    looked, passed = (figure(seen, f"monitor_rows{name}_total") - was for name, was in zip(("", "_passed_over"), before, strict=True))
                    kept &= pair.rate >= 1 - ALLOWED
                    print(f"| {rows} | {connections} | {pair.cells()} | {pair.rate - 1:+.1%} | {pair.cost - 1:+.1%} | {looked / max(looked + passed, 1):.0%} |",
                          flush=True)  # fmt: skip
            print(f"\nprocessor time: worker {spent(seen.workers()):.2f} s, of it the monitors' thread {figure(seen, 'monitor_busy_seconds_total'):.2f} s; "
                  f"collector {spent(collectors(seen)):.2f} s; in {time.monotonic() - begun:.0f} s")  # fmt: skip
            print("\n".join(line for line in seen.ask("/metrics")[1].decode().splitlines() if re.match("mlforge_monitor_[a-z_]+ ", line)))
    print(f"\nat most {ALLOWED:.0%} of the requests a second everywhere: {kept}")
    raise SystemExit(0 if kept else 1)


if __name__ == "__main__":
    main()
