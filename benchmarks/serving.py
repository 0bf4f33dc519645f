"""Requests a second of `mlforge serve` beside bare granian with onnxruntime and beside peers, where they are installed. Needs wrk.

    python benchmarks/serving.py [--seconds 3] [--rounds 3] [--only "bare granian,mlforge"] [--race floats]

Two races. `floats`: a network over a tensor of 14 floats, over each server's own protocol. `named`: raw rows by name of a model that was trained on the census
data (`$MLFORGE_DATA`), where peers preprocess as their users do, in the handler. The server has one core and wrk another. mlforge checks the contract, counts
and writes a request log; without that log it runs once more. Beside requests a second stand those a second of the server's own CPU time, which a noisy
neighbour changes least. What is promised is held against the figures below each table, whether all peers were there or not.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from peers import command, python, there

HERE = Path(__file__).parent / "servers"
ROWS, CONNECTIONS = (1, 100), (1, 16, 64)
LUA = """
local f = assert(io.open(os.getenv("BODY"), "rb")); wrk.body = f:read("*a"); f:close()
wrk.method = "POST"; wrk.headers["Content-Type"] = "application/json"
done = function(s, l, r)
  io.write(string.format('FIGURES {"requests": %d, "seconds": %.6f, "p50": %.4f, "p99": %.4f, "errors": %d}\\n', s.requests, s.duration / 1e6,
    l:percentile(50) / 1000, l:percentile(99) / 1000, s.errors.connect + s.errors.read + s.errors.write + s.errors.status + s.errors.timeout))
end
"""


@dataclass(frozen=True)
class Contender:
    """A server: how it is started, asked, and with which body."""

    name: str
    start: tuple[str, ...]  # {port} is the port
    path: str
    body: str  # "floats", "named", "v2", "columns"
    env: dict[str, str] = field(default_factory=dict)
    build: tuple[str, ...] = ()  # what makes its model, once


def contenders(race: str, work: Path) -> Iterator[Contender]:
    granian = ("-m", "granian", "--interface", "rsgi", "--host", "127.0.0.1", "--port", "{port}", "--workers", "1", "--no-ws", "--log-level", "error")
    bare = (sys.executable, "-c", "from mlforge.cli import main; main()", "serve", str(work / race), "--port", "{port}", "--workers", "1", "--threads", "1")
    mlforge = (*bare, "--log", str(work / f"log_{race}"))
    onnx = {"BENCH_ONNX": str(work / "floats.onnx" if race == "floats" else work / "named" / "model.onnx")}
    yield Contender("bare granian", (sys.executable, *granian, f"bare:{race}"), "/predict", race, onnx)
    yield Contender("mlforge", mlforge, "/predict", "rows" if race == "floats" else race)
    yield Contender("mlforge without log", bare, "/predict", "rows" if race == "floats" else race)
    if race == "floats":
        yield Contender("mlforge v2", mlforge, "/v2/models/floats/infer", "v2")
    if there("core"):
        core = python("core")
        yield Contender("litserve", (core, f"lit_{race}.py", "{port}"), "/predict", race, onnx)
        yield Contender("ray serve", (core, f"ray_{race}.py", "{port}"), "/predict", race, onnx)
        scored = work / f"mlflow_{race}"
        flow = (command("core", "mlflow"), "models", "serve", "-m", str(scored), "--env-manager", "local", "-h", "127.0.0.1", "-p", "{port}", "-w", "1")
        env = {**onnx, "PATH": f"{Path(core).parent}:{os.environ['PATH']}"}
        yield Contender("mlflow", flow, "/invocations", "inputs" if race == "floats" else "records", env, (core, f"mlflow_{race}.py", str(scored)))
    if there("bentoml"):
        bento = (command("bentoml", "bentoml"), "serve", f"bento_{race}:Model", "--host", "127.0.0.1", "--port", "{port}")
        yield Contender("bentoml", bento, "/predict", race, {**onnx, "BENTOML_DO_NOT_TRACK": "True"})
    if there("mlserver"):
        for name, workers in (("mlserver", "1"), ("mlserver in process", "0")):
            env = {**onnx, "MLSERVER_PARALLEL_WORKERS": workers, "MLSERVER_HOST": "127.0.0.1", "MLSERVER_HTTP_PORT": "{port}", "MLSERVER_DEBUG": "false"}
            env |= {"MLSERVER_GRPC_PORT": "{grpc}", "MLSERVER_METRICS_PORT": "{metrics}"}
            yield Contender(
                name, (command("mlserver", "mlserver"), "start", f"mlserver_{race}"), "/v2/models/model/infer", "v2" if race == "floats" else "columns", env
            )


def bodies(race: str, work: Path) -> None:
    """What is asked, in each server's words: `work/BODY-ROWS.json`."""
    for count in ROWS:
        said: dict[str, object]
        if race == "floats":
            rows = np.random.default_rng(1).standard_normal((count, 14)).round(6).tolist()
            flat = [value for row in rows for value in row]
            v2 = {"inputs": [{"name": "x", "shape": [count, 14], "datatype": "FP64", "data": flat}]}
            said = {"floats": {"inputs": rows}, "inputs": {"inputs": rows}, "rows": {"rows": [{"x": row} for row in rows]}, "v2": v2}
        else:
            records = json.loads((work / "records.json").read_text())[:count]
            columns = {name: [record[name] for record in records] for name in records[0]}
            tensors = [
                {"name": name, "shape": [count], "datatype": "BYTES" if isinstance(values[0], str) else "INT64", "data": values}
                for name, values in columns.items()
            ]
            said = {"named": {"rows": records}, "records": {"dataframe_records": records}, "columns": {"inputs": tensors}}
        for name, body in said.items():
            (work / f"{name}-{count}.json").write_text(json.dumps(body))


