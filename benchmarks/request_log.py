"""What the request log costs: requests a second with and without it, in turns, on one core. Needs wrk.

    python benchmarks/request_log.py [--seconds 3] [--rounds 3] [--connections 1,16,64] [--rows 1,100]

The model is small, with 14 columns of the census data's types, so that the log weighs as much as it ever does. Beside requests a second stand those a second of
the server's own CPU time, the process that writes included, which a noisy neighbour changes least.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.turns import Load, Pair, post_script
from tests.serving.bundles import make_bundle
from tests.serving.running import Running, serving

from mlforge.contract import Column, Contract

NUMBERS = ("age", "fnlwgt", "education_num", "capital_gain", "capital_loss", "hours_per_week")
TEXTS = ("workclass", "education", "marital_status", "occupation", "relationship", "race", "sex", "native_country")
ROW = {name: 40 + place for place, name in enumerate(NUMBERS)} | dict.fromkeys(TEXTS, "Some-category")
ALLOWED = 0.1


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=3.0)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--connections", default="1,16,64")
    options.add_argument("--rows", default="1,100")
    given = options.parse_args()
    contract = Contract(columns={name: Column(dtype="int") for name in NUMBERS} | {name: Column(dtype="category", nullable=True) for name in TEXTS})
    kept = True
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        bundle, script = make_bundle(root / "people", contract), post_script(root)
        os.sched_setaffinity(0, {0})  # inherited by the server
        print("| rows | connections | without: requests/s (p99 ms) | with (p99 ms) | processor µs a request | requests/s | processor |")
        print("|---|---|---|---|---|---|---|")
        with serving(bundle, "--workers", "1") as bare, serving(bundle, "--workers", "1", "--log", root / "log") as logged:
            for rows in map(int, given.rows.split(",")):
                body = root / f"{rows}.json"
                body.write_text(json.dumps({"rows": [ROW] * rows}))
                for connections in map(int, given.connections.split(",")):
                    pair = Pair.asked(
                        given.rounds,
                        *(partial(Load.of, server, _processes, body, script, connections, given.seconds) for server in (bare, logged)),
                    )
                    kept &= pair.rate >= 1 - ALLOWED
                    print(f"| {rows} | {connections} | {pair.cells()} | {pair.rate - 1:+.1%} | {pair.cost - 1:+.1%} |", flush=True)
            text = logged.ask("/metrics")[1].decode()
            print("\n".join(line for line in text.splitlines() if line.startswith("mlforge_log_")))
    print(f"\nat most {ALLOWED:.0%} of the requests a second everywhere: {kept}")
    raise SystemExit(0 if kept else 1)


def _processes(server: Running) -> list[int]:
    """The worker and, where there is a log, its writer."""
    writer = server.sidecar("mlforge-log")
    return [*server.workers(), *([writer] if writer is not None else [])]


if __name__ == "__main__":
    main()
