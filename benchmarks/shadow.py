"""What a shadow costs those who are answered: the 50 % and 99 % quantiles of latency with and without one.

    python benchmarks/shadow.py [SECONDS] [REQUESTS_PER_SECOND]

Two servers of one worker each over the same model, one with a shadow that is asked for every request, take turns of a second each under the same open-loop
load: requests are due at fixed times whatever became of those before, and latency counts from when they were due. The ratio is that of all turns together.
"""

from __future__ import annotations

import http.client
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.serving.bundles import ROW
from tests.serving.rollout.conftest import registered
from tests.serving.running import Running, serving

from mlforge.store import Store

BODY = json.dumps({"rows": [ROW]}).encode()


def turn(connection: http.client.HTTPConnection, rate: float, seconds: float) -> list[float]:
    """Latencies of one turn."""
    found, begun = [], time.perf_counter()
    for number in range(int(rate * seconds)):
        due = begun + number / rate
        if (wait := due - time.perf_counter()) > 0:
            time.sleep(wait)
        connection.request("POST", "/predict", BODY, {"content-type": "application/json"})
        response = connection.getresponse()
        response.read()
        assert response.status == 200
        found.append(time.perf_counter() - due)
    return found


def shadowed(server: Running) -> str:
    """How many rows the shadow was asked, and how many copies were dropped."""
    lines = server.ask("/metrics")[1].decode().splitlines()
    return ", ".join(line for line in lines if line.startswith(("mlforge_shadow_rows_total", "mlforge_shadow_dropped_total")))


def main() -> None:
    """Print the table."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    rate = float(sys.argv[2]) if len(sys.argv) > 2 else 300.0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "mlforge.toml").write_text("")
        with Store.open(None, root / ".mlforge") as store:
            for model, rollout in (("plain", None), ("shadowed", {"shadow": {}})):
                registered(store, root / "drafts", model=model, rollout=rollout)
                registered(store, root / "drafts", model=model)
        with serving("plain", "--workers", "1", cwd=root) as plain, serving("shadowed", "--workers", "1", cwd=root) as other:
            connections = {server.url: http.client.HTTPConnection("127.0.0.1", server.port) for server in (plain, other)}
            latencies: dict[str, list[float]] = {url: [] for url in connections}
            for connection in connections.values():
                turn(connection, rate, 1.0)
            for _ in range(int(seconds)):
                for url, connection in connections.items():
                    latencies[url] += turn(connection, rate, 1.0)
            quantiles = {url: np.quantile(np.asarray(found) * 1e3, [0.5, 0.99]) for url, found in latencies.items()}
            print(f"{'':<12}{'p50 ms':>10}{'p99 ms':>10}   ({rate:g} requests a second, {seconds:g} turns of a second each)")
            for name, server in (("plain", plain), ("with shadow", other)):
                print(f"{name:<12}{quantiles[server.url][0]:>10.3f}{quantiles[server.url][1]:>10.3f}")
            ratio = quantiles[other.url] / quantiles[plain.url]
            print(f"{'ratio':<12}{ratio[0]:>10.2f}{ratio[1]:>10.2f}")
            print(shadowed(other))


if __name__ == "__main__":
    main()