@contextmanager
def running(one: Contender, work: Path) -> Iterator[tuple[str, int, float]]:
    """The server on the first core: its URL, its process, and seconds until it had answered."""
    ports = {name: str(_free()) for name in ("port", "grpc", "metrics")}
    filled = [part.replace("{port}", ports["port"]) for part in one.start]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]), **one.env}
    env = {name: value.format(**ports) if value in ("{port}", "{grpc}", "{metrics}") else value for name, value in env.items()}
    url, begun = f"http://127.0.0.1:{ports['port']}{one.path}", time.perf_counter()
    with (work / f"{one.name.replace(' ', '_')}.log").open("wb") as log:
        process = subprocess.Popen(["taskset", "-c", "0", *filled], cwd=HERE, env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            body = (work / f"{one.body}-1.json").read_bytes()
            while not _answers(url, body):
                if process.poll() is not None or time.perf_counter() - begun > 90:
                    raise RuntimeError(f"{one.name} did not start: {Path(log.name).read_text()[-800:]}")
                time.sleep(0.02)
            yield url, process.pid, time.perf_counter() - begun
        finally:
            family = _family(process.pid)
            for number in (signal.SIGTERM, signal.SIGKILL):
                for pid in family:
                    with suppress(ProcessLookupError):
                        os.kill(pid, number)
                time.sleep(0.5)
            process.wait()


def _answers(url: str, body: bytes) -> bool:
    try:
        urllib.request.urlopen(urllib.request.Request(url, body, {"content-type": "application/json"}), timeout=10).read()
    except OSError:
        return False
    return True


def _free() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _family(pid: int) -> list[int]:
    """The process and all its descendants."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return [pid]
    return [pid, *(one for child in children for one in _family(int(child)))]


def _cpu(pid: int) -> float:
    """Seconds of CPU time of the whole family."""
    total = 0
    for one in _family(pid):
        with suppress(OSError):
            total += sum(map(int, Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> float:
    """Megabytes of the largest process of the family."""
    sizes = [0]
    for one in _family(pid):
        with suppress(OSError, IndexError):
            sizes.append(int(Path(f"/proc/{one}/status").read_text().partition("VmRSS:")[2].split()[0]))
    return max(sizes) / 1024


def _load(url: str, pid: int, body: Path, connections: int, seconds: int, script: Path) -> dict[str, float]:
    wrk = ["taskset", "-c", "1", "wrk", "-t", "1", "-c", str(connections), "--timeout", "10s", "-s", str(script), url]
    env = {**os.environ, "BODY": str(body)}
    before = _cpu(pid)
    out = subprocess.run([*wrk[:3], "wrk", "-d", f"{seconds}s", *wrk[4:]], env=env, capture_output=True, text=True, check=True).stdout
    figures: dict[str, float] = json.loads(out.partition("FIGURES ")[2])
    return {**figures, "rate": figures["requests"] / figures["seconds"], "per_cpu": figures["requests"] / max(1e-9, _cpu(pid) - before)}


def measure(race: str, work: Path, rounds: int, seconds: int, only: list[str]) -> None:
    """One race: all contenders in turn, once each round."""
    bodies(race, work)
    script = work / "post.lua"
    script.write_text(LUA)
    seen: dict[str, dict[tuple[int, int], list[dict[str, float]]]] = {}
    about: dict[str, list[tuple[float, float]]] = {}
    field_ = [one for one in contenders(race, work) if not only or one.name in only]
    field_ = [one for one in field_ if _built(one)]
    for number in range(rounds):
        for one in field_ if number % 2 == 0 else field_[::-1]:
            try:
                with running(one, work) as (url, pid, ready):
                    for rows in ROWS:
                        body = work / f"{one.body}-{rows}.json"
                        _load(url, pid, body, 16, 1, script)
                        for connections in CONNECTIONS:
                            seen.setdefault(one.name, {}).setdefault((rows, connections), []).append(_load(url, pid, body, connections, seconds, script))
                    about.setdefault(one.name, []).append((ready, _memory(pid)))
            except (RuntimeError, subprocess.CalledProcessError) as error:
                print(f"# {one.name}: {str(error)[:600]}", file=sys.stderr)
    _print(race, seen, about)
    _verdict(race, seen, about)


def _built(one: Contender) -> bool:
    """Make its model; one whose model cannot be made is left out."""
    done = subprocess.run(one.build or ("true",), cwd=HERE, env={**os.environ, "PYTHONPATH": str(HERE), **one.env}, check=False, capture_output=True, text=True)
    if done.returncode:
        print(f"# {one.name}: {done.stderr[-600:]}", file=sys.stderr)
    return done.returncode == 0


def _verdict(race: str, seen: dict[str, dict[tuple[int, int], list[dict[str, float]]]], about: dict[str, list[tuple[float, float]]]) -> None:
    """What is promised, and what was found."""
    ours = ("mlforge", "mlforge v2", "mlforge without log")
    peers = [name for name in seen if name not in (*ours, "bare granian")]
    if "mlforge" not in seen:
        return

    def figure(name: str, cell: tuple[int, int], key: str = "rate") -> float:
        return statistics.median(one[key] for one in seen[name].get(cell, [{key: 0.0}]))

    lines: list[tuple[str, float, bool]] = []
    for cell, least in (((1, 1), 2.0), ((1, 16), 3.0), ((1, 64), 3.0), ((100, 16), 1.4)) if peers else ():
        best = max(peers, key=lambda name: figure(name, cell))
        ratio = figure("mlforge", cell) / max(1e-9, figure(best, cell))
        lines.append(
            (
                f"{cell[0]} row{'s' * (cell[0] > 1)}, {cell[1]} connection{'s' * (cell[1] > 1)}: at least {least:g} × the best peer ({best})",
                ratio,
                ratio >= least,
            )
        )
    if peers:
        best = min(peers, key=lambda name: figure(name, (1, 16), "p99"))
        most = figure(best, (1, 16), "p99")
        p99 = figure("mlforge", (1, 16), "p99")
        lines.append((f"p99 in ms of 1 row at 16 connections: at most the best peer's ({best}, {most:.1f})", p99, p99 <= most))
    if race == "floats" and "bare granian" in seen:
        for connections in CONNECTIONS:
            ratio = figure("mlforge", (1, connections)) / max(1e-9, figure("bare granian", (1, connections)))
            lines.append((f"1 row, {connections} connection{'s' * (connections > 1)}: at least 0.6 × bare granian", ratio, ratio >= 0.6))
    if "mlforge without log" in seen:
        for connections in CONNECTIONS:
            ratio = figure("mlforge", (1, connections), "per_cpu") / max(1e-9, figure("mlforge without log", (1, connections), "per_cpu"))
            lines.append(
                (
                    f"1 row, {connections} connection{'s' * (connections > 1)}: the log leaves at least 0.9 of the requests per second of CPU",
                    ratio,
                    ratio >= 0.9,
                )
            )
    ready, memory = (statistics.median(one[place] for one in about["mlforge"]) for place in (0, 1))
    lines += [("seconds until it is ready: at most 1.5", ready, ready <= 1.5), ("MiB of its largest process: at most 150", memory, memory <= 150)]
    print("\n| promised | found | |\n|---|---|---|")
    for what, found, kept in lines:
        print(f"| {what} | {found:.2f} | {'kept' if kept else 'MISSED'} |")


def _print(race: str, seen: dict[str, dict[tuple[int, int], list[dict[str, float]]]], about: dict[str, list[tuple[float, float]]]) -> None:
    cells = [(rows, connections) for rows in ROWS for connections in CONNECTIONS]
    heads = " | ".join(f"{rows} row{'s' * (rows > 1)}, {connections} conn." for rows, connections in cells)
    print(f"\n## {race}: requests/s (p50 / p99 ms; thousand requests per second of the server's CPU)\n\n| server | ready s | MiB | {heads} |")
    print("|---|---|---|" + "---|" * len(cells))
    for name, by in seen.items():
        told = []
        for cell in cells:
            found = {key: statistics.median(one[key] for one in by[cell]) for key in ("rate", "p50", "p99", "per_cpu")}
            errors = sum(one["errors"] for one in by[cell])
            told.append(
                f"{found['rate']:,.0f} ({found['p50']:.2f} / {found['p99']:.1f}; {found['per_cpu'] / 1000:.1f})" + (f" {errors:.0f} errors" if errors else "")
            )
        ready, memory = (statistics.median(one[place] for one in about[name]) for place in (0, 1))
        print(f"| {name} | {ready:.1f} | {memory:.0f} | " + " | ".join(told) + " |")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="names of contenders, with commas")
    parser.add_argument("--race", default="floats,named")
    given = parser.parse_args()
    if not shutil.which("wrk"):
        print("wrk is not installed")
        return
    races = given.race.split(",")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for race in races:
            subprocess.run([sys.executable, HERE / f"model_{race}.py", work], check=True, stdout=subprocess.DEVNULL)
            measure(race, work, given.rounds, given.seconds, [name for name in given.only.split(",") if name])


if __name__ == "__main__":
    main()
