"""Send the question to plugins: a process each, several at a time, none for longer than the limit."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlforge.plugins.discover import Candidate
from mlforge.plugins.trace import short

__all__ = ["LIMIT", "inquire"]

LIMIT = 10.0  # seconds that a plugin may take to load and answer
_GRACE = 5.0  # seconds for the interpreter to start and end around it


def inquire(candidates: Sequence[Candidate], folders: tuple[Path, ...], limit: float = LIMIT) -> list[dict[str, Any]]:
    """The answers, in the order of the candidates."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=max(4, os.cpu_count() or 1)) as pool:
        return list(pool.map(lambda one: _one(one, folders if one.local else (), limit), candidates))


def _one(candidate: Candidate, folders: tuple[Path, ...], limit: float) -> dict[str, Any]:
    with TemporaryDirectory(prefix="mlforge-") as name:
        request, answer = Path(name, "request.json"), Path(name, "answer.json")
        path = [entry or os.getcwd() for entry in sys.path]  # noqa: PTH109 - sys.path is made of strings
        reach = path + [str(folder) for folder in folders if folder.is_dir()]
        request.write_text(json.dumps({"module": candidate.module, "name": candidate.name, "path": reach, "limit": limit}), encoding="utf-8")
        with Path(name, "output").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "mlforge.plugins.ask", str(request), str(answer)],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path)}, start_new_session=True,
            )  # fmt: skip
            try:
                code = process.wait(limit + _GRACE)
            except subprocess.TimeoutExpired:
                code = None
            finally:
                _end(process)
        return _judge(candidate, limit, code, answer, Path(name, "output").read_bytes())


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and whatever it has started."""
    if sys.platform == "win32":
        process.kill()
    else:
        with suppress(ProcessLookupError, PermissionError):  # it has ended, and left nobody behind
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _judge(candidate: Candidate, limit: float, code: int | None, answer: Path, output: bytes) -> dict[str, Any]:
    if answer.exists():
        reply: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        if reply["state"] == "ok" and output.strip():
            # It wrote past Python, so that nobody knows from where.
            reply |= {"state": "broken", "reason": f"prints when it is loaded: {output.decode(errors='replace').strip()[:60]!r}"}
        return reply
    hang = answer.with_suffix(".hang")
    trace = hang.read_text(encoding="utf-8", errors="replace") if hang.exists() else ""
    if trace or code is None:
        return {"state": "broken", "reason": f"does not answer within {limit:g} s{_stuck(trace, candidate.module)}", "files": [], "hangs": True}
    how = f"is killed by signal {-code}" if code < 0 else f"ends the process with exit code {code}"
    return {"state": "broken", "reason": f"{how} when it is loaded", "files": []}


def _stuck(trace: str, module: str) -> str:
    """The deepest line of the plugin's own in a dump of where it hung."""
    lines = re.findall(r'File "([^"<]+)", line (\d+)', trace)
    top = module.partition(".")[0]
    for path, line in lines:
        if top in Path(path).parts or Path(path).stem == top:
            return f" ({short(path, module)}:{line})"
    return ""
