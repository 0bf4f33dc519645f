"""What the request log costs: requests a second with and without it, in turns, on one core. Needs wrk.

    python benchmarks/request_log.py [--seconds 3] [--rounds 3] [--connections 1,16,64] [--rows 1,100]

The model is small, with 14 columns of the census data's types, so that the log weighs as much as it ever does. Beside requests a second stand those a second of
the server's own CPU time, the thread that writes included, which a noisy neighbour changes least.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.serving.bundles import make_bundle
from tests.serving.running import Running, serving

from mlforge.contract import Column, Contract

NUMBERS = ("age", "fnlwgt", "education_num", "capital_gain", "capital_loss", "hours_per_week")
TEXTS = ("workclass", "education", "marital_status", "occupation", "relationship", "race", "sex", "native_country")
ROW = {name: 40 + place for place, name in enumerate(NUMBERS)} | dict.fromkeys(TEXTS, "Some-category")
LUA = """
local f = assert(io.open(os.getenv("BODY"), "rb")); wrk.body = f:read("*a"); f:close()
wrk.method = "POST"; wrk.headers["Content-Type"] = "application/json"
done = function(s, l, r)
  io.write(string.format('FIGURES %d %.6f %.4f %d\\n', s.requests, s.duration / 1e6, l:percentile(99) / 1000, s.errors.status + s.errors.timeout))
end
"""


def cpu(server: Running) -> float:
    """Seconds of CPU that its worker has had."""
    (worker,) = server.workers()
    fields = Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(server: Running, body: Path, script: Path, connections: int, seconds: float) -> tuple[float, float, float]:
    """Requests a second, those a second of CPU, and the 99th percentile in ms."""
    before = cpu(server)
    command = ["taskset", "-c", "1", "wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds:g}s", "-s", str(script), f"{server.url}/predict"]
    said = subprocess.run(command, env={**os.environ, "BODY": str(body)}, capture_output=True, text=True, check=True).stdout
    found = re.search(r"FIGURES (\d+) (\S+) (\S+) (\d+)", said)
    assert found, said
    answered = int(found[1]) - int(found[4])  # what was refused, because the machine is too slow for so many, is no answer
    return answered / float(found[2]), answered / max(cpu(server) - before, 1e-9), float(found[3])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=3.0)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--connections", default="1,16,64")
    options.add_argument("--rows", default="1,100")
    given = options.parse_args()
    contract = Contract(columns={name: Column(dtype="int") for name in NUMBERS} | {name: Column(dtype="category", nullable=True) for name in TEXTS})
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        bundle, script = make_bundle(root / "people", contract), root / "post.lua"
        script.write_text(LUA)
        os.sched_setaffinity(0, {0})  # inherited by the server
        print("| rows | connections | without: requests/s (p99 ms) | with (p99 ms) | ratio | ratio per CPU second |\n|---|---|---|---|---|---|")
        with serving(bundle, "--workers", "1") as bare, serving(bundle, "--workers", "1", "--log", root / "log") as logged:
            for rows in map(int, given.rows.split(",")):
                body = root / f"{rows}.json"
                body.write_text(json.dumps({"rows": [ROW] * rows}))
                for connections in map(int, given.connections.split(",")):
                    told: dict[str, list[tuple[float, float, float]]] = {"bare": [], "logged": []}
                    for number in range(given.rounds):
                        for name, server in (("bare", bare), ("logged", logged))[:: 1 if number % 2 else -1]:
                            told[name].append(load(server, body, script, connections, given.seconds))
                    (one, one_cpu, one_p99), (two, two_cpu, two_p99) = (tuple(map(statistics.median, zip(*told[name], strict=True))) for name in told)
                    print(
                        f"| {rows} | {connections} | {one:,.0f} ({one_p99:.1f}) | {two:,.0f} ({two_p99:.1f}) | {two / one:.2f} | {two_cpu / one_cpu:.2f} |",
                        flush=True,
                    )
            text = logged.ask("/metrics")[1].decode()
            print("\n".join(line for line in text.splitlines() if line.startswith("mlforge_log_")))


if __name__ == "__main__":
    main()
