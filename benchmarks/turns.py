"""Two servers on one core asked in turns from another: what something in a server costs, in requests a second and in processor time. Needs wrk."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.serving.running import Running

__all__ = ["Load", "Pair", "post_script", "spent"]

_LUA = """
local f = assert(io.open(os.getenv("BODY"), "rb")); wrk.body = f:read("*a"); f:close()
wrk.method = "POST"; wrk.headers["Content-Type"] = "application/json"
done = function(s, l, r)
  io.write(string.format('FIGURES %d %.6f %.4f %d\\n', s.requests, s.duration / 1e6, l:percentile(99) / 1000, s.errors.status + s.errors.timeout))
end
"""


def post_script(folder: Path) -> Path:
    """What wrk does: it posts the body that `BODY` names, and prints its figures in one line."""
    script = folder / "post.lua"
    script.write_text(_LUA)
    return script


def spent(processes: Sequence[int]) -> float:
    """Seconds of a processor that they have had, all their threads together."""
    return sum(int(task.read_text().split()[0]) for one in processes for task in Path(f"/proc/{one}/task").glob("*/schedstat")) / 1e9


@dataclass(frozen=True)
class Load:
    """Requests a second, microseconds of processor time a request, and the 99th percentile in ms. What was refused is no answer."""

    rate: float
    cost: float
    p99: float

    @classmethod
    def of(cls, server: Running, processes: Callable[[Running], Sequence[int]], body: Path, script: Path, connections: int, seconds: float) -> Load:
        """Ask for so long, from the second core."""
        before = spent(processes(server))
        command = ["taskset", "-c", "1", "wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds:g}s", "-s", str(script), f"{server.url}/predict"]
        said = subprocess.run(command, env={**os.environ, "BODY": str(body)}, capture_output=True, text=True, check=True).stdout
        found = re.search(r"FIGURES (\d+) (\S+) (\S+) (\d+)", said)
        assert found, said
        answered = int(found[1]) - int(found[4])
        return cls(answered / float(found[2]), 1e6 * (spent(processes(server)) - before) / max(answered, 1), float(found[3]))


@dataclass(frozen=True)
class Pair:
    """The same load on a server without something and on one with it, as often as there are rounds; which is first changes."""

    without: tuple[Load, ...]
    having: tuple[Load, ...]

    @classmethod
    def asked(cls, rounds: int, without: Callable[[], Load], having: Callable[[], Load]) -> Pair:
        """Ask both in turns."""
        told: dict[bool, list[Load]] = {False: [], True: []}
        for number in range(rounds):
            for which in (False, True)[:: 1 if number % 2 else -1]:
                told[which].append((having if which else without)())
        return cls(tuple(told[False]), tuple(told[True]))

    @property
    def rate(self) -> float:
        """Requests a second with it, as a share of those without it: the median of the rounds'."""
        return statistics.median(two.rate / one.rate for one, two in zip(self.without, self.having, strict=True))

    @property
    def cost(self) -> float:
        """Processor time of a request with it, as a multiple of that without it: the median of the rounds'."""
        return statistics.median(two.cost / one.cost for one, two in zip(self.without, self.having, strict=True))

    def cells(self) -> str:
        """Both sides as cells of a table: requests/s (p99 ms), then processor µs a request."""
        one, two = (
            Load(*(statistics.median(getattr(load, name) for load in loads) for name in ("rate", "cost", "p99"))) for loads in (self.without, self.having)
        )
        return f"{one.rate:,.0f} ({one.p99:.1f}) | {two.rate:,.0f} ({two.p99:.1f}) | {one.cost:.1f} → {two.cost:.1f}"
